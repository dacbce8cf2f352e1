"""After a crash: void claims whose hand-over never began, settle those that did, wake what nobody wakes."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from audit import log
from engine.channels import campaigns, caps, outcomes, progress
from engine.channels.claiming import Claim, order_of
from engine.channels.models import Campaign, Dispatch
from engine.channels.states import CampaignState, DispatchState
from governance.jobs.models import Job, State
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

_MOST_AT_ONCE: Final = 5_000

# A message that again and again ends its sender before the hand-over is put aside, or it would hold up everybody else's.
_VOID: Final = f"""
UPDATE engine_channels_dispatch AS dispatch
SET lease_until = NULL, due_at = %(at)s,
    state = CASE WHEN attempts < {outcomes.MOST_ATTEMPTS} THEN 'pending' ELSE 'withheld' END,
    reason = CASE WHEN attempts < {outcomes.MOST_ATTEMPTS} THEN '' ELSE 'cannot_be_sent' END,
    finished_at = CASE WHEN attempts < {outcomes.MOST_ATTEMPTS} THEN NULL ELSE %(at)s END,
    claim_id = NULL, verdict_id = NULL
FROM (SELECT id FROM engine_channels_dispatch WHERE state = 'claimed' AND lease_until < %(at)s
      ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED) AS expired
WHERE dispatch.id = expired.id
RETURNING dispatch.campaign_id, dispatch.subject_id, dispatch.claimed_at
"""  # noqa: S608 - a number of ours
_ABANDONED: Final = """
SELECT DISTINCT claim_id FROM engine_channels_dispatch WHERE state = 'handing_over' AND lease_until < %(at)s LIMIT %(most)s
"""


def recover() -> int:
    """One round; returns how many messages it moved. Periodic, and harmless at any time."""
    at = now()
    return _void_claims(at) + _settle_hand_overs(at) + _wake_forgotten(at)


def _void_claims(at: datetime) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_VOID, {"at": at, "most": _MOST_AT_ONCE})
            rows = cursor.fetchall()
        batches: defaultdict[tuple[UUID, datetime], list[SubjectId]] = defaultdict(list)
        for campaign_id, subject, claimed_at in rows:
            batches[campaign_id, claimed_at].append(SubjectId(subject))
        for (campaign_id, claimed_at), subjects in batches.items():
            campaign = Campaign.objects.get(pk=campaign_id)
            caps.release(caps.applying_to(campaign.channel, campaign.purpose_key), subjects, claimed_at)
            log.emit(
                "channels.claims_voided",
                actor=SYSTEM,
                object=f"campaign:{campaign_id}",
                purpose=campaign.purpose_key,
                facts={"messages": len(subjects)},
            )
        for campaign_id in {campaign_id for campaign_id, _ in batches}:
            campaigns.wake(campaign_id, at)
    return len(rows)


def _settle_hand_overs(at: datetime) -> int:
    """Batches whose sender died: what it noted as answered is so, what it had not begun waits again, the rest is unknown."""
    with connection.cursor() as cursor:
        cursor.execute(_ABANDONED, {"at": at, "most": _MOST_AT_ONCE})
        claim_ids = [row[0] for row in cursor.fetchall()]
    return sum(_settle(claim_id, at) for claim_id in claim_ids)


def _settle(claim_id: UUID, at: datetime) -> int:
    with transaction.atomic():
        rows = list(
            Dispatch.objects.select_for_update(skip_locked=True).filter(
                claim_id=claim_id, state=DispatchState.HANDING_OVER, lease_until__lt=at
            )
        )
        if not rows:
            return 0
        campaign = Campaign.objects.get(pk=rows[0].campaign_id)
        order, claimed_at = order_of(campaign), rows[0].claimed_at or at
        applying = tuple(caps.applying_to(order.channel, order.purpose))
        noted = progress.take_away(claim_id)
        ends = {row.pk: outcomes.end_of_abandoned(row.place, row.attempts, noted, at) for row in rows}
        outcomes.record(Claim(claim_id, order, claimed_at, (), Counter(), applying), ends, actor=SYSTEM)
        if due := [end.due_at for end in ends.values() if end.due_at]:
            campaigns.wake(campaign.pk, min(due))
    campaigns.finish_if_done(campaign.pk, actor=SYSTEM)
    return len(rows)


def _wake_forgotten(at: datetime) -> int:
    """A running campaign with messages due and no job that will send them: a job that died for good left it so."""
    due = Dispatch.objects.filter(state=DispatchState.PENDING, due_at__lte=at, campaign__state=CampaignState.RUNNING)
    campaign_ids = {str(one) for one in due.values_list("campaign_id", flat=True).distinct()[:100]}
    if not campaign_ids:
        return 0
    at_work = Job.objects.filter(kind="channels.send_batch", state__in=[State.READY, State.LEASED])
    awake = {str(args["campaign"]) for args in at_work.values_list("args", flat=True)}
    forgotten = campaign_ids - awake
    with transaction.atomic():
        for campaign_id in sorted(forgotten):
            campaigns.wake(UUID(campaign_id), at)
    return len(forgotten)
