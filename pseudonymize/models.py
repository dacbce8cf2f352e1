"""Tables of the vault, of the keys, of the policies and of what ran. No verbs: those are in the modules beside.

No column holds a person's data in the clear: identifiers are ciphertext under the subject's own key, and are found by a keyed
blind index. Keys are in tables of their own, so that they can be backed up apart and for a shorter time than the data.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel
from pseudonymize.identity import INDEXED_KINDS, MULTIPLE_KINDS, IdentifierKind

_INDEXED = sorted(kind.value for kind in INDEXED_KINDS)
_MULTIPLE = sorted(kind.value for kind in MULTIPLE_KINDS)


class SuppressionScope(models.TextChoices):
    """How far a suppression reaches."""

    ALL = "all", "Never enrol again"
    MARKETING = "marketing", "Never contact for marketing"


class KeyStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    DECRYPT_ONLY = "decrypt_only", "Decrypt only"
    DESTROYED = "destroyed", "Destroyed"


class DataSubject(UuidModel):
    """A data subject (Art. 4(1)): an opaque id. After an erasure the row stays as a tombstone without any content."""

    enrolled_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = "data subject"
        db_table = "pseudonymize_data_subject"

    def __str__(self) -> str:
        return opaque("sub", self.id)


class SubjectIdentifier(UuidModel):
    """One identifier of a subject: ciphertext bound to row, subject and kind; a blind index where it can be looked up."""

    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in IdentifierKind])
    blind_index = models.BinaryField(null=True, max_length=16)
    canonical_version = models.PositiveSmallIntegerField()
    ciphertext = models.BinaryField()
    source = models.CharField(max_length=100)
    enrolled_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "identifier"
        db_table = "pseudonymize_subject_identifier"
        constraints = [
            models.UniqueConstraint(fields=["kind", "blind_index"], name="subject_identifier_found_once"),
            models.UniqueConstraint(
                fields=["subject", "kind"], condition=~Q(kind__in=_MULTIPLE), name="subject_identifier_one_of_its_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=_INDEXED, blind_index__isnull=False)
                | (~Q(kind__in=_INDEXED) & Q(blind_index__isnull=True)),
                name="subject_identifier_indexed_by_kind",
            ),
        ]

    def __str__(self) -> str:
        return opaque("idf", self.id)


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
    """A version of the key-encryption key that the provider holds. The key itself is never here, only its fingerprint."""

    version = models.PositiveIntegerField(primary_key=True)
    provider = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
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


class Suppression(UuidModel):
    """Who must not be brought back: a keyed index under the suppression key. Kept after an erasure, it names nobody (Art. 5(2))."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in IdentifierKind])
    blind_index = models.BinaryField(max_length=16)
    canonical_version = models.PositiveSmallIntegerField()
    scope = models.CharField(max_length=16, choices=SuppressionScope.choices)
    reason = models.CharField(max_length=200)
    suppressed_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = "suppression"
        db_table = "pseudonymize_suppression"
        constraints = [
            models.UniqueConstraint(fields=["kind", "blind_index", "scope"], name="suppression_once_per_scope")
        ]

    def __str__(self) -> str:
        return opaque("sup", self.id)


class Domain(UuidModel):
    """A pseudonymisation domain (EDPB Guidelines 01/2025): what for, who receives, what they can reach besides."""

    key = models.SlugField(max_length=60, unique=True)
    purpose = models.CharField(max_length=100)
    recipients = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    additional_information = models.TextField(
        blank=True, help_text="What else the recipients can reach that could tell who a pseudonym is."
    )
    join_group = models.CharField(max_length=60, blank=True, help_text="Domains of one group share their keys.")
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "pseudonymisation domain"
        db_table = "pseudonymize_domain"

    def __str__(self) -> str:
        return self.key


class PolicyVersion(UuidModel):
    """A published policy: its text and digest, never changed. A new text is a new version."""

    name = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="policies")
    text = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=100)

    class Meta:
        verbose_name = "policy"
        verbose_name_plural = "policies"
        db_table = "pseudonymize_policy_version"
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="policy_version_number_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class Manifest(UuidModel):
    """What one run did: policy, keys' epoch, rows, a statement per column, risk, gate, digests, signature."""

    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="manifests")
    activity = models.CharField(max_length=160)
    verdict_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=100)
    rows_in = models.PositiveBigIntegerField()
    rows_out = models.PositiveBigIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    statement = models.JSONField()
    jws = models.TextField()
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = "manifest"
        db_table = "pseudonymize_manifest"

    def __str__(self) -> str:
        return opaque("man", self.id)


class RevealLevel(models.TextChoices):
    MASKED = "masked", "Masked"
    PLAIN = "plain", "Plain"


class RevealRequest(UuidModel):
    """Somebody asks to turn these tokens of one column of one run back. The tokens themselves are not kept, their digest is."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="reveal_requests")
    column = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in IdentifierKind])
    level = models.CharField(max_length=8, choices=RevealLevel.choices)
    purpose = models.CharField(max_length=200)
    case = models.CharField(max_length=100)
    tokens_sha256 = models.CharField(max_length=64)
    token_count = models.PositiveIntegerField()
    requester = models.CharField(max_length=100)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "request to reveal"
        verbose_name_plural = "requests to reveal"
        db_table = "pseudonymize_reveal_request"
        constraints = [
            models.UniqueConstraint(fields=["id", "requester"], name="reveal_request_of_requester"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("opened_at")), name="reveal_request_expires"),
            models.CheckConstraint(condition=Q(token_count__gt=0), name="reveal_request_some_tokens"),
        ]

    def __str__(self) -> str:
        return opaque("rev", self.id)


class RevealApproval(UuidModel):
    """One person's approval of exactly these tokens. Never the requester's own: the table itself refuses that."""

    request = models.ForeignKey(RevealRequest, on_delete=models.PROTECT, related_name="approvals")
    requester = models.CharField(max_length=100)
    approver = models.CharField(max_length=100)
    tokens_sha256 = models.CharField(max_length=64)
    approved_at = models.DateTimeField()

    class Meta:
        verbose_name = "approval to reveal"
        verbose_name_plural = "approvals to reveal"
        db_table = "pseudonymize_reveal_approval"
        constraints = [
            models.UniqueConstraint(fields=["request", "approver"], name="reveal_approval_once_per_person"),
            models.CheckConstraint(condition=~Q(approver=models.F("requester")), name="reveal_approval_not_ones_own"),
        ]

    def __str__(self) -> str:
        return opaque("rva", self.id)


class Reveal(UuidModel):
    """A reveal that happened, once per request: by the requester, with two approvals of two other people."""

    request = models.OneToOneField(RevealRequest, on_delete=models.PROTECT, related_name="reveal")
    requester = models.CharField(max_length=100)
    first_approver = models.CharField(max_length=100)
    second_approver = models.CharField(max_length=100)
    found = models.PositiveIntegerField()
    revealed_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        db_table = "pseudonymize_reveal"
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_approver=models.F("second_approver"))
                & ~Q(first_approver=models.F("requester"))
                & ~Q(second_approver=models.F("requester")),
                name="reveal_takes_three_people",
            )
        ]

    def __str__(self) -> str:
        return opaque("rvl", self.id)
