"""The job table and the calendar of periodic verbs."""

from django.db import models
from django.db.models import Q

from governance.kernel.models import UuidModel


class State(models.TextChoices):
    READY = "ready", "Ready"
    LEASED = "leased", "Leased"
    DONE = "done", "Done"
    DEAD = "dead", "Dead letter"


class Job(UuidModel):
    """One unit of work. `fence` grows with every lease: who holds an older number writes nothing."""

    kind = models.CharField(max_length=100)
    args = models.JSONField(default=dict)
    key = models.CharField(max_length=200, null=True, unique=True)  # noqa: DJ001 - null: not idempotent by key
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    run_after = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    owner = models.CharField(max_length=100, blank=True)
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    error_class = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["run_after"], name="jobs_waiting", condition=Q(state__in=["ready", "leased"])),
            models.Index(fields=["kind", "state"], name="jobs_by_kind"),
            models.Index(fields=["finished_at"], name="jobs_finished", condition=Q(state="done")),
        ]
        constraints = [
            models.CheckConstraint(name="jobs_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="jobs_lease_has_end", condition=~Q(state="leased") | Q(lease_until__isnull=False)
            ),
        ]


class Periodic(models.Model):
    """When a periodic verb is due next."""

    name = models.CharField(max_length=100, primary_key=True)
    next_at = models.DateTimeField()
    last_finished_at = models.DateTimeField(null=True)
    error_class = models.CharField(max_length=200, blank=True)
