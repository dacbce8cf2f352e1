"""Recording what happens between a person and a purpose: insert-only, in order per person, each event with its log entry.

`record` takes one event or tens of thousands; `recording.py` has its beats. This module also reads the ledger back: where a person
stands, and how it came to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import drafts as decisions
from consent import links
from consent.drafts import ConsentDraft
from consent.errors import UnknownEvent
from consent.models import ConsentEvent, ConsentState
from consent.presentation import Seen, seen
from consent.recording import Recorded, Wave, as_of, record_wave
from consent.terms import ANY, MARKETING, WIDE, Channel, EventType, NoticeVersionId, State
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import PurposeKey, SubjectId
from governance.kernel.logs import get_logger
from governance.purposes.register import Book, newest_book

__all__ = [
    "ANY",
    "MARKETING",
    "Channel",
    "ConsentDraft",
    "ConsentStatus",
    "EventRecord",
    "EventType",
    "Recorded",
    "State",
    "current",
    "event",
    "history",
    "record",
]

_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """Where a person stands with a purpose on a channel. `status` is EXPIRED once `valid_until` has passed, and SUPERSEDED
    once the purpose has asked everybody again."""

    purpose: PurposeKey
    channel: str
    status: State
    event_id: UUID | None
    notice_version_id: NoticeVersionId | None
    purpose_version: int | None
    since: datetime | None
    valid_until: datetime | None
    objected: bool
    restricted: bool
    opted_out: bool


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event of the ledger, as history shows it."""

    event_id: UUID
    subject: SubjectId
    purpose: PurposeKey
    purpose_version: int
    channel: str
    event_type: EventType
    actor: str
    method: str
    jurisdiction: str
    notice_version_id: NoticeVersionId | None
    occurred_at: datetime
    received_at: datetime
    valid_until: datetime | None
    has_evidence: bool
    event_sha256: str
    entry_id: UUID


def record(events: ConsentDraft | Sequence[ConsentDraft], *, actor: Actor) -> list[Recorded]:
    """Append events to the ledger, all or none; answers in the order of the drafts. Repeating a key repeats the answer.

    Raises InvalidDraft (with pointers), UnknownPurpose, PresentationRequired, PresentationInvalid, NoticeSuperseded, SubjectErased
    for a grant of an erased person, NothingToReaffirm, IdempotencyMismatch. What stands against processing is recorded for the
    visitors of a person and for the person of a visitor too (`links.py`).
    """
    batch = [events] if isinstance(events, ConsentDraft) else list(events)
    if not batch:
        return []
    while True:
        bound = links.bound(batch)
        with transaction.atomic():
            results = _record([*batch, *bound], actor)
            # The heads are ours by now: whoever is linked from here on waits for us and sees what was said.
            if links.bound(batch) == bound:
                break
            transaction.set_rollback(True)  # somebody was linked between our look and our lock
    _logger.info("consent_events_recorded", count=len(batch))
    return results[: len(batch)]


def _record(batch: list[ConsentDraft], actor: Actor) -> list[Recorded]:
    """Judge the batch, and record it wave by wave in the caller's transaction."""
    at = now()
    book = newest_book()
    firsts = decisions.alike(batch)
    in_force = {
        key: book.current(key, at) for key in {batch[place].purpose for place in set(firsts)} if key not in WIDE
    }
    decisions.refuse_malformed(batch, actor, in_force, at, firsts)
    shown = _seen(batch, firsts, at)
    results: list[Recorded] = []
    for part in decisions.waves(batch):
        wave = Wave(batch[part.start : part.stop], shown[part.start : part.stop], firsts[part.start : part.stop])
        results += record_wave(wave, actor, book)
    return results


def current(subject: SubjectId) -> list[ConsentStatus]:
    """Where the person stands with every purpose and channel that anything was ever recorded about, in order of both."""
    at, book = now(), newest_book()
    states = ConsentState.objects.filter(subject_id=subject).order_by("purpose_key", "channel")
    standings = (_status(row, at, book) for row in states)
    return [one for one in standings if one.status is not State.NONE or one.objected or one.restricted or one.opted_out]


def history(subject: SubjectId) -> list[EventRecord]:
    """Every event about the person, in the order in which they were received."""
    return [_event(row) for row in ConsentEvent.objects.filter(subject_id=subject).order_by("received_at")]


def event(event_id: UUID) -> EventRecord:
    """One event. Raises UnknownEvent."""
    row = ConsentEvent.objects.filter(id=event_id).first()
    if row is None:
        raise UnknownEvent
    return _event(row)


def _seen(batch: Sequence[ConsentDraft], firsts: Sequence[int], at: datetime) -> list[Seen]:
    """What each draft may cite. A token can be for one person, so those with a token are looked at one by one, others once if alike."""
    once = [place for place, first in enumerate(firsts) if first == place or batch[place].presentation is not None]
    if len(once) == len(batch):
        return seen(batch, at)
    try:
        looked_at = dict(zip(once, seen([batch[place] for place in once], at), strict=True))
    except GovernanceError:
        seen(batch, at)  # says the same with pointers into the whole batch
        raise
    return [looked_at[place] if place in looked_at else looked_at[first] for place, first in enumerate(firsts)]


def _status(row: ConsentState, at: datetime, book: Book) -> ConsentStatus:
    status = as_of(State(row.status), row.valid_until, at)
    if status is State.GIVEN and (row.purpose_version or 0) < book.oldest_consent(book.current(row.purpose_key, at)):
        status = State.SUPERSEDED  # the purpose has asked again since
    return ConsentStatus(
        purpose=PurposeKey(row.purpose_key),
        channel=row.channel,
        status=status,
        event_id=row.event_id,
        notice_version_id=NoticeVersionId(row.notice_version_id) if row.notice_version_id else None,
        purpose_version=row.purpose_version,
        since=row.occurred_at,
        valid_until=row.valid_until,
        objected=row.objection_event_id is not None,
        restricted=row.restriction_event_id is not None,
        opted_out=row.signal_event_id is not None,
    )


def _event(row: ConsentEvent) -> EventRecord:
    return EventRecord(
        event_id=row.id,
        subject=SubjectId(row.subject_id),
        purpose=PurposeKey(row.purpose_key),
        purpose_version=row.purpose_version,
        channel=row.channel,
        event_type=EventType(row.event_type),
        actor=f"{row.actor_kind}:{row.actor_id}",
        method=row.method,
        jurisdiction=row.jurisdiction,
        notice_version_id=NoticeVersionId(row.notice_version_id) if row.notice_version_id else None,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        valid_until=row.valid_until,
        has_evidence=bool(row.evidence_sha256),
        event_sha256=row.event_sha256,
        entry_id=row.entry_id,
    )
