"""Staff join and leave. Every verb here is recorded under opaque ids; names and addresses stay in their own row."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from audit import log
from governance.accounts import roles
from governance.accounts.errors import AlreadyEnlisted, StaffUnknown
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON, InvalidInput


def enlist(
    email: str,
    *,
    roles_held: Iterable[Role] = (),
    password: str | None = None,
    display_name: str = "",
    superuser: bool = False,
    actor: Actor,
) -> UUID:
    """Create a staff account and give it its roles; returns its id.

    Without a password nobody can log in until one is set (`manage.py changepassword`). Raises AlreadyEnlisted for a known address and
    InvalidInput for an address or a password that does not pass the validators.
    """
    address = email.strip().lower()
    user = User(email=address, display_name=display_name, is_superuser=superuser)
    _check(address, password, user)
    with transaction.atomic():
        if User.objects.filter(email=address).exists():
            raise AlreadyEnlisted("An account with this address exists.")
        user.set_password(password)
        user.save()
        log.emit("accounts.staff_enlisted", actor=actor, object=f"staff:{user.pk}", facts={"superuser": superuser})
        for role in sorted(set(roles_held)):
            roles.grant(user, role, actor=actor)
    return user.pk


def set_password(user_id: UUID, password: str, *, actor: Actor) -> None:
    """Set a password; open sessions of the account end, because their hash no longer fits. Raises StaffUnknown, InvalidInput."""
    with transaction.atomic():
        user = _locked(user_id)
        _check(user.email, password, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        log.emit("accounts.password_set", actor=actor, object=f"staff:{user.pk}")


def dismiss(user_id: UUID, *, actor: Actor) -> None:
    """End an account: no login, no roles, no open session, no name and no address kept. The id stays, for the log. Idempotent."""
    with transaction.atomic():
        user = _locked(user_id)
        user.is_active = user.is_staff = user.is_superuser = False
        user.display_name = ""
        user.email = f"{user.pk}@dismissed.invalid"
        user.set_unusable_password()
        user.save()
        user.groups.clear()
        user.user_permissions.clear()
        log.emit("accounts.staff_dismissed", actor=actor, object=f"staff:{user.pk}")


def find(email: str) -> UUID | None:
    """The id of the account with this address, or None."""
    return User.objects.filter(email=email.strip().lower()).values_list("pk", flat=True).first()


def _locked(user_id: UUID) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise StaffUnknown("No member of staff has this id.")
    return user


def _check(email: str, password: str | None, user: User) -> None:
    errors: list[JSON] = []
    try:
        validate_email(email)
    except ValidationError:
        errors.append({"pointer": "/email", "detail": "Not an e-mail address."})
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as refusal:
            errors += [{"pointer": "/password", "detail": text} for text in refusal.messages]
    if errors:
        raise InvalidInput("The account cannot be created like this.", errors=errors)
