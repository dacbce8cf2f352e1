"""What was built to learn from: the fact and its digest, never the rows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from governance.kernel.models import UuidModel


class TrainingSet(UuidModel):
    """One training set: of which features, at which cuts, under which verdict. Append-only."""

    feature_set = models.CharField(max_length=64)
    feature_sha256 = models.CharField(max_length=64)
    purpose_key = models.CharField("purpose", max_length=64)
    verdict_set_id = models.UUIDField()
    cuts = ArrayField(models.DateTimeField())
    known_until = models.DateTimeField(
        null=True, help_text="What had arrived by this instant is in it; absent for sets of before this was kept."
    )
    arrival = models.DurationField(
        null=True, help_text="How long after a cut an event may have arrived; absent: any time."
    )
    rows = models.PositiveIntegerField()
    people = models.PositiveIntegerField()
    content_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        db_table = "engine_training_set"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.feature_set} {self.id}"
