"""Tables of keys, apart from what they open, so that they can be backed up apart and for a shorter time than the data."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel
from pseudonymize.models.vault import DataSubject


class KeyStatus(models.TextChoices):
    NEXT = "next", "Next"
    ACTIVE = "active", "Active"
    DECRYPT_ONLY = "decrypt_only", "Decrypt only"
    DESTROYED = "destroyed", "Destroyed"


class SubjectKey(UuidModel):
    """The subject's own key, wrapped. Destroying deletes the wrapped key and leaves a tombstone with a proof."""

    subject = models.OneToOneField(DataSubject, on_delete=models.PROTECT, related_name="key")
    wrapped = models.BinaryField(null=True)
    kek_version = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)
    proof_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "subject key"
        db_table = "pseudonymize_subject_key"
        indexes = [
            models.Index(fields=["kek_version"], condition=Q(wrapped__isnull=False), name="subject_key_live_by_kek")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(wrapped__isnull=False, destroyed_at__isnull=True, proof_sha256="")
                | (Q(wrapped__isnull=True, destroyed_at__isnull=False) & ~Q(proof_sha256="")),
                name="subject_key_live_or_tombstone",
            )
        ]

    def __str__(self) -> str:
        return opaque("key", self.id)


class KeyEncryptionKey(models.Model):
    """A version (an epoch) of the key-encryption key, wrapped by the provider under a key that is the provider's own.

    Whoever has a copy of this table has nothing without that key, and destroying it destroys the version in every copy.
    """

    version = models.PositiveIntegerField(primary_key=True)
    provider = models.CharField(max_length=100)
    reference = models.CharField(
        max_length=300, blank=True, help_text="What the provider calls its key for this version."
    )
    wrapped = models.BinaryField(
        null=True, help_text="Empty for versions of the sealed file from before: their file is the key."
    )
    fingerprint = models.CharField(max_length=64)
    wraps = models.PositiveBigIntegerField(default=0, help_text="How many keys were wrapped under it, ever.")
    status = models.CharField(max_length=16, choices=KeyStatus.choices)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "key-encryption key"
        db_table = "pseudonymize_key_encryption_key"
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status=KeyStatus.ACTIVE), name="key_encryption_key_one_active"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class MasterKey(UuidModel):
    """A wrapped master that working keys are derived from: of a domain or join group, of the indexes, of the suppression list."""

    name = models.CharField(max_length=160)
    epoch = models.PositiveIntegerField()
    wrapped = models.BinaryField(null=True)
    kek_version = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=KeyStatus.choices)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "master key"
        db_table = "pseudonymize_master_key"
        constraints = [
            models.UniqueConstraint(fields=["name", "epoch"], name="master_key_once_per_epoch"),
            models.CheckConstraint(
                condition=Q(wrapped__isnull=False, destroyed_at__isnull=True)
                | Q(wrapped__isnull=True, destroyed_at__isnull=False, status=KeyStatus.DESTROYED),
                name="master_key_live_or_destroyed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, epoch {self.epoch}"


class KeyUsage(models.Model):
    """How much one derived key has encrypted: AES blocks by kind of transform, master and epoch (security.md 4.9)."""

    name = models.CharField(max_length=160)
    epoch = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    blocks = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "use of a key"
        verbose_name_plural = "uses of keys"
        db_table = "pseudonymize_key_usage"
        constraints = [models.UniqueConstraint(fields=["name", "epoch", "kind"], name="key_usage_counted_once")]

    def __str__(self) -> str:
        return f"{self.name}, epoch {self.epoch}, {self.kind}"
