"""Tables of decisioning: runs, and who got which offer in them. The decisions themselves are records of `audit`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from governance.kernel.models import UuidModel


class DecisionRun(UuidModel):
    """One round of decisions: under which verdicts, by which model and policy, with which seed, and what came out in counts."""

    campaign = models.CharField(max_length=100)
    purpose = models.CharField(max_length=64)
    channel = models.CharField(max_length=20)
    verdict_set_id = models.UUIDField()
    model_id = models.UUIDField()
    model_version = models.CharField(max_length=100)
    policy = models.JSONField()
    policy_sha256 = models.CharField(max_length=64)
    seed = models.BigIntegerField()
    as_of = models.DateTimeField()
    considered = models.PositiveIntegerField()
    permitted = models.PositiveIntegerField()
    refused = models.JSONField()
    without_history = models.PositiveIntegerField()
    decided = models.PositiveIntegerField()
    chosen = models.JSONField()
    offered = models.PositiveIntegerField()
    removed = models.PositiveIntegerField(default=0)
    """How many of the offers erasures have deleted since."""
    batch_ids = ArrayField(models.UUIDField())
    actor = models.CharField(max_length=100)
    decided_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        db_table = "engine_decision_run"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="decision_run_removed", condition=models.Q(removed__lte=models.F("offered")))
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.pk}"


class Offered(models.Model):
    """Who was chosen for which offer: what a campaign is launched with."""

    decision_id = models.UUIDField(primary_key=True)
    run = models.ForeignKey(DecisionRun, on_delete=models.PROTECT, related_name="offers")
    subject_id = models.UUIDField(db_index=True)
    action = models.CharField(max_length=100)

    class Meta:
        db_table = "engine_decision_offered"
        verbose_name = "offered"
        verbose_name_plural = "offered"

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
