"""How events get into the ledger: take the heads, decide, append events, evidence and log entries with COPY, fold the state.

Everything is done for the whole batch at once, and what many events have in common is decided and encoded once. The heads come first,
so that no claim of the gate runs beside it; people who are new need no fold, their one event says it all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection

from consent import drafts, propagation
from consent.arrays import uuids
from consent.drafts import ConsentDraft
from consent.errors import IdempotencyMismatch, NothingToReaffirm, SubjectErased
from consent.events import commitments, evidence, fold, heads, packing, rows
from consent.events.commitments import About
from consent.events.packing import Manner, micros
from consent.events.rows import Parent
from consent.jurisdictions import signal_binds
from consent.models import ConsentState
from consent.presentation import Seen
from consent.terms import ANY, GRANTS, WIDE, EventType, State
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7_many
from governance.purposes.register import Book

Standings = dict[tuple[SubjectId, str, str], State]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a draft: its event, whether that was there already, and where the person stands now with this purpose and channel."""

    event_id: UUID
    duplicate: bool
    status: State


@dataclass(frozen=True, slots=True)
class Wave:
    """Drafts to be recorded at once. `shown` is aligned; `firsts` says of each the place of the first that is alike (`drafts.alike`)."""

    drafts: Sequence[ConsentDraft]
    shown: Sequence[Seen]
    firsts: Sequence[int]

    def only(self, places: Sequence[int]) -> Wave:
        """The wave of just these places."""
        if len(places) == len(self.drafts):
            return self
        return Wave(
            [self.drafts[place] for place in places],
            [self.shown[place] for place in places],
            [self.firsts[place] for place in places],
        )


@dataclass(frozen=True, slots=True)
class Made:
    """Events that are ready to be written, in columns."""

    ids: list[UUID]
    rows: list[bytes]
    digests: list[str]
    manners: list[Manner]
    versions: list[int]
    ends: list[datetime | None]


def record_wave(wave: Wave, actor: Actor, book: Book) -> list[Recorded]:
    """Append the events of one wave, inside the caller's transaction. Raises what `ledger.record` says."""
    at = now()
    subjects = {draft.subject for draft in wave.drafts}
    new = heads.open_new(subjects, at)
    last = heads.own(subjects - new) if len(new) < len(subjects) else {}
    known = _known(wave.drafts)
    if not known and len(new) == len(wave.drafts) >= commitments.MANY:
        return _record_strangers(wave, new, at, actor, book)
    fresh = [place for place in range(len(wave.drafts)) if place not in known]
    events: dict[str, UUID] = {
        wave.drafts[place].idempotency_key: one for place, one in known.items() if isinstance(one, UUID)
    }
    if fresh:
        part = wave.only(fresh)
        _refuse_erased(part.drafts, new)
        received = _instants(part.drafts, last, at)
        made = _make(part, received, actor, book)
        _append(part, made, received, new, actor)
        events |= {draft.idempotency_key: one for draft, one in zip(part.drafts, made.ids, strict=True)}
    standing = _standing(subjects)
    return [
        Recorded(
            events[draft.idempotency_key],
            duplicate=place in known,
            status=standing.get((draft.subject, draft.purpose, str(draft.channel)), State.NONE),
        )
        for place, draft in enumerate(wave.drafts)
    ]


def _record_strangers(wave: Wave, new: set[SubjectId], at: datetime, actor: Actor, book: Book) -> list[Recorded]:
    """Many people, of each of whom this is the first and only event: what a large import mostly is."""
    _refuse_erased(wave.drafts, new)
    received = [at] * len(wave.drafts)
    made = _make(wave, received, actor, book)
    _append(wave, made, received, new, actor)
    return [
        Recorded(identifier, duplicate=False, status=what.first if ends is None else as_of(what.first, ends, at))
        for identifier, what, ends in zip(made.ids, made.manners, made.ends, strict=True)
    ]


