"""Tables: published template versions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from governance.kernel.models import UuidModel


class TemplateVersion(UuidModel):
    """What a message says, in one language, as published (append-only)."""

    key = models.CharField("template", max_length=64)
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=2)
    subject_line = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    slots = ArrayField(models.CharField(max_length=40))
    content_sha256 = models.CharField("SHA-256", max_length=64)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=120)
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = "template"
        ordering = ["key", "-version", "language"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version", "language"], name="content_template_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version} ({self.language})"
