"""Events as clients send them: customers named by an identifier, rows judged one by one, and what is refused said with a pointer.

What we refuse the client still has, so nothing of it is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from engine.events import ingestion
from engine.events.kinds import ALL_FIELDS, KINDS, Integer, Text
from engine.events.validation import check, frame_of
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.errors import IdentifierMalformed
from pseudonymize.vault import INDEXED_KINDS, IdentifierKind


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is wrong with one event: a JSON pointer (RFC 6901) and what it is, without the value."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. It is committed when the caller sees it."""

    batch: int | None
    accepted: int
    duplicates: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Submitted:
    """One event as it was sent, its outer form checked already."""

    event_id: UUID
    customer: tuple[IdentifierKind, str]
    kind: str
    occurred_at: datetime
    attributes: Mapping[str, Any]


def submit(events: Sequence[Submitted], *, source: str, actor: Actor) -> Receipt:
    """Accept what fits, refuse the rest row by row: unknown and erased customers, unknown kinds, fields that are not declared."""
    refusals: dict[int, list[Refusal]] = {}
    subjects = _resolve(events, refusals)
    columns = _columns(events, refusals)
    table = _table(events, subjects, columns)
    offered = frame_of(table)
    for row, reasons in check(offered, received_at=clock.now()).misfits.select("row", "reasons").iter_rows():
        if row not in refusals:
            refusals[row] = [_refusal(row, reason) for reason in reasons]
    kept = [row for row in range(len(events)) if row not in refusals]
    done = ingestion.Ingested()
    if kept:
        done = ingestion.ingest(table.take(pa.array(kept, pa.int64())), source=source, actor=actor)
    return Receipt(
        batch=done.batches[0] if done.batches else None,
        accepted=done.accepted,
        duplicates=done.duplicates,
        refused=tuple(refusal for row in sorted(refusals) for refusal in refusals[row]),
    )


def _resolve(events: Sequence[Submitted], refusals: dict[int, list[Refusal]]) -> list[SubjectId | None]:
    """Who each customer is; one question to the vault for each kind of identifier, and one for who was erased."""
    subjects: list[SubjectId | None] = [None] * len(events)
    for kind in {event.customer[0] for event in events}:
        rows = [row for row, event in enumerate(events) if event.customer[0] == kind]
        for row, subject in zip(rows, _look_up(kind, [events[row].customer[1] for row in rows]), strict=True):
            subjects[row] = subject
    erased = vault.erased_among({subject for subject in subjects if subject is not None})
    for row, subject in enumerate(subjects):
        if subject is None or subject in erased:
            # One answer for both: who asks must not learn that somebody was here and is gone.
            refusals.setdefault(row, []).append(Refusal(f"/events/{row}/customer", "No such customer."))
    return subjects


def _look_up(kind: IdentifierKind, values: list[str]) -> list[SubjectId | None]:
    try:
        return vault.resolve(kind, values)
    except IdentifierMalformed:
        return [None] * len(values)


def _columns(events: Sequence[Submitted], refusals: dict[int, list[Refusal]]) -> dict[str, list[Any]]:
    """The attributes by field, as the kind of the event declares them; what has another name or type is refused."""
    columns: dict[str, list[Any]] = {name: [None] * len(events) for name in ALL_FIELDS}
    for row, event in enumerate(events):
        declared = KINDS.get(event.kind, {})
        for name, value in event.attributes.items():
            match declared.get(name):
                case Text() if isinstance(value, str):
                    columns[name][row] = value
                case Integer() if isinstance(value, int) and not isinstance(value, bool):
                    columns[name][row] = value
                case None:
                    refusals.setdefault(row, []).append(_field(row, name, "Not a field of this kind of event."))
                case spec:
                    wanted = "a text" if isinstance(spec, Text) else "a whole number"
                    refusals.setdefault(row, []).append(_field(row, name, f"Expected {wanted}."))
    return columns


def _table(
    events: Sequence[Submitted], subjects: Sequence[SubjectId | None], columns: dict[str, list[Any]]
) -> pa.Table:
    arrays = {
        "event_id": pa.array([event.event_id.bytes for event in events], pa.binary()),
        "subject": pa.array([None if subject is None else subject.bytes for subject in subjects], pa.binary()),
        "kind": pa.array([event.kind for event in events], pa.string()),
        "occurred_at": pa.array([event.occurred_at for event in events], pa.timestamp("us", "UTC")),
    }
    for name, values in columns.items():
        if any(value is not None for value in values):
            arrays[name] = _array(values)
    return pa.table(arrays)


def _array(values: list[Any]) -> pa.Array:
    if any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string())
    return pa.array([_bounded(value) for value in values], pa.int64())


def _bounded(value: int | None) -> int | None:
    """Any integer that a 64-bit column holds; what does not fit is out of every field's bounds, and so is -1."""
    return value if value is None or -(2**63) <= value < 2**63 else -1


def _refusal(row: int, reason: str) -> Refusal:
    what, _, field = reason.partition(":")
    pointer = {"kind_unknown": f"/events/{row}/kind", "occurred_in_the_future": f"/events/{row}/occurred_at"}.get(
        what, f"/events/{row}/attributes/{field}" if field else f"/events/{row}"
    )
    return Refusal(pointer, f"{what.replace('_', ' ').capitalize()}.")


def _field(row: int, name: str, detail: str) -> Refusal:
    return Refusal(f"/events/{row}/attributes/{name.replace('~', '~0').replace('/', '~1')[:100]}", detail)


INDEXED: tuple[str, ...] = tuple(sorted(kind.value for kind in INDEXED_KINDS))
"""Identifiers that a customer can be named by."""
