"""Tables: rules, legal holds, disposal runs."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.kernel.models import UuidModel
from governance.retention.disposables import Action


class RetentionRule(UuidModel):
    """For how long the rows of a place are kept for a purpose, and what happens then."""

    source = models.CharField(max_length=100, help_text="Key of a place that can be disposed of.")
    purpose = models.CharField(max_length=100, blank=True, help_text="Empty: whatever the purpose.")
    period_days = models.PositiveIntegerField(help_text="Rows that are older go.")
    action = models.CharField(max_length=10, choices=[(action.value, action.value) for action in Action])
    ground = models.TextField(help_text="Why this period.")
    defined_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["RetentionRule"]] = models.Manager()

    class Meta:
        ordering = ["source", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "purpose"], condition=Q(ended_at__isnull=True), name="retention_one_rule_in_force"
            ),
            models.CheckConstraint(
                name="retention_action_known", condition=Q(action__in=[action.value for action in Action])
            ),
            models.CheckConstraint(name="retention_rule_has_ground", condition=~Q(ground="")),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.action} after {self.period_days} days"


class LegalHold(UuidModel):
    """Something that must be kept although a rule would dispose of it, for legal claims or a duty (Art. 17(3)(b),
    (e)). Never deleted.

    Empty scope fields mean everything: a hold on a subject alone covers all their rows, a hold on a place alone all
    its rows.
    """

    source = models.CharField(max_length=100, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    reason = models.TextField(help_text="Case and ground; nothing that identifies a person.")
    placed_by = models.CharField(max_length=100)
    placed_at = models.DateTimeField()
    released_by = models.CharField(max_length=100, blank=True)
    release_reason = models.TextField(blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_id"], name="retention_hold_subject", condition=Q(released_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(name="retention_hold_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="retention_release_has_reason", condition=Q(released_at__isnull=True) | ~Q(release_reason="")
            ),
        ]


class RunStatus(models.TextChoices):
    """How a run ended, or that it has not."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    HELD = "held", "Kept by a legal hold"
    FAILED = "failed", "Failed"


class DisposalRun(UuidModel):
    """One execution of a rule: up to which instant, how many rows were too old, how many went, what a hold kept."""

    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, related_name="+")
    dry_run = models.BooleanField()
    before = models.DateTimeField()
    candidates = models.PositiveBigIntegerField(default=0)
    disposed = models.PositiveBigIntegerField(default=0)
    held_people = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.RUNNING)
    error_class = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["rule", "-id"], name="retention_run_by_rule")]
        constraints = [
            models.CheckConstraint(name="retention_run_status_known", condition=Q(status__in=RunStatus.values)),
            models.CheckConstraint(name="retention_dry_run_takes_nothing", condition=Q(dry_run=False) | Q(disposed=0)),
        ]
