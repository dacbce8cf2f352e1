"""Tables: staff, service clients. No verbs here; see staff.py, roles.py and clients.py."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from governance.kernel.clock import now
from governance.kernel.models import UuidModel


class UserManager(BaseUserManager["User"]):
    """Django's own commands (createsuperuser, changepassword) come through here."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A row for the address, in lower case; the password is hashed."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """The operator: administers staff. Dual control binds a superuser like anybody else."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Case does not matter in the address that one logs in with."""
        return self.get(email=(username or "").strip().lower())


class User(UuidModel, AbstractBaseUser, PermissionsMixin):
    """A member of staff. Never a data subject, whom this service knows by an opaque id only."""

    email = models.EmailField("e-mail", max_length=254)
    display_name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField("may enter the console", default=True)
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(default=now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "member of staff"
        verbose_name_plural = "staff"
        constraints = [
            models.UniqueConstraint(fields=["email"], name="accounts_user_email_once"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"),
        ]

    def __str__(self) -> str:
        """Opaque: Django copies this text into django_admin_log and into messages."""
        return f"staff:{self.pk}"

    def get_full_name(self) -> str:
        """The name that colleagues see on the screen."""
        return self.display_name or f"staff {str(self.pk)[-6:]}"

    def get_short_name(self) -> str:
        """The same: there is only one name."""
        return self.get_full_name()


class ServiceClient(UuidModel):
    """A pipeline or system with a key. `key_mac` is a keyed digest; the key itself exists only with its holder."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    key_mac = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=64))
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the hour.")
    last_refused_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the hour.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="accounts_client_expires_after_issue"
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="accounts_client_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
