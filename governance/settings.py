"""Django's settings. What a deployment may change comes through `governance.environment`; the rest is decided here."""

from __future__ import annotations

import secrets
import sys

from csp.constants import NONCE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _
from kombu.entity import Queue

from governance.console.theme import UNFOLD  # noqa: F401 - the theme reads it
from governance.environment import BASE_DIR, Environment  # noqa: F401 - commands read BASE_DIR
from governance.kernel import logs
from governance.kernel.secret_files import secret_file

ENVIRONMENT = Environment()  # type: ignore[call-arg]  # pydantic reads the variables

# --- What the packages read ---------------------------------------------------------------------------------------
ZGODA_VAR = ENVIRONMENT.zgoda_var.resolve()
ZGODA_KEYS_DIR = ENVIRONMENT.keys_dir.resolve()
ZGODA_PUBLIC_URL = ENVIRONMENT.zgoda_public_url.rstrip("/")
ZGODA_ORIGIN = ZGODA_PUBLIC_URL.partition("//")[2] + "/log"  # the origin line of checkpoints (C2SP tlog-checkpoint)
ZGODA_CONTROLLER = ENVIRONMENT.zgoda_controller
ZGODA_CONTROLLER_COUNTRY = ENVIRONMENT.zgoda_controller_country
ZGODA_DPO_CONTACT = ENVIRONMENT.zgoda_dpo_contact
ZGODA_KEY_PROVIDER = ENVIRONMENT.zgoda_key_provider
ZGODA_KEY_PREFIX = ENVIRONMENT.zgoda_key_prefix
ZGODA_KEY_EPOCH_DAYS = ENVIRONMENT.zgoda_key_epoch_days
ZGODA_PKCS11_MODULE = ENVIRONMENT.zgoda_pkcs11_module
ZGODA_PKCS11_TOKEN = ENVIRONMENT.zgoda_pkcs11_token
ZGODA_VAULT_URL = ENVIRONMENT.zgoda_vault_url
ZGODA_VAULT_MOUNT = ENVIRONMENT.zgoda_vault_mount
ZGODA_TCF_CMP_ID = ENVIRONMENT.zgoda_tcf_cmp_id
ZGODA_TCF_CMP_VERSION = ENVIRONMENT.zgoda_tcf_cmp_version
ZGODA_TCF_VENDOR_ID = ENVIRONMENT.zgoda_tcf_vendor_id
ZGODA_TCF_VENDOR_LIST = ENVIRONMENT.zgoda_tcf_vendor_list
ZGODA_LOG_ANCHOR_DIR = ENVIRONMENT.zgoda_log_anchor_dir
ZGODA_LOG_ANCHOR_BUCKET = ENVIRONMENT.zgoda_log_anchor_bucket
ZGODA_LOG_WITNESSES = ENVIRONMENT.zgoda_log_witnesses
ZGODA_LOG_TSA_URL = ENVIRONMENT.zgoda_log_tsa_url
ZGODA_LOG_TSA_ROOTS = ENVIRONMENT.zgoda_log_tsa_roots
ZGODA_SIEM_URL = ENVIRONMENT.zgoda_siem_url
ZGODA_SIEM_CA = ENVIRONMENT.zgoda_siem_ca
ZGODA_SIEM_PERSONAL = ENVIRONMENT.zgoda_siem_personal
ZGODA_WAKE_WORKERS = True  # tests drain the job table themselves


def _secret_key() -> str:
    """Made on first use, kept in a file of mode 0600."""
    return secret_file(ZGODA_KEYS_DIR / "django_secret_key", lambda: secrets.token_urlsafe(64).encode()).decode()


