"""Tables of the vault, of the keys, of the policies and of what ran. No verbs: those are in the modules beside.

No column holds a person's data in the clear: identifiers are ciphertext under the subject's own key, and are found by a keyed
blind index. Keys are in tables of their own, so that they can be backed up apart and for a shorter time than the data.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

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
    NEXT = "next", "Next"
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


class SuppressionKey(models.TextChoices):
    """Under which key a suppression's index was made."""

    LIST = "list", "The list's own key"
    INDEX = "index", "The key of the identifiers' index"


class Suppression(UuidModel):
    """Who must not be brought back: a keyed index under the suppression key. Kept after an erasure, it names nobody (Art. 5(2))."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in IdentifierKind])
    blind_index = models.BinaryField(max_length=16)
    canonical_version = models.PositiveSmallIntegerField()
    keyed_by = models.CharField(
        max_length=8,
        choices=SuppressionKey.choices,
        default=SuppressionKey.LIST,
        help_text="Who was erased while no key could be had is listed under the index that their identifiers had.",
    )
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
    controller = models.CharField(max_length=200, blank=True, help_text="Who decides; the service's own unless named.")
    recipients = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    datasets = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    excluded_attackers = models.TextField(
        blank=True, help_text="Who is taken not to attack the pseudonyms, and what keeps them from it."
    )
    canonicalisers = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text="The canonical forms, with their versions, that the domain's tokens were made from.",
    )
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
        indexes = [
            # Whether a file is somebody's output already is asked at every run over a file.
            models.Index(KeyTextTransform("output_sha256", "statement"), name="manifest_by_output")
        ]

    def __str__(self) -> str:
        return opaque("man", self.id)


class VaultToken(UuidModel):
    """A random token of one value in one domain, until it expires: nothing leads from the token to the value but this row.

    The value is sealed under its person's own key where the vault knows them, else under a key of the domain; it is found again by a
    keyed index. `domain`'s join group does not matter: a token of the vault joins within its domain alone.
    """

    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="vault_tokens")
    column_class = models.CharField(max_length=60)
    blind_index = models.BinaryField(max_length=16)
    token = models.BinaryField(max_length=16)
    sealed = models.BinaryField()
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, null=True, blank=True, related_name="tokens")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "random token"
        db_table = "pseudonymize_vault_token"
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "column_class", "blind_index"], name="vault_token_once_per_value"
            ),
            models.UniqueConstraint(fields=["domain", "token"], name="vault_token_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="vault_token_expires"),
        ]

    def __str__(self) -> str:
        return opaque("vtk", self.id)


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
    max_rows = models.PositiveIntegerField(default=1_000, help_text="How many people it may reveal at most.")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the requester's mailbox.")
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
    requester_person = models.CharField(max_length=64, blank=True)
    approver = models.CharField(max_length=100)
    person = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the approver's mailbox.")
    tokens_sha256 = models.CharField(max_length=64)
    terms_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the whole request as it was approved."
    )
    reason = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField()

    class Meta:
        verbose_name = "approval to reveal"
        verbose_name_plural = "approvals to reveal"
        db_table = "pseudonymize_reveal_approval"
        constraints = [
            models.UniqueConstraint(fields=["request", "approver"], name="reveal_approval_once_per_person"),
            models.CheckConstraint(condition=~Q(approver=models.F("requester")), name="reveal_approval_not_ones_own"),
            models.UniqueConstraint(
                fields=["request", "person"], condition=~Q(person=""), name="reveal_approval_once_per_mailbox"
            ),
            models.CheckConstraint(
                condition=Q(person="") | ~Q(person=models.F("requester_person")), name="reveal_approval_not_ones_other"
            ),
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


class RevealedSubject(UuidModel):
    """That a person was turned back by a reveal: for their own copy (Art. 15), and for the limit per person."""

    reveal = models.ForeignKey(Reveal, on_delete=models.PROTECT, related_name="people")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="reveals")
    requester = models.CharField(max_length=100)
    revealed_at = models.DateTimeField()

    class Meta:
        verbose_name = "person revealed"
        verbose_name_plural = "people revealed"
        db_table = "pseudonymize_revealed_subject"
        constraints = [models.UniqueConstraint(fields=["reveal", "subject"], name="revealed_subject_once")]
        indexes = [models.Index(fields=["requester", "revealed_at"], name="revealed_subject_by_requester")]

    def __str__(self) -> str:
        return opaque("rvs", self.id)


class JoinGrant(UuidModel):
    """That tokens of one domain may be translated into another's: which classes of columns, what for, until when, how many rows."""

    source = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="grants_from")
    target = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="grants_to")
    columns = ArrayField(models.CharField(max_length=200))
    reason = models.CharField(max_length=200)
    max_rows = models.PositiveIntegerField(help_text="In all, over the life of the grant.")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "bridge between domains"
        verbose_name_plural = "bridges between domains"
        db_table = "pseudonymize_join_grant"
        constraints = [
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="join_grant_between_two"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("opened_at")), name="join_grant_expires"),
            models.CheckConstraint(condition=Q(max_rows__gt=0), name="join_grant_some_rows"),
        ]

    def __str__(self) -> str:
        return opaque("brg", self.id)


