"""The service's settings with what tests need: strict logs, quick password hashing, workers that the tests drive themselves."""

from governance.kernel import logs
from governance.settings import *  # noqa: F403

LOGGING = logs.configuration(pretty=False, strict=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ZGODA_WAKE_WORKERS = False
SECURE_SSL_REDIRECT = False
