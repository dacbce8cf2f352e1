"""Trained models: their tables and what they were trained on."""

from __future__ import annotations

from django.db import models

from governance.kernel.models import UuidModel


class ModelVersion(UuidModel):
    """One trained model, immutable: the tables are the model. Append-only."""

    system_key = models.CharField("AI system", max_length=64)
    number = models.PositiveIntegerField()
    tables = models.BinaryField(editable=False)
    tables_sha256 = models.CharField("version", max_length=64)
    feature_set = models.CharField(max_length=64)
    feature_sha256 = models.CharField(max_length=64)
    training_set_id = models.UUIDField()
    manifest_id = models.UUIDField(null=True, help_text="What was done to the rows before the model saw them.")
    metrics = models.JSONField()
    trained_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        db_table = "engine_model_version"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["system_key", "number"], name="engine_model_number_once")]

    def __str__(self) -> str:
        return f"{self.system_key} {self.number}"
