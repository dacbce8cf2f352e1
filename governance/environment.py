"""What the environment may say to the service: typed, all mistakes reported at once, unknown values refused.

Secrets of our own are no variables: they live under the key directory (`kernel.secret_files`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """The variables of the service; `docs/reference/settings.md` is made from this class."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    zgoda_var: Path = Field(
        BASE_DIR / "var", description="Where the service keeps its files: embedded database, keys, broker, logs."
    )
    zgoda_keys_dir: Path | None = Field(
        None, description="Where secret files live; `var/keys` unless set. Not in the same backup as the data."
    )
    zgoda_debug: bool = Field(False, description="Error pages with code in them. Never in production.")
    zgoda_public_url: str = Field(
        "http://127.0.0.1:8000", description="The address under which people reach the service."
    )
    zgoda_allowed_hosts: str = Field(
        "127.0.0.1,localhost,[::1]", description="Host names the service answers to, by commas."
    )
    zgoda_controller: str = Field(
        "Example Retail sp. z o.o.", description="The controller (Art. 4(7)) as notices name it."
    )
    zgoda_controller_country: str = Field("PL", description="Whose public holidays move deadlines (ISO 3166-1).")
    zgoda_dpo_contact: str = Field("dpo@example.com", description="How people reach the data protection officer.")
    zgoda_log_anchor_dir: Path | None = Field(
        None, description="A directory on other media that gets a copy of every checkpoint of the log."
    )
    zgoda_log_anchor_bucket: str = Field(
        "",
        description="s3://bucket/prefix for copies of checkpoints, each written once; credentials as boto3 finds them.",
    )
    zgoda_log_witnesses: str = Field(
        "", description="Witnesses of the log, by commas: for each its address, a space, and its key."
    )
    zgoda_log_tsa_url: str = Field("", description="A time-stamp authority (RFC 3161) for checkpoints.")
    zgoda_log_tsa_roots: Path | None = Field(
        None, description="Certificates (PEM) of the time-stamp authority that are trusted."
    )
    zgoda_siem_url: str = Field(
        "", description="Where log entries go: syslog+tls://host:6514?format=ocsf (or cef, plain)."
    )
    zgoda_siem_ca: Path | None = Field(
        None, description="Certificates (PEM) that the SIEM's certificate must be under."
    )
    zgoda_siem_personal: bool = Field(
        False, description="Send actors and objects by id, and facts. What was exported cannot be erased."
    )
    database_url: str | None = Field(
        None, description="postgresql://user:password@host:port/name; the embedded server unless set."
    )
    celery_broker_url: str = Field(
        "filesystem://", description="amqp:// or redis:// in production; files under var/ by default."
    )
    zgoda_key_provider: Literal["sealed-file", "pkcs11", "vault", "aws-kms"] = Field(
        "sealed-file", description="Who holds the root keys. Move with `manage.py rewrap_keys --to` before changing it."
    )
    zgoda_key_prefix: str = Field(
        "zgoda",
        pattern=r"^[a-z0-9][a-z0-9-]{0,40}$",
        description="What our keys begin with at a provider that others use too.",
    )
    zgoda_key_epoch_days: int = Field(
        7,
        ge=1,
        le=366,
        description="After how many days everything is rewrapped and the version before the last destroyed.",
    )
    zgoda_pkcs11_module: str = Field("", description="The PKCS#11 library; the PIN is in the secret file `pkcs11-pin`.")
    zgoda_pkcs11_token: str = Field("zgoda", description="The label of the PKCS#11 token.")
    zgoda_vault_url: str = Field(
        "", description="Vault's or OpenBao's address; the token is in the secret file `vault-token`."
    )
    zgoda_vault_mount: str = Field("transit", description="Where the transit engine is mounted.")
    zgoda_tcf_cmp_id: int = Field(
        0, ge=0, le=4095, description="Our number in the CMP list of IAB Europe; 0: no TC strings are made here."
    )
    zgoda_tcf_cmp_version: int = Field(1, ge=0, le=4095, description="The version of our CMP.")
    zgoda_tcf_vendor_id: int = Field(
        0, ge=0, le=65535, description="Our number in the vendor list; 0: TC strings are read as their publisher."
    )
    zgoda_tcf_vendor_list: str = Field("", description="The file with the Global Vendor List (vendor-list.json).")
    email_host: str = Field("127.0.0.1", description="The SMTP server.")
    email_port: int = Field(1025, description="Its port.")
    email_host_user: str = Field("", description="The account at the SMTP server.")
    email_host_password: str = Field("", description="Its password.")
    email_use_tls: bool = Field(False, description="STARTTLS.")
    default_from_email: str = Field("Example Retail <hello@example.com>", description="The sender of messages.")

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("DATABASE_URL must start with postgresql://: there is one database engine.")
        return value or None

    @property
    def keys_dir(self) -> Path:
        return self.zgoda_keys_dir or self.zgoda_var / "keys"

    @property
    def behind_tls(self) -> bool:
        return self.zgoda_public_url.startswith("https://")

    def database(self) -> dict[str, object]:
        """Django's settings of the one database."""
        common = {"ENGINE": "governance.postgres", "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 60}
        if self.database_url is None:
            return common | {
                "NAME": "postgres",
                "USER": "postgres",
                "OPTIONS": {"embedded": str((self.zgoda_var / "postgres").resolve())},
            }
        url = urlsplit(self.database_url)
        return common | {
            "NAME": unquote(url.path.lstrip("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": url.hostname or "",
            "PORT": str(url.port or ""),
            "OPTIONS": dict(parse_qsl(url.query)),
        }