def _known(batch: Sequence[ConsentDraft]) -> dict[int, UUID | int]:
    """The places whose idempotency key is taken, by an event or by an earlier place of the batch. Raises IdempotencyMismatch."""
    keys = [draft.idempotency_key for draft in batch]
    stored = rows.keyed(keys)
    if not stored and len(set(keys)) == len(keys):
        return {}
    known: dict[int, UUID | int] = {}
    first: dict[str, int] = {}
    for place, (draft, key) in enumerate(zip(batch, keys, strict=True)):
        if key in stored:
            same = stored[key].repeated_by(draft)
            known[place] = stored[key].event_id
        elif (earlier := first.setdefault(key, place)) != place:
            same = _said(batch[earlier]) == _said(draft)
            known[place] = earlier
        else:
            continue
        if not same:
            pointer = f"/{place}/idempotency_key"
            raise IdempotencyMismatch(
                "Use a new key for a new event.", errors=[{"pointer": pointer, "detail": "Used."}]
            )
    return known


def _said(draft: ConsentDraft) -> tuple[object, ...]:
    return (
        draft.subject, draft.purpose, draft.channel, draft.event_type, draft.method, draft.jurisdiction, draft.notice_version_id,
    )  # fmt: skip


def _refuse_erased(batch: Sequence[ConsentDraft], new: set[SubjectId]) -> None:
    granting = {draft.subject for draft in batch if draft.event_type in GRANTS}
    erased = heads.erased_among(granting, new=granting & new) if granting else frozenset()
    if erased:
        places = [place for place, draft in enumerate(batch) if draft.subject in erased and draft.event_type in GRANTS]
        raise SubjectErased(errors=[{"pointer": f"/{place}/subject", "detail": "Erased."} for place in places[:100]])


def _instants(batch: Sequence[ConsentDraft], last: Mapping[SubjectId, datetime | None], at: datetime) -> list[datetime]:
    """When each event was received: now, and later than anything of that subject before it, whatever the clocks of two processes say."""
    latest = dict(last)
    instants: list[datetime] = []
    for draft in batch:
        before = latest.get(draft.subject)
        instant = at if before is None or before < at else before + packing.TICK
        latest[draft.subject] = instant
        instants.append(instant)
    return instants


