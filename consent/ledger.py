"""Recording what happens between a person and a purpose: insert-only, in order per person, each event with its log entry.

`record` takes one event or tens of thousands. Its beats: take the heads of all subjects in order of id (so that no claim of the gate
runs beside it), decide, append events, evidence and log entries with COPY, fold the state of those subjects in one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit import log
from consent import drafts as decisions
from consent import evidence, fold, heads, rows
from consent.drafts import ConsentDraft
from consent.errors import IdempotencyMismatch, NothingToReaffirm, SubjectErased, UnknownEvent
from consent.jurisdictions import signal_binds
from consent.models import ConsentEvent, ConsentState
from consent.presentation import Seen, seen
from consent.rows import EventRow
from consent.terms import ANY, GRANTS, Channel, EventType, NoticeVersionId, State
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import PurposeKey, SubjectId, uuid7_many
from governance.kernel.logs import get_logger
from governance.purposes.register import Book, newest_book

__all__ = [
    "ANY",
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
class Recorded:
    """What became of a draft: its event, whether that was there already, and where the person stands now with this purpose and channel."""

    event_id: UUID
    duplicate: bool
    status: State


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
    for a grant of an erased person, NothingToReaffirm, IdempotencyMismatch.
    """
    batch = [events] if isinstance(events, ConsentDraft) else list(events)
    if not batch:
        return []
    at = now()
    book = newest_book()
    in_force = {key: book.current(key, at) for key in {draft.purpose for draft in batch} if key != ANY}
    decisions.refuse_malformed(batch, actor, in_force, at)
    results: list[Recorded] = []
    with transaction.atomic():
        shown = seen(batch, at)
        for wave in decisions.waves(batch):
            results += _record_wave(batch[wave.start : wave.stop], shown[wave.start : wave.stop], actor, book)
    _logger.info("consent_events_recorded", count=len(batch))
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


def _record_wave(batch: Sequence[ConsentDraft], shown: Sequence[Seen], actor: Actor, book: Book) -> list[Recorded]:
    subjects = sorted({draft.subject for draft in batch})
    last = heads.own(subjects)
    known = _known(batch)
    fresh = [place for place, draft in enumerate(batch) if known.get(draft.idempotency_key, place) == place]
    events: dict[str, UUID] = {key: one for key, one in known.items() if isinstance(one, UUID)}
    if fresh:
        new = [batch[place] for place in fresh]
        _refuse_erased(new)
        inherited = _inherited(new)
        received = _instants(new, last)
        made = [
            _row(draft, identifier, seen_by, inherited.get(place), received_at=instant, actor=actor, book=book)
            for place, (draft, identifier, seen_by, instant) in enumerate(
                zip(new, uuid7_many(len(new)), [shown[place] for place in fresh], received, strict=True)
            )
        ]
        _append(new, made, actor)
        heads.advance(dict(zip((draft.subject for draft in new), received, strict=True)))
        fold.project(subjects)
        events |= {draft.idempotency_key: row.id for draft, row in zip(new, made, strict=True)}
    new_places = set(fresh)
    standing = _standing(subjects)
    return [
        Recorded(
            events[draft.idempotency_key],
            duplicate=place not in new_places,
            status=standing.get((draft.subject, draft.purpose, str(draft.channel)), State.NONE),
        )
        for place, draft in enumerate(batch)
    ]


def _known(batch: Sequence[ConsentDraft]) -> dict[str, UUID | int]:
    """For each idempotency key the event that has it already, or else the first place in the batch. Raises IdempotencyMismatch."""
    stored = rows.keyed([draft.idempotency_key for draft in batch])
    known: dict[str, UUID | int] = {}
    first: dict[str, int] = {}
    for place, draft in enumerate(batch):
        key = draft.idempotency_key
        says = (draft.subject, draft.purpose, str(draft.channel), str(draft.event_type))
        if key in stored:
            same = stored[key][1:] == says
            known[key] = stored[key][0]
        else:
            other = batch[first.setdefault(key, place)]
            same = (other.subject, other.purpose, str(other.channel), str(other.event_type)) == says
            known[key] = first[key]
        if not same:
            pointer = f"/{place}/idempotency_key"
            raise IdempotencyMismatch(
                "Use a new key for a new event.", errors=[{"pointer": pointer, "detail": "Used."}]
            )
    return known


def _refuse_erased(batch: Sequence[ConsentDraft]) -> None:
    granting = {draft.subject for draft in batch if draft.event_type in GRANTS}
    erased = heads.erased_among(granting) if granting else frozenset()
    if erased:
        places = [place for place, draft in enumerate(batch) if draft.subject in erased and draft.event_type in GRANTS]
        raise SubjectErased(errors=[{"pointer": f"/{place}/subject", "detail": "Erased."} for place in places[:100]])


