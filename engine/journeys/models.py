"""Tables: journeys, their steps, and who stands where."""

from django.db import models
from django.db.models import Q

from engine.channels.models import Campaign
from governance.kernel.models import UuidModel


class Journey(UuidModel):
    """A version of a journey. Its steps never change; a new version is a new row."""

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    key = models.SlugField(max_length=64)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    # When it takes in its audience by itself; empty for a journey that people are brought to.
    starts_at = models.DateTimeField(null=True, blank=True)
    audience = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    defined_at = models.DateTimeField()
    defined_by = models.CharField(max_length=120)

    class Meta:
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="journeys_version_once"),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | ~Q(audience=""), name="journeys_start_has_audience"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"


class Step(UuidModel):
    """One step: wait so long, or send a campaign's message."""

    class Kind(models.TextChoices):
        WAIT = "wait"
        SEND = "send"

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    wait_seconds = models.PositiveIntegerField(null=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["journey", "position"], name="journeys_step_once"),
            models.CheckConstraint(
                condition=Q(kind="wait", wait_seconds__isnull=False, campaign__isnull=True)
                | Q(kind="send", wait_seconds__isnull=True, campaign__isnull=False),
                name="journeys_step_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.kind}"


class Place(UuidModel):
    """Where somebody is: the step that comes next, and when."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, db_index=False)
    subject_id = models.UUIDField(db_index=True)
    occasion = models.CharField(max_length=64, default="")
    position = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    entered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "subject_id", "occasion"], name="journeys_place_once"),
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(state="waiting"), name="journeys_place_due")]

    def __str__(self) -> str:
        return f"place:{self.pk}"
