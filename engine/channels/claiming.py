"""The claim: in one transaction the gate is asked under its lock, caps are reserved, the verdict is cited, the message is leased.

A withdrawal that committed before is seen; one that comes meanwhile waits for this transaction and finds the message claimed. No lock
is held while anything goes over the network.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from audit import log
from consent import gate
from engine.channels import caps
from engine.channels.models import Campaign, Dispatch
from engine.channels.states import CampaignState, DispatchState
from governance.kernel import canonical
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7

# How long a claim may wait for its hand-over to begin. Then it is void, and the gate is asked again.
CLAIM_LEASE: Final = timedelta(seconds=60)

_CLAIM: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'claimed', verdict_id = new.verdict, claim_id = %(claim)s, claimed_at = %(at)s, lease_until = %(until)s, attempts = attempts + 1
FROM unnest(%(ids)s::uuid[], %(verdicts)s::uuid[]) AS new (id, verdict)
WHERE dispatch.id = new.id AND dispatch.state = 'pending'
"""
_WITHHOLD: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'withheld', reason = new.reason, verdict_id = new.verdict, finished_at = %(at)s
FROM unnest(%(ids)s::uuid[], %(verdicts)s::uuid[], %(reasons)s::text[]) AS new (id, verdict, reason)
WHERE dispatch.id = new.id AND dispatch.state = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What a claim is for: the campaign as it stood when its row was locked."""

    campaign_id: UUID
    purpose: str
    channel: str
    template_key: str
    template_version: int
    slot_values: dict[str, dict[str, str | dict[str, str]]]


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that may go out, once."""

    dispatch_id: UUID
    subject: SubjectId
    action: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch of messages that one sender holds. `id` is the fence: every later write names it."""

    id: UUID
    order: Order
    at: datetime
    messages: tuple[ClaimedMessage, ...]
    withheld: Counter[str]
    caps: tuple[caps.Cap, ...]


def claim_batch(campaign_id: UUID, size: int, *, actor: Actor) -> Claim | None:
    """Claim up to `size` due messages of a running campaign. None when nothing is due.

    A claim can come back without messages: then everybody in it was withheld.
    """
    with transaction.atomic():
        order = _running(campaign_id)
        pending = _due(campaign_id, size) if order else []
        if order is None or not pending:
            return None
        claim_id, at = uuid7(), now()
        # By subject: a person with messages of two occasions gets one now and is asked about again for the other.
        by_subject = {message.subject: message for message in pending}
        verdicts = gate.claim(by_subject, order.purpose, order.channel, actor=actor, cited_for=f"claim:{claim_id}")
        applying = caps.applying_to(order.channel, order.purpose)
        admitted = caps.reserve(applying, list(verdicts.allowed), at) if applying else frozenset(verdicts.allowed)
        chosen = [message for subject, message in by_subject.items() if subject in admitted]
        refused = {
            message.dispatch_id: _why_not(verdicts.verdict_of(subject))
            for subject, message in by_subject.items()
            if subject not in admitted
        }
        cited = {message.dispatch_id: verdicts.ids[subject] for subject, message in by_subject.items()}
        _write(claim_id, at, chosen, refused, cited)
        withheld = Counter(refused.values())
        log.emit(
            "channels.batch_claimed",
            actor=actor,
            object=f"claim:{claim_id}",
            purpose=order.purpose,
            facts={
                "campaign": str(campaign_id),
                "claimed": len(chosen),
                "claimed_sha256": digest_of([message.dispatch_id for message in chosen]),
                "withheld": dict(withheld),
            },
        )
    return Claim(claim_id, order, at, tuple(chosen), withheld, tuple(applying))


def _why_not(verdict: gate.Verdict) -> str:
    """Of somebody who was not admitted: what the gate said, or else that a cap is full."""
    return "frequency_cap" if verdict.allowed else verdict.reason.value


def digest_of(dispatch_ids: Sequence[UUID]) -> str:
    """What the log commits to about a batch: SHA-256 of the sorted ids."""
    return canonical.digest(sorted(str(identifier) for identifier in dispatch_ids))


def order_of(campaign: Campaign) -> Order:
    """What a claim on this campaign is for."""
    return Order(
        campaign.pk,
        campaign.purpose_key,
        campaign.channel,
        campaign.template_key,
        campaign.template_version,
        campaign.slot_values,
    )


def _running(campaign_id: UUID) -> Order | None:
    """The campaign, held so that it cannot be stopped before the claim commits; None when it does not run."""
    with connection.cursor() as cursor:
        # FOR SHARE: senders work side by side, a stop waits for their claims. Django has no spelling for it.
        cursor.execute("SELECT state FROM engine_channels_campaign WHERE id = %s FOR SHARE", [campaign_id])
        row = cursor.fetchone()
    if row is None or row[0] != CampaignState.RUNNING:
        return None
    return order_of(Campaign.objects.get(pk=campaign_id))


def _due(campaign_id: UUID, size: int) -> list[ClaimedMessage]:
    rows = (
        Dispatch.objects.select_for_update(skip_locked=True)
        .filter(campaign_id=campaign_id, state=DispatchState.PENDING, due_at__lte=now())
        .order_by("due_at", "id")
        .values_list("id", "subject_id", "action", F("attempts") + 1)[:size]
    )
    return [
        ClaimedMessage(identifier, SubjectId(subject), action, attempts)
        for identifier, subject, action, attempts in rows
    ]


def _write(
    claim_id: UUID,
    at: datetime,
    chosen: Sequence[ClaimedMessage],
    withheld: Mapping[UUID, str],
    verdicts: Mapping[UUID, UUID],
) -> None:
    """`withheld` gives the reason by dispatch, `verdicts` the cited verdict by dispatch."""
    with connection.cursor() as cursor:
        if chosen:
            ids = [message.dispatch_id for message in chosen]
            cursor.execute(
                _CLAIM,
                {
                    "claim": claim_id,
                    "at": at,
                    "until": at + CLAIM_LEASE,
                    "ids": ids,
                    "verdicts": [verdicts[one] for one in ids],
                },
            )
        if withheld:
            cursor.execute(
                _WITHHOLD,
                {
                    "at": at,
                    "ids": list(withheld),
                    "verdicts": [verdicts[one] for one in withheld],
                    "reasons": list(withheld.values()),
                },
            )