def _inherited(batch: Sequence[ConsentDraft]) -> dict[int, Parent]:
    """What a confirmation takes from the grant that it confirms: the notice and the version of the purpose agreed to, and its end.

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


def _make(wave: Wave, received: Sequence[datetime], actor: Actor, book: Book) -> Made:
    """Encode the events. What is alike is encoded once for each version of its purpose."""
    inherited = _inherited(wave.drafts)
    sealed = evidence.seal(wave.drafts)
    made = Made(uuid7_many(len(wave.drafts)), [], [], [], [], [])
    manners: dict[object, tuple[Manner, int, bool]] = {}
    for place, (draft, identifier, instant) in enumerate(zip(wave.drafts, made.ids, received, strict=True)):
        occurred = drafts.instant(draft, instant)
        agreed = None if draft.purpose in WIDE else book.agreed_to(draft.purpose, occurred)
        parent, shown = inherited.get(place), wave.shown[place]
        binds = draft.event_type == EventType.SIGNAL_OPTOUT and signal_binds(draft.jurisdiction, occurred)
        key = (wave.firsts[place], agreed.version if agreed else 0, parent, id(shown), binds)
        found = manners.get(key)
        if found is None:
            version = parent.purpose_version if parent else agreed.version if agreed else 0
            in_force = None if draft.purpose in WIDE else book.current(draft.purpose, instant)
            waits = drafts.needs_confirmation(draft, agreed, in_force)
            limited = (
                draft.valid_until,
                draft.of_age_on,
                agreed and agreed.validity_days,
                parent and parent.valid_until,
            )
            runs_out = any(limit is not None for limit in limited)
            found = manners[key] = (
                _manner(draft, version, shown, parent, actor, waits=waits, binds=binds),
                version,
                runs_out,
            )
        ends = drafts.validity(draft, agreed, occurred, parent.valid_until if parent else None) if found[2] else None
        seal = sealed[place]
        row, digest = packing.event(
            (identifier, draft.subject),
            found[0],
            (micros(occurred), micros(instant), None if ends is None else micros(ends)),
            draft.idempotency_key,
            seal.sha256 if seal else "",
        )
        made.rows.append(row)
        made.digests.append(digest)
        made.manners.append(found[0])
        made.versions.append(found[1])
        made.ends.append(ends)
    evidence.store(
        [
            (identifier, draft.subject, seal)
            for identifier, draft, seal in zip(made.ids, wave.drafts, sealed, strict=True)
            if seal
        ]
    )
    return made


def _manner(
    draft: ConsentDraft, version: int, shown: Seen, parent: Parent | None, actor: Actor, *, waits: bool, binds: bool
) -> Manner:
    inherited_notice = parent.notice_version_id if parent else None
    return packing.manner(
        purpose_key=draft.purpose,
        purpose_version=version,
        channel=str(draft.channel),
        event_type=str(draft.event_type),
        actor=(actor.kind.value, actor.id),
        method=draft.method,
        jurisdiction=draft.jurisdiction,
        cited=(
            shown.notice_version_id or inherited_notice,
            shown.jti,
            draft.parent_event_id or (parent.event_id if parent else None),
        ),
        needs_confirmation=waits,
        signal_binding=binds,
        source_sha256=draft.source_sha256,
    )


def _append(wave: Wave, made: Made, received: Sequence[datetime], new: set[SubjectId], actor: Actor) -> None:
    """Write log entries and events, advance the heads, fold, and note the changes for other systems."""
    first: set[SubjectId] = set()
    try:
        if len(made.ids) < commitments.MANY:
            packing.append(made.rows, commitments.one_by_one(_about(wave, made), made.digests, actor=actor))
        else:
            kinds = Counter(draft.event_type for draft in wave.drafts)
            entry = commitments.together(made.ids, kinds, made.digests, actor=actor)
            packing.append(made.rows, entry)
            first = new if len(new) == len(made.ids) else _once(wave.drafts) & new
            fold.project_first(entry, (made.ids[0], made.ids[-1]), None if len(first) == len(made.ids) else first)
    except IntegrityError as error:
        if "idempotency_key" in str(error):
            raise IdempotencyMismatch("Use a new key for a new event.") from None
        raise
    if len(first) < len(made.ids):
        pairs = zip(wave.drafts, received, strict=True)
        others = {draft.subject: at for draft, at in pairs if draft.subject not in first}
        heads.advance(others)
        fold.project(others.keys())
    propagation.enqueue(made.ids, wave.drafts, received)


def _once(batch: Sequence[ConsentDraft]) -> set[SubjectId]:
    """Whom just one draft is about."""
    return {subject for subject, times in Counter(draft.subject for draft in batch).items() if times == 1}


def _about(wave: Wave, made: Made) -> list[About]:
    return [
        About(
            event_id=identifier,
            subject=draft.subject,
            purpose=None if draft.purpose == ANY else draft.purpose,
            purpose_version=version,
            channel=str(draft.channel),
            event_type=str(draft.event_type),
        )
        for draft, identifier, version in zip(wave.drafts, made.ids, made.versions, strict=True)
    ]


def _standing(subjects: set[SubjectId]) -> Standings:
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, purpose_key, channel, status, valid_until FROM consent_state WHERE subject_id = ANY(%s::uuid[])",
            [uuids(subjects)],
        )
        return {(row[0], row[1], row[2]): as_of(State(row[3]), row[4], at) for row in cursor.fetchall()}


def as_of(status: State, valid_until: datetime | None, at: datetime) -> State:
    """EXPIRED for a consent that has run out by then, and the status itself otherwise."""
    ran_out = status is State.GIVEN and valid_until is not None and valid_until <= at
    return State.EXPIRED if ran_out else status
