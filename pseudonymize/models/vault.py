"""Tables of the vault: people, what they are found by, and who must not be enrolled again.

No column holds a person's data in the clear: identifiers are ciphertext under the subject's own key, and are found by a keyed
blind index.
"""

from __future__ import annotations

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
