"""Tables: campaigns, dispatches, frequency caps and their use. No verbs; no address, no name, no text about a person.

A dispatch's state moves only along `states.TRANSITIONS`: a trigger refuses anything else, whoever writes.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from engine.channels.states import CLAIMED_STATES, CampaignState, DispatchState
from governance.kernel.models import UuidModel


class Campaign(UuidModel):
    """One message to many people, for one purpose, over one channel."""

    name = models.CharField(max_length=120)
    purpose_key = models.CharField("purpose", max_length=64)
    channel = models.CharField(max_length=16)
    template_key = models.CharField("template", max_length=64)
    template_version = models.PositiveIntegerField()
    # Values of the campaign's own slots, by action; "*" holds for every action.
    slot_values = models.JSONField(default=dict)
    state = models.CharField(
        max_length=16, default=CampaignState.PREPARED, choices=[(one.value, one.value) for one in CampaignState]
    )
    prepared_at = models.DateTimeField()
    prepared_by = models.CharField(max_length=120)
    launched_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stop_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in CampaignState]), name="channels_campaign_state"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Dispatch(UuidModel):
    """One person's message of a campaign on one occasion, and what became of it. The verdict is cited from the claim on."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="dispatches", db_index=False)
    subject_id = models.UUIDField("data subject")
    occasion = models.CharField(max_length=64, default="", blank=True)
    action = models.CharField(max_length=64, default="", blank=True)
    decision_id = models.UUIDField("decision", null=True)
    state = models.CharField(
        max_length=16, default=DispatchState.PENDING, choices=[(one.value, one.value) for one in DispatchState]
    )
    reason = models.CharField(max_length=40, default="", blank=True)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    verdict_id = models.UUIDField("verdict", null=True)
    claim_id = models.UUIDField("claim", null=True)
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    place = models.PositiveSmallIntegerField("place in its batch", null=True)
    template_id = models.UUIDField("text", null=True)
    finished_at = models.DateTimeField(null=True)
    reply_code = models.PositiveSmallIntegerField(null=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "subject_id", "occasion"], name="channels_dispatch_once"),
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in DispatchState]), name="channels_dispatch_state"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[one.value for one in sorted(CLAIMED_STATES)])
                | Q(verdict_id__isnull=False, claim_id__isnull=False, claimed_at__isnull=False),
                name="channels_no_claim_without_verdict",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        state__in=[DispatchState.CLAIMED.value, DispatchState.HANDING_OVER.value],
                        lease_until__isnull=False,
                    )
                    | ~Q(state__in=[DispatchState.CLAIMED.value, DispatchState.HANDING_OVER.value])
                ),
                name="channels_lease_while_claimed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "due_at", "id"], condition=Q(state="pending"), name="channels_dispatch_pending"
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["claimed", "handing_over"]),
                name="channels_dispatch_leases",
            ),
            models.Index(fields=["subject_id"], name="channels_dispatch_subject"),
            models.Index(fields=["claim_id"], condition=Q(claim_id__isnull=False), name="channels_dispatch_claim"),
        ]

    def __str__(self) -> str:
        return f"dispatch:{self.pk}"


class HandOverProgress(models.Model):
    """Notes of a batch that is being handed over; UNLOGGED, see progress.py. About messages by number, not about people."""

    claim_id = models.UUIDField(primary_key=True)
    begun = models.PositiveSmallIntegerField()
    outcomes = models.TextField()


class ErasedTally(models.Model):
    """How many dispatches of a campaign were erased in which state: totals stay true when people leave."""

    pk = models.CompositePrimaryKey("campaign_id", "state")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, db_index=False)
    state = models.CharField(max_length=16)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "state"], name="channels_tally_once")]


class FrequencyCap(UuidModel):
    """At most so many messages to one person within a rolling window, over a channel, for one purpose or for all ("*")."""

    name = models.CharField(max_length=120)
    channel = models.CharField(max_length=16)
    purpose_key = models.CharField("purpose", max_length=64, default="*", help_text="'*' for all purposes together.")
    messages = models.PositiveSmallIntegerField()
    window_hours = models.PositiveIntegerField()
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "purpose_key"], condition=Q(active=True), name="channels_cap_once"
            ),
            models.CheckConstraint(condition=Q(messages__gte=1, window_hours__gte=1), name="channels_cap_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class CapUse(models.Model):
    """The places that one person's messages take in a cap: the instants of their claims, no more of them than the cap allows."""

    pk = models.CompositePrimaryKey("cap_id", "subject_id")
    cap = models.ForeignKey(FrequencyCap, on_delete=models.CASCADE, db_index=False)
    subject_id = models.UUIDField(db_index=True)
    uses = ArrayField(models.DateTimeField())