def _inherited(batch: Sequence[ConsentDraft]) -> dict[int, rows.Parent]:
    """What a confirmation takes from the grant that it confirms: the notice and the version of the purpose that were agreed to.

    Raises NothingToReaffirm when a renewal finds no consent in force at the time it happened.
    """
    renewing = [place for place, draft in enumerate(batch) if draft.event_type == EventType.REAFFIRMED]
    if renewing:
        states = ConsentState.objects.filter(
            subject_id__in=[batch[place].subject for place in renewing], status=State.GIVEN
        )
        held = {(row.subject_id, row.purpose_key, row.channel): row.valid_until for row in states}
        for place in renewing:
            draft = batch[place]
            key = (draft.subject, draft.purpose, str(draft.channel))
            until = held.get(key)
            if key not in held or (until is not None and until <= draft.occurred_at):
                raise NothingToReaffirm(purpose=draft.purpose, channel=str(draft.channel))
    confirming = [place for place, draft in enumerate(batch) if draft.event_type == EventType.CONFIRMED]
    return rows.parents(confirming, batch) if confirming else {}


def _instants(batch: Sequence[ConsentDraft], last: Mapping[SubjectId, datetime | None]) -> list[datetime]:
    """When each event was received: now, and later than anything of that subject before it, whatever the clocks of two processes say."""
    at = now()
    latest = dict(last)
    instants: list[datetime] = []
    for draft in batch:
        before = latest.get(draft.subject)
        instant = at if before is None or before < at else before + rows.TICK
        latest[draft.subject] = instant
        instants.append(instant)
    return instants


def _row(
    draft: ConsentDraft,
    identifier: UUID,
    shown: Seen,
    parent: rows.Parent | None,
    *,
    received_at: datetime,
    actor: Actor,
    book: Book,
) -> EventRow:
    occurred_at = decisions.instant(draft, received_at)
    broad = draft.purpose == ANY
    agreed = None if broad else book.agreed_to(draft.purpose, occurred_at)
    in_force = None if broad else book.current(draft.purpose, received_at)
    return EventRow(
        id=identifier,
        subject_id=draft.subject,
        purpose_key=draft.purpose,
        purpose_version=parent.purpose_version if parent else agreed.version if agreed else 0,
        channel=str(draft.channel),
        event_type=str(draft.event_type),
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        method=draft.method,
        jurisdiction=draft.jurisdiction,
        notice_version_id=parent.notice_version_id
        if parent and not shown.notice_version_id
        else shown.notice_version_id,
        presentation_jti=shown.jti,
        parent_event_id=draft.parent_event_id or (parent.event_id if parent else None),
        occurred_at=occurred_at,
        received_at=received_at,
        valid_until=decisions.validity(draft, agreed, occurred_at),
        needs_confirmation=decisions.needs_confirmation(draft, agreed, in_force),
        signal_binding=draft.event_type == EventType.SIGNAL_OPTOUT and signal_binds(draft.jurisdiction),
        source_sha256=draft.source_sha256,
        idempotency_key=draft.idempotency_key,
    )


def _append(batch: Sequence[ConsentDraft], made: Sequence[EventRow], actor: Actor) -> None:
    """Write log entries, events and evidence. Raises IdempotencyMismatch when a key was taken by somebody else meanwhile."""
    sealed = evidence.seal(batch)
    digests = [row.digest(one.sha256 if one else "") for row, one in zip(made, sealed, strict=True)]
    entries = log.emit_many(
        [
            log.Draft(
                action=f"consent.{row.event_type}",
                actor=actor,
                object=f"consent_event:{row.id}",
                subject=SubjectId(row.subject_id),
                purpose=None if row.purpose_key == ANY else row.purpose_key,
                facts={"event_sha256": digest, "purpose_version": row.purpose_version, "channel": row.channel},
            )
            for row, digest in zip(made, digests, strict=True)
        ]
    )
    try:
        rows.append(made, [one.sha256 if one else "" for one in sealed], digests, entries)
    except IntegrityError as error:
        if "idempotency_key" in str(error):
            raise IdempotencyMismatch("Use a new key for a new event.") from None
        raise
    kept = [(row.id, SubjectId(row.subject_id), one) for row, one in zip(made, sealed, strict=True) if one is not None]
    if kept:
        evidence.store(kept)


def _standing(subjects: Sequence[SubjectId]) -> dict[tuple[SubjectId, str, str], State]:
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, purpose_key, channel, status, valid_until FROM consent_state WHERE subject_id = ANY(%s)",
            [list(subjects)],
        )
        return {(row[0], row[1], row[2]): _at(State(row[3]), row[4], at) for row in cursor.fetchall()}


def _at(status: State, valid_until: datetime | None, at: datetime) -> State:
    ran_out = status is State.GIVEN and valid_until is not None and valid_until <= at
    return State.EXPIRED if ran_out else status


def _status(row: ConsentState, at: datetime, book: Book) -> ConsentStatus:
    status = _at(State(row.status), row.valid_until, at)
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
