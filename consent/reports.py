"""The ledger read in bulk: where everybody stands, now or as it was at an instant, as counts and as rows that stream out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TextIO
from uuid import UUID

from django.db import connection, transaction

from audit import log
from consent.events import fold
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import opaque, uuid7

# ruff: noqa: S608  the statements are put together from constants of this package

_NOW: Final = f"SELECT {', '.join(fold.COLUMNS)} FROM consent_state"
_THEN: Final = fold.folded(
    "e.received_at <= %(at)s AND NOT EXISTS (SELECT 1 FROM consent_ledger_head h "
    "WHERE h.subject_id = e.subject_id AND h.erased_at <= %(at)s)"
)
_WHERE: Final = (
    "(%(purpose)s::text IS NULL OR purpose_key = %(purpose)s) AND (%(channel)s::text IS NULL OR channel = %(channel)s)"
)
_STATUS: Final = "CASE WHEN status = 'given' AND valid_until <= %(at)s THEN 'expired' ELSE status END"
HEADER: Final = (
    "subject", "purpose", "channel", "status", "since", "valid_until", "event", "notice_version", "purpose_version", "objected",
    "restricted", "opted_out",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """How many people stand so with a purpose on a channel; `objected`, `restricted` and `opted_out` are some of them."""

    purpose: str
    channel: str
    status: str
    people: int
    objected: int
    restricted: int
    opted_out: int


def as_of(at: datetime | None = None, *, purpose: str | None = None, channel: str | None = None) -> list[Count]:
    """Where people stood at an instant by what was known then, or stand now, in counts; by purpose, channel and status."""
    statement = f"""
        SELECT purpose_key, channel, {_STATUS} AS status, count(*), count(objection_event_id), count(restriction_event_id),
               count(signal_event_id)
        FROM ({_NOW if at is None else _THEN}) states WHERE {_WHERE} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, {"at": at or now(), "purpose": purpose, "channel": channel})
        return [Count(*row) for row in cursor.fetchall()]


def export(
    out: TextIO,
    *,
    actor: Actor,
    form: str = "csv",
    at: datetime | None = None,
    purpose: str | None = None,
    channel: str | None = None,
) -> int:
    """Write where everybody stands (`csv` or `jsonl`), people by their opaque ids; returns how many rows. Leaves an entry in the log.

    Rows stream from a cursor of the server: a million take no more memory than a thousand.
    """
    instant = at or now()
    statement = f"""
        SELECT subject_id, purpose_key, channel, {_STATUS}, occurred_at, valid_until, event_id, notice_version_id, purpose_version,
               objection_event_id IS NOT NULL, restriction_event_id IS NOT NULL, signal_event_id IS NOT NULL
        FROM ({_NOW if at is None else _THEN}) states WHERE {_WHERE} ORDER BY subject_id, purpose_key, channel
    """
    count = 0
    with transaction.atomic():
        write = _csv_writer(out) if form == "csv" else _json_writer(out)
        for row in _streamed(statement, {"at": instant, "purpose": purpose, "channel": channel}):
            write(_shown(row))
            count += 1
        log.emit(
            "consent.exported",
            actor=actor,
            object=f"consent_export:{uuid7()}",
            purpose=purpose,
            facts={"rows": count, "as_of": instant.isoformat(), "form": form},
        )
    return count


def _streamed(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(5_000):
            yield from rows


def _shown(row: Sequence[Any]) -> tuple[Any, ...]:
    subject, purpose, channel, status, since, until, event, notice, *rest = row
    return (
        opaque("sub", subject),
        purpose,
        channel,
        status,
        _text(since),
        _text(until),
        _id("cev", event),
        _id("ntc", notice),
        *rest,
    )


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _id(prefix: str, identifier: UUID | None) -> str:
    return opaque(prefix, identifier) if identifier else ""


def _csv_writer(out: TextIO) -> Any:
    writer = csv.writer(out)
    writer.writerow(HEADER)
    return writer.writerow


def _json_writer(out: TextIO) -> Any:
    return lambda row: out.write(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n")