class JoinGrantApproval(UuidModel):
    """One person's approval of a bridge as it stands."""

    grant = models.ForeignKey(JoinGrant, on_delete=models.PROTECT, related_name="approvals")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64)
    approver = models.CharField(max_length=100)
    person = models.CharField(max_length=64)
    terms_sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    approved_at = models.DateTimeField()

    class Meta:
        verbose_name = "approval of a bridge"
        verbose_name_plural = "approvals of bridges"
        db_table = "pseudonymize_join_grant_approval"
        constraints = [
            models.UniqueConstraint(fields=["grant", "approver"], name="join_grant_approval_once_per_account"),
            models.UniqueConstraint(fields=["grant", "person"], name="join_grant_approval_once_per_mailbox"),
            models.CheckConstraint(
                condition=~Q(approver=models.F("requester")) & ~Q(person=models.F("requester_person")),
                name="join_grant_approval_not_ones_own",
            ),
        ]

    def __str__(self) -> str:
        return opaque("bra", self.id)


class JoinGrantUse(UuidModel):
    """One translation over a bridge: how many rows went in, how many came out. Never which."""

    grant = models.ForeignKey(JoinGrant, on_delete=models.PROTECT, related_name="uses")
    actor = models.CharField(max_length=100)
    column = models.CharField(max_length=200)
    rows = models.PositiveIntegerField()
    translated = models.PositiveIntegerField()
    used_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = "use of a bridge"
        verbose_name_plural = "uses of bridges"
        db_table = "pseudonymize_join_grant_use"

    def __str__(self) -> str:
        return opaque("bru", self.id)


class WorkState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class FileJob(UuidModel):
    """A file that a client handed in to be pseudonymised. The files lie in a directory of the job's own until they are collected."""

    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="file_jobs")
    activity = models.CharField(max_length=160)
    verdict_id = models.UUIDField(null=True, blank=True)
    format = models.CharField(max_length=8)
    actor = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.WAITING)
    rows_done = models.PositiveBigIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_in = models.PositiveBigIntegerField()
    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, null=True, blank=True, related_name="file_jobs")
    problem = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="When its files are deleted.")

    class Meta:
        verbose_name = "file to pseudonymise"
        verbose_name_plural = "files to pseudonymise"
        db_table = "pseudonymize_file_job"

    def __str__(self) -> str:
        return opaque("fil", self.id)


class Remap(UuidModel):
    """Moving one output's tokens from an epoch of its domain's keys to the current one, with what came of it."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="remaps")
    from_epoch = models.PositiveIntegerField()
    to_epoch = models.PositiveIntegerField()
    source = models.CharField(max_length=500, help_text="The output's file.")
    output = models.CharField(max_length=500)
    actor = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.WAITING)
    rows_done = models.PositiveBigIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField(null=True, blank=True)
    mapped = models.PositiveBigIntegerField(default=0)
    unmapped = models.PositiveBigIntegerField(default=0, help_text="Tokens whose value nobody knows any more.")
    output_sha256 = models.CharField(max_length=64, blank=True)
    problem = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "re-mapping"
        db_table = "pseudonymize_remap"
        constraints = [
            models.CheckConstraint(condition=~Q(from_epoch=models.F("to_epoch")), name="remap_between_two_epochs")
        ]

    def __str__(self) -> str:
        return opaque("rem", self.id)
