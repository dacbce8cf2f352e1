"""Tables of domains, of the policies they run, of what ran, and of the tokens that were drawn at random."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel
from pseudonymize.models.vault import DataSubject


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
