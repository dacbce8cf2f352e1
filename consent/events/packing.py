"""Events on their way into the table: their digest, and the very bytes that COPY takes.

What events of a batch have in common is encoded once (`Manner`); of each event only its ids, instants and key remain to be written.
So recording in bulk costs about as much as PostgreSQL needs for the rows.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from consent.terms import OPENINGS, STOPS, EventType, State

TICK: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_2000: Final = 946_684_800_000_000  # PostgreSQL's binary instants are microseconds since then

FIELDS: Final = (
    "id", "subject_id", "purpose_key", "purpose_version", "channel", "event_type", "actor_kind", "actor_id", "method", "jurisdiction",
    "notice_version_id", "presentation_jti", "parent_event_id", "occurred_at", "received_at", "valid_until", "needs_confirmation",
    "signal_binding", "source_sha256", "idempotency_key",
)  # fmt: skip
"""The content of an event, in the order in which its digest takes it."""
COLUMNS: Final = (*FIELDS, "evidence_sha256", "event_sha256", "entry_id")

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = struct.pack("!h", -1)
_NULL: Final = struct.pack("!i", -1)
_LENGTH: Final = struct.Struct("!i").pack
_INSTANT: Final = struct.Struct("!iq").pack
_FIRST: Final = struct.pack("!hi", len(COLUMNS), 16)
_SIXTEEN: Final = _LENGTH(16)
_DIGEST: Final = _LENGTH(64)
_EMPTY: Final = _LENGTH(0)


def _sql_text(name: str) -> str:
    if name in ("occurred_at", "received_at", "valid_until"):
        return f"coalesce((extract(epoch FROM e.{name}) * 1000000)::bigint::text, '')"
    return f"coalesce(e.{name}::text, '')"


DIGEST_SQL: Final = (
    "encode(sha256(convert_to("
    + " || E'\\n' || ".join([*map(_sql_text, FIELDS), "e.evidence_sha256"])
    + ", 'UTF8')), 'hex')"
)
"""The digest of a row `e` of the ledger, in SQL: a million are checked in one statement."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What events have in common: everything but who, when, and under which key. As lines of the digest and as bytes of COPY."""

    first: State
    """Where somebody stands of whom such an event is the first and only one (`fold.project_first` says the same in SQL)."""
    lines: tuple[str, str]
    packed: tuple[bytes, bytes]


def manner(
    *,
    purpose_key: str,
    purpose_version: int,
    channel: str,
    event_type: str,
    actor: tuple[str, str],
    method: str,
    jurisdiction: str,
    cited: tuple[UUID | None, UUID | None, UUID | None],
    needs_confirmation: bool,
    signal_binding: bool,
    source_sha256: str,
) -> Manner:
    """`actor` is kind and id; `cited` are notice version, presentation and parent event."""
    before = (purpose_key, purpose_version, channel, event_type, *actor, method, jurisdiction, *cited)
    after = (needs_confirmation, signal_binding, source_sha256)
    return Manner(
        _first(event_type, needs_confirmation=needs_confirmation),
        ("\n".join(map(_text, before)), "\n".join(map(_text, after))),
        (b"".join(map(_pack, before)), b"".join(map(_pack, after))),
    )


def _first(event_type: str, *, needs_confirmation: bool) -> State:
    if event_type in OPENINGS:
        return State.PENDING_CONFIRMATION if needs_confirmation else State.GIVEN
    if event_type in (EventType.REQUESTED, EventType.CONFIRMATION_SENT):
        return State.REQUESTED
    return State(event_type) if event_type in STOPS else State.NONE


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970."""
    return (at - _EPOCH) // TICK


def event(
    who: tuple[UUID, UUID],
    what: Manner,
    instants: tuple[int, int, int | None],
    idempotency_key: str,
    evidence_sha256: str,
) -> tuple[bytes, str]:
    """The bytes of one event up to its digest, and the digest: SHA-256 over the content, one value a line, ending with the evidence.

    `who` are the ids of event and subject; `instants` are those of occurrence, arrival and end, as `micros`, so that PostgreSQL
    writes the very same lines (`DIGEST_SQL`).
    """
    identifier, subject = who
    occurred, received, until = instants
    ends = "" if until is None else until
    text = (
        f"{identifier}\n{subject}\n{what.lines[0]}\n{occurred}\n{received}\n{ends}\n{what.lines[1]}\n"
        f"{idempotency_key}\n{evidence_sha256}"
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    key = idempotency_key.encode()
    row = b"".join(
        (
            _FIRST, identifier.bytes, _SIXTEEN, subject.bytes, what.packed[0],
            _INSTANT(8, occurred - _SINCE_2000), _INSTANT(8, received - _SINCE_2000),
            _NULL if until is None else _INSTANT(8, until - _SINCE_2000),
            what.packed[1], _LENGTH(len(key)), key,
            _DIGEST + evidence_sha256.encode() if evidence_sha256 else _EMPTY, _DIGEST, digest.encode(),
        )
    )  # fmt: skip
    return row, digest


def append(rows: Iterable[bytes], entries: Sequence[UUID] | UUID) -> None:
    """COPY events with their log entries: one each, or one for all."""
    if isinstance(entries, UUID):
        end = _SIXTEEN + entries.bytes
        buffer = end.join([*rows, b""])
    else:
        buffer = b"".join([row + _SIXTEEN + entry.bytes for row, entry in zip(rows, entries, strict=True)])
    with connection.cursor() as cursor:
        raw = cursor.cursor  # Django's wrapper hides psycopg's copy()
        with raw.copy(f"COPY consent_event ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_HEADER)
            copy.write(buffer)
            copy.write(_TRAILER)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pack(value: object) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, UUID):
        return _SIXTEEN + value.bytes
    if isinstance(value, bool):
        return _LENGTH(1) + bytes([value])
    if isinstance(value, int):
        return _LENGTH(4) + _LENGTH(value)
    raw = str(value).encode()
    return _LENGTH(len(raw)) + raw
