"""Reading the history by columns: packed by PostgreSQL into binary records, straight into numpy and Polars.

1.47 million lines become 156 thousand visits in the database, so a reader waits about a second, not ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from django.db import connection, transaction

from engine.events import locks
from governance.kernel import clock
from governance.kernel.copy import copy_rows
from governance.kernel.ids import SubjectId

# One visit is one basket at one instant: grouping by the instant too keeps a late line of a basket out of cuts before it.
_VISITS = """
SELECT subject_id, occurred_at, sum(value_cents)::bigint AS value_cents, coalesce(sum(discount_cents), 0)::bigint AS discount_cents,
       coalesce(sum(coupon_cents), 0)::bigint AS coupon_cents, count(*) AS lines
FROM engine_event WHERE kind = 'purchase' {wanted} GROUP BY subject_id, occurred_at, basket
"""
_INSTANTS = "SELECT subject_id, occurred_at FROM engine_event WHERE kind = '{kind}' {wanted}"
_WANTED = "AND subject_id IN (SELECT subject_id FROM engine_event_wanted)"
_KNOWN = f"{_WANTED} AND received_at <= %(known_until)s"
# All rows of a subject as one string of fixed-width records: a row each through the wire protocol costs ten times as much here.
_PACKED = "SELECT subject_id, string_agg({record}, ''::bytea) FROM ({query}) AS rows GROUP BY subject_id"
_EPOCH_OFFSET_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01, everybody else from 1970-01-01

VISIT_COLUMNS = ("value_cents", "discount_cents", "coupon_cents", "lines")


@dataclass(frozen=True, slots=True)
class History:
    """What some subjects did, as frames whose `subject` is a place in `subjects`.

    `visits`: subject, at, value_cents, discount_cents, coupon_cents, lines. `redemptions` and `campaigns`: subject, at.
    """

    subjects: tuple[SubjectId, ...]
    visits: pl.DataFrame
    redemptions: pl.DataFrame
    campaigns: pl.DataFrame

    def before(self, cut: datetime) -> History:
        """What was known of them when `cut` came."""
        earlier = (frame.filter(pl.col("at") < cut) for frame in (self.visits, self.redemptions, self.campaigns))
        return History(self.subjects, *earlier)


def history(subjects: Sequence[SubjectId], *, known_until: datetime | None = None) -> History:
    """The history of these subjects, each once, in the order in which they are first named.

    With `known_until` as it was known then: what arrived after that instant is left out, however long ago it happened.
    """
    distinct = tuple(dict.fromkeys(subjects))
    wanted = _WANTED if known_until is None else _KNOWN
    with transaction.atomic():
        _want(distinct)
        visits = _read(_VISITS.format(wanted=wanted), VISIT_COLUMNS, distinct, known_until)
        redemptions = _read(_INSTANTS.format(kind="coupon_redeemed", wanted=wanted), (), distinct, known_until)
        campaigns = _read(_INSTANTS.format(kind="campaign_received", wanted=wanted), (), distinct, known_until)
    return History(distinct, visits, redemptions, campaigns)


def settled() -> datetime:
    """Now, with all that has arrived by now committed: nothing is added later to what was known at this instant.

    Waits for events that are being taken in; they are stamped under the same lock (by hosts whose clocks agree).
    """
    with transaction.atomic():
        locks.own_history()
        return clock.now()


def subjects_with_events() -> list[SubjectId]:
    """Everybody whose events we hold, in order of id."""
    with connection.cursor() as cursor:
        # A loose index scan: one step per subject instead of one per event.
        cursor.execute(
            """
            WITH RECURSIVE step AS (
                (SELECT subject_id FROM engine_event ORDER BY subject_id LIMIT 1)
                UNION ALL
                SELECT (SELECT subject_id FROM engine_event WHERE subject_id > step.subject_id ORDER BY subject_id LIMIT 1)
                FROM step WHERE step.subject_id IS NOT NULL
            ) SELECT subject_id FROM step WHERE subject_id IS NOT NULL
            """
        )
        return [SubjectId(subject) for (subject,) in cursor.fetchall()]


def latest_instant() -> datetime | None:
    """When the newest event happened."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(occurred_at) FROM engine_event")
        latest: datetime | None = cursor.fetchone()[0]
    return latest


def _want(subjects: Sequence[SubjectId]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS engine_event_wanted")
        cursor.execute("CREATE TEMPORARY TABLE engine_event_wanted (subject_id uuid PRIMARY KEY) ON COMMIT DROP")
        copy_rows("engine_event_wanted", ["subject_id"], ((subject,) for subject in subjects), types=["uuid"])
        cursor.execute("ANALYZE engine_event_wanted")


def _read(
    query: str, columns: Sequence[str], subjects: Sequence[SubjectId], known_until: datetime | None
) -> pl.DataFrame:
    """Rows of subject, instant and whole numbers without nulls, as a frame."""
    record = " || ".join(["timestamptz_send(occurred_at)", *(f"int8send({name})" for name in columns)])
    with connection.cursor() as cursor:
        cursor.execute(_PACKED.format(record=record, query=query), {"known_until": known_until})
        packed = cursor.fetchall()
    place = {subject: number for number, subject in enumerate(subjects)}
    rows = np.frombuffer(b"".join(records for _, records in packed), dtype=[(name, ">i8") for name in ("at", *columns)])
    lengths = [len(records) // rows.dtype.itemsize for _, records in packed]
    places = np.array([place[SubjectId(subject)] for subject, _ in packed], np.uint32)
    return pl.DataFrame(
        {
            "subject": np.repeat(places, lengths),
            "at": pl.Series(rows["at"].astype(np.int64) + _EPOCH_OFFSET_US, dtype=pl.Int64).cast(
                pl.Datetime("us", "UTC")
            ),
            **{name: rows[name].astype(np.int64) for name in columns},
        }
    )