# --- Applications, lower floors first -----------------------------------------------------------------------------
ZGODA_APPS = [
    "governance.jobs",
    "audit",
    "governance.accounts",
    "pseudonymize",
    "governance.purposes",
    "governance.catalogue",
    "governance.retention",
    "governance.aggregates",
    "governance.incidents",
    "governance.airegister",
    "consent",
    "engine.events",
    "engine.profiles",
    "engine.features",
    "engine.learning",
    "engine.decisioning",
    "engine.content",
    "engine.experiments",
    "engine.channels",
    "engine.journeys",
    "dsar",
    "governance.privacy_center",
    "governance.demo",
    "governance",
]
INSTALLED_APPS = [
    "governance.console",  # before the theme: its Today page takes the place of the theme's start page
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "auditlog",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *ZGODA_APPS,
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "governance.middleware.RequestContext",
    "csp.middleware.CSPMiddleware",
    "governance.middleware.ConsoleScriptPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.acting.ActingStaff",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- One database, one truth --------------------------------------------------------------------------------------
DATABASES = {"default": ENVIRONMENT.database()}
# Rate limits must hold across processes, so the cache is a table too.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "zgoda_cache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Celery: wake-ups that carry no data --------------------------------------------------------------------------
CELERY_BROKER_URL = ENVIRONMENT.celery_broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Wake-ups are taken without acknowledgement: they say nothing that the job table does not say. An acknowledged queue stalls when
# killed pool processes leave as many messages unacknowledged as the worker may hold.
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]  # type: ignore[no-untyped-call]
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # a lost wake-up costs latency only; nobody waits for it
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(ZGODA_VAR / "broker" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {"wake": {"task": "jobs.wake", "schedule": 2.0, "options": {"expires": 10}}}
if CELERY_BROKER_URL.startswith("filesystem:"):
    _queue = ZGODA_VAR / "broker" / "queue"
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "processed_folder": str(ZGODA_VAR / "broker" / "processed"),
        "store_processed": True,  # otherwise messages pass through the shared temporary directory
        "control_folder": str(ZGODA_VAR / "broker" / "control"),
    }
elif CELERY_BROKER_URL.startswith("amqp"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}

# --- Accounts -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "governance.accounts.login.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # staff accounts are made by staff
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "20/m/ip,5/5m/key"}
MFA_ADAPTER = "governance.accounts.login.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Zgoda"

# --- Security -----------------------------------------------------------------------------------------------------
SECRET_KEY = _secret_key()
DEBUG = ENVIRONMENT.zgoda_debug
ALLOWED_HOSTS = [host.strip() for host in ENVIRONMENT.zgoda_allowed_hosts.split(",") if host.strip()]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENVIRONMENT.behind_tls
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.behind_tls else None
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.behind_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ENVIRONMENT.behind_tls
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}
# The admin theme evaluates expressions; its pages alone get the looser policy (governance.middleware).
CONSOLE_CONTENT_SECURITY_POLICY = {
    "default-src": [SELF],
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF, "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": [SELF],
    "frame-ancestors": ["'none'"],
}

# --- Languages, time, files ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pl", _("Polish"))]
FORMAT_MODULE_PATH = ["governance.privacy_center.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = ZGODA_VAR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns about a missing directory
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# --- Mail ---------------------------------------------------------------------------------------------------------
EMAIL_HOST = ENVIRONMENT.email_host
EMAIL_PORT = ENVIRONMENT.email_port
EMAIL_HOST_USER = ENVIRONMENT.email_host_user
EMAIL_HOST_PASSWORD = ENVIRONMENT.email_host_password
EMAIL_USE_TLS = ENVIRONMENT.email_use_tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENVIRONMENT.default_from_email

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.accounts.api.ServiceClientAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["governance.kernel.api.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "governance.kernel.api.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "governance.kernel.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Zgoda",
    "DESCRIPTION": "Privacy and compliance governance for AI-driven marketing.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "PREPROCESSING_HOOKS": ["pseudonymize.api.documented"],
    # Names for choices that stand in several shapes under several names.
    "ENUM_NAME_OVERRIDES": {
        "PersonLanguageEnum": ["en", "pl"],
        "SignalKindEnum": ["tcf", "gpp", "gpc", "google_consent_mode"],
    },
}

# --- Audit of configuration, logs, console ------------------------------------------------------------------------
AUDITLOG_DISABLE_REMOTE_ADDR = True  # staff's network addresses are nobody's business here
LOGGING = logs.configuration(pretty=sys.stderr.isatty(), strict=False)
