"""After a crash: void claims whose hand-over never began, declare the rest unknown, wake what nobody wakes."""

from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from audit import log
from audit.log import Draft
from engine.channels import campaigns, caps
from engine.channels.models import Campaign, Dispatch
from engine.channels.states import CampaignState, DispatchState
from governance.jobs.models import Job, State
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

_MOST_AT_ONCE: Final = 5_000

_VOID: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'pending', claim_id = NULL, verdict_id = NULL, lease_until = NULL, due_at = %(at)s
FROM (SELECT id FROM engine_channels_dispatch WHERE state = 'claimed' AND lease_until < %(at)s
      ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED) AS expired
WHERE dispatch.id = expired.id
RETURNING dispatch.campaign_id, dispatch.subject_id, dispatch.claimed_at
"""
_UNKNOWN: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'unknown', reason = 'interrupted', lease_until = NULL, finished_at = %(at)s
FROM (SELECT id FROM engine_channels_dispatch WHERE state = 'handing_over' AND lease_until < %(at)s
      ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED) AS expired
WHERE dispatch.id = expired.id
RETURNING dispatch.campaign_id, dispatch.subject_id, dispatch.id
"""


def recover() -> int:
    """One round; returns how many messages it moved. Periodic, and harmless at any time."""
    at = now()
    return _void_claims(at) + _declare_unknown(at) + _wake_forgotten(at)


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


def _declare_unknown(at: datetime) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_UNKNOWN, {"at": at, "most": _MOST_AT_ONCE})
            rows = cursor.fetchall()
        purposes = dict(Campaign.objects.filter(pk__in={row[0] for row in rows}).values_list("pk", "purpose_key"))
        log.emit_many(
            [
                Draft(
                    "channels.message_unknown", SYSTEM, f"dispatch:{one}", SubjectId(subject), purposes[campaign_id], {}
                )
                for campaign_id, subject, one in rows
            ]
        )
    for campaign_id in {row[0] for row in rows}:
        campaigns.finish_if_done(campaign_id, actor=SYSTEM)
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
