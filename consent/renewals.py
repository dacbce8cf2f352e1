"""Consents that run out: found before they do, so that people can be asked again, and written down as expired when they have.

The gate needs none of this: it refuses what has run out in the same instant. The event is for the record, for the person's history
and for the systems that hear of changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from consent import heads, ledger
from consent.drafts import ConsentDraft
from consent.models import ConsentState
from consent.terms import ANY, EventType, State
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger

BATCH: Final = 2_000
METHOD: Final = "validity_ended"

_logger = get_logger(__name__)


def expire_due(limit: int | None = None) -> int:
    """Record `expired` for every consent that has run out; returns how many. Several runners do no harm.

    Looked at again under the lock of the person's ledger, so that nobody's renewal is overtaken by the end of what it renewed.
    """
    done = 0
    while limit is None or done < limit:
        size = BATCH if limit is None else min(BATCH, limit - done)
        with transaction.atomic():
            subjects = {
                SubjectId(subject)
                for subject in _due(now()).order_by("valid_until").values_list("subject_id", flat=True)[:size]
            }
            if not subjects:
                break
            heads.own(subjects)
            rows = list(_due(now()).filter(subject_id__in=subjects))
            recorded = ledger.record([_expiry(row) for row in rows], actor=SYSTEM)
        done += len(recorded)
    if done:
        _logger.info("consents_expired", count=done)
    return done


def ending(purpose: str, channel: str, *, before: datetime) -> list[SubjectId]:
    """Whose consent is in force and runs out before that instant, soonest first: whom to show the notice again."""
    rows = ConsentState.objects.filter(
        purpose_key=purpose, channel=channel, status=State.GIVEN, valid_until__gt=now(), valid_until__lte=before
    )
    return [SubjectId(subject) for subject in rows.order_by("valid_until").values_list("subject_id", flat=True)]


def _due(at: datetime) -> QuerySet[ConsentState]:
    rows = ConsentState.objects.filter(status=State.GIVEN, valid_until__lte=at)
    return rows.exclude(purpose_key=ANY)


def _expiry(row: ConsentState) -> ConsentDraft:
    ended: UUID | None = row.event_id
    at = row.valid_until
    assert at is not None  # noqa: S101  # `_due` asks for it
    return ConsentDraft(
        subject=SubjectId(row.subject_id),
        purpose=row.purpose_key,
        channel=row.channel,
        event_type=EventType.EXPIRED,
        occurred_at=at,
        method=METHOD,
        idempotency_key=f"expired:{ended}:{row.channel}",
        parent_event_id=ended,
    )
