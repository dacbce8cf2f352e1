"""How staff get in: django-allauth's flows, with our rules hung on its adapters.

- Accounts are made by the operator; there is no sign-up and no reset by e-mail.
- Failed logins are counted per account and per address in the database cache, so that the count holds across processes. The count
  does not depend on the host name that the visitor sends, or varying it would buy new tries.
- One-time-code secrets are sealed under a secret file; allauth would store them as they are.
- Logins, failures, the start of a lock-out, logouts and changes of password or second factor are entries in the log.
"""

import base64
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from audit import log
from governance.accounts import staff
from governance.accounts.models import User
from governance.kernel import crypto, secret_files
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.canonical import sha256_hex
from governance.kernel.logs import get_logger

LOCKED_FOR_SECONDS: Final = 300

logger = get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Setting ACCOUNT_ADAPTER."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Staff are enlisted, they do not sign up."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse before the password is looked at when too many wrong ones came; the start of a lock-out is an entry in the log."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            key = self._get_login_attempts_cache_key(request, **credentials)
            if cache.add(f"accounts:locked:{sha256_hex(key.encode())}", True, timeout=LOCKED_FOR_SECONDS):
                record("accounts.login_locked", SYSTEM, _object_of(credentials))
            logger.warning("login_refused", reason="too_many_attempts")
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password, or an address that nobody has. Neither is written down."""
        record("accounts.login_failed", SYSTEM, _object_of(credentials), factor="password")
        logger.warning("login_failed")

    def reauthenticate(self, user: User, password: str) -> bool:
        """Ask for the password again before something sensitive; counts like a login."""
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def login(self, request: HttpRequest, user: User) -> None:
        """All factors passed: the session and its entry are written together."""
        factors = sorted({str(record["method"]) for record in get_authentication_records(request, user)})
        with transaction.atomic():
            super().login(request, user)
            record("accounts.login", actor(user), f"staff:{user.pk}", factors=factors)

    def logout(self, request: HttpRequest) -> None:
        """The session ends."""
        user = request.user
        with transaction.atomic():
            super().logout(request)
            if isinstance(user, User):
                record("accounts.logout", actor(user), f"staff:{user.pk}")

    def set_password(self, user: User, password: str) -> None:
        """A member of staff changes their own password."""
        with transaction.atomic():
            super().set_password(user, password)
            record("accounts.password_changed", actor(user), f"staff:{user.pk}")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"login:{str(credentials.get('email', '')).strip().lower()}"


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Setting MFA_ADAPTER."""

    def encrypt(self, text: str) -> str:
        """Seal a one-time-code secret or recovery seed."""
        return base64.b64encode(crypto.seal(_mfa_key(), text.encode(), [b"accounts.mfa"])).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` sealed. Raises SealBroken when the row was tampered with."""
        return crypto.unseal(_mfa_key(), base64.b64decode(encrypted_text), [b"accounts.mfa"]).decode()

    def build_totp_svg(self, url: str) -> str:
        """The QR code without its XML declaration, so that the page can hold it inline under a strict content security policy."""
        svg: str = super().build_totp_svg(url)
        return svg[svg.index("<svg") :]


def record_wrong_codes() -> None:
    """Have allauth tell us about wrong one-time codes; a signal is the only way it does."""
    authentication_failed.connect(_wrong_code, dispatch_uid="accounts.wrong_code")


def record(action: str, actor: Actor, what: str, **facts: str | list[str]) -> None:
    """An entry about staff, in the transaction that is open or in one of its own."""
    with transaction.atomic():
        log.emit(action, actor=actor, object=what, facts=facts)


def actor(user: User) -> Actor:
    """A member of staff as an opaque id."""
    return Actor(ActorKind.STAFF, str(user.pk))


def _wrong_code(sender: object, user: User, authenticator: Authenticator, **_: object) -> None:
    record("accounts.login_failed", SYSTEM, f"staff:{user.pk}", factor=str(authenticator.type))


def _object_of(credentials: dict[str, Any]) -> str:
    user_id = staff.find(str(credentials.get("email", "")))
    return f"staff:{user_id}" if user_id else "staff:unknown"


def _mfa_key() -> bytes:
    return secret_files.load_or_create("staff-second-factor.key", crypto.random_key)
