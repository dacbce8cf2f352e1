"""Forms that wait for a job or a confirmation: sealed, and deleted within days."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.kernel.models import UuidModel


class ErrandKind(models.TextChoices):
    """What is to be done once the mailbox is proved."""

    CHOICES_LINK = "choices_link", "send a link to somebody's choices"
    CONSENT = "consent", "record choices made in the public form"


class Errand(UuidModel):
    """What somebody typed into a public form, sealed until it is done or forgotten. It belongs to nobody we know yet."""

    kind = models.CharField(max_length=16, choices=ErrandKind.choices)
    language = models.CharField(max_length=8)
    ciphertext = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "privacy_center_errand"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ErrandKind.values), name="privacy_center_errand_kind_known"
            )
        ]
