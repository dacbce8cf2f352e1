"""Forms that wait for a job or a confirmation: sealed, and deleted within days. And which forms other websites may show."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
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


class WebsiteForm(UuidModel):
    """A form that websites of the controller show: what it asks for, and from which origins its answers are taken."""

    key = models.SlugField("key", max_length=40, unique=True)
    purposes = ArrayField(models.CharField(max_length=64), verbose_name="purposes")
    origins = ArrayField(
        models.CharField(max_length=200),
        verbose_name="origins",
        help_text="Scheme and host of each website, such as https://www.example.com, by commas.",
    )
    asks_age = models.BooleanField(
        "asks for age",
        default=False,
        help_text="For offers that children may take up: people say whether they are old enough to answer for themselves (Art. 8).",
    )
    active = models.BooleanField("active", default=True)

    class Meta:
        verbose_name = "website form"
        verbose_name_plural = "website forms"
        db_table = "privacy_center_website_form"
        ordering: ClassVar[list[str]] = ["key"]

    def __str__(self) -> str:
        return self.key
