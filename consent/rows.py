"""Rows of the ledger on their way to the table: their digest, their bulk writing, and what one event takes from another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from consent.arrays import uuids, words
from consent.drafts import ConsentDraft
from consent.terms import OPENINGS
from governance.kernel.copy import copy_rows

TICK: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EventRow(NamedTuple):
    """The content of one event, in the order in which the digest takes it."""

    id: UUID
    subject_id: UUID
    purpose_key: str
    purpose_version: int
    channel: str
    event_type: str
    actor_kind: str
    actor_id: str
    method: str
    jurisdiction: str
    notice_version_id: UUID | None
    presentation_jti: UUID | None
    parent_event_id: UUID | None
    occurred_at: datetime
    received_at: datetime
    valid_until: datetime | None
    needs_confirmation: bool
    signal_binding: bool
    source_sha256: str
    idempotency_key: str

    def digest(self, evidence_sha256: str) -> str:
        """SHA-256 over the content, one value a line, ending with the digest of the evidence: what the log commits to.

        Instants are microseconds since 1970, so that PostgreSQL writes the very same lines (`DIGEST_SQL`).
        """
        lines = [_TEXT[type(value)](value) for value in self]
        return hashlib.sha256("\n".join([*lines, evidence_sha256]).encode()).hexdigest()


_TEXT: Final[dict[type, Callable[[Any], str]]] = {
    NoneType: lambda value: "",
    bool: lambda value: "true" if value else "false",
    int: str,
    str: str,
    UUID: str,
    datetime: lambda value: str((value - _EPOCH) // TICK),
}


def _sql_text(name: str) -> str:
    if name in ("occurred_at", "received_at", "valid_until"):
        return f"coalesce((extract(epoch FROM e.{name}) * 1000000)::bigint::text, '')"
    return f"coalesce(e.{name}::text, '')"


_FIELDS: Final = EventRow._fields
DIGEST_SQL: Final = (
    "encode(sha256(convert_to("
    + " || E'\\n' || ".join([*map(_sql_text, _FIELDS), "e.evidence_sha256"])
    + ", 'UTF8')), 'hex')"
)
"""`EventRow.digest` of a row `e` of the ledger, in SQL: a million are checked in one statement."""

_COLUMNS: Final = (*_FIELDS, "evidence_sha256", "event_sha256", "entry_id")
_TYPES: Final = (
    "uuid", "uuid", "text", "int4", "text", "text", "text", "text", "text", "text", "uuid", "uuid", "uuid",
    "timestamptz", "timestamptz", "timestamptz", "bool", "bool", "text", "text", "text", "text", "uuid",
)  # fmt: skip


def append(made: Sequence[EventRow], evidence: Sequence[str], digests: Sequence[str], entries: Sequence[UUID]) -> None:
    """COPY events with the digests of their evidence and of themselves, and their log entries."""
    written = (
        (*row, sealed, digest, entry)
        for row, sealed, digest, entry in zip(made, evidence, digests, entries, strict=True)
    )
    copy_rows("consent_event", _COLUMNS, written, _TYPES)


@dataclass(frozen=True, slots=True)
class Parent:
    """The grant that a confirmation confirms."""

    event_id: UUID
    notice_version_id: UUID | None
    purpose_version: int


def parents(places: Sequence[int], batch: Sequence[ConsentDraft]) -> dict[int, Parent]:
    """For each of these places of the batch the grant received last for the same subject, purpose and channel. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (subject_id, purpose_key, channel) subject_id, purpose_key, channel, id, notice_version_id, purpose_version
            FROM consent_event WHERE subject_id = ANY(%s::uuid[]) AND event_type = ANY(%s)
            ORDER BY subject_id, purpose_key, channel, received_at DESC
            """,
            [uuids(batch[place].subject for place in places), [event.value for event in OPENINGS]],
        )
        found = {row[:3]: Parent(*row[3:]) for row in cursor.fetchall()}
    keys = {place: (batch[place].subject, batch[place].purpose, str(batch[place].channel)) for place in places}
    return {place: found[key] for place, key in keys.items() if key in found}


def keyed(keys: Sequence[str]) -> dict[str, tuple[UUID, UUID, str, str, str]]:
    """The events that have these idempotency keys: (event, subject, purpose, channel, event type) by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT idempotency_key, id, subject_id, purpose_key, channel, event_type FROM consent_event "
            "WHERE idempotency_key = ANY(%s::text[])",
            [words(keys)],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
