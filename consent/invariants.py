"""What holds at any time, also after a kill -9, over the whole database and in one statement each."""

from __future__ import annotations

from typing import Final

from django.db import connection

from audit.models import Entry
from consent import spool
from consent.events import commitments, fold
from consent.events.packing import DIGEST_SQL
from governance.kernel.invariants import Finding, invariant

# ruff: noqa: S608  table names and constants of this package
_ENTRIES: Final = Entry._meta.db_table
_UNLOGGED: Final = f"""
    SELECT e.id FROM consent_event e LEFT JOIN {_ENTRIES} a ON a.id = e.entry_id
    WHERE e.event_sha256 <> {DIGEST_SQL}
       OR a.id IS NULL OR (a.action <> 'consent.events_recorded'
                           AND a.header::jsonb #>> '{{facts,event_sha256}}' IS DISTINCT FROM e.event_sha256)
    LIMIT 100
"""
_FORGOTTEN: Final = f"""
    SELECT a.id FROM {_ENTRIES} a
    WHERE a.object LIKE 'consent_event:%' AND NOT EXISTS (SELECT 1 FROM consent_event e WHERE e.entry_id = a.id)
      AND NOT EXISTS (SELECT 1 FROM consent_event_retired r WHERE r.entry_id = a.id)
    LIMIT 100
"""
_UNCITED: Final = f"""
    SELECT v.id FROM (SELECT id, entry_id FROM consent_verdict UNION ALL SELECT id, entry_id FROM consent_verdict_set) v
    WHERE NOT EXISTS (SELECT 1 FROM {_ENTRIES} a WHERE a.id = v.entry_id)
    LIMIT 100
"""
_GROUNDLESS: Final = """
    SELECT v.id FROM consent_verdict v WHERE v.reason = 'consent_given'
    AND NOT EXISTS (SELECT 1 FROM consent_event e WHERE e.id = v.event_id AND e.subject_id = v.subject_id)
    AND NOT EXISTS (SELECT 1 FROM consent_event_retired r WHERE r.event_id = v.event_id)
    LIMIT 100
"""


@invariant("consent.state_is_the_fold_of_the_ledger")
def state_is_the_fold() -> Finding:
    """The consent state of every subject, purpose and channel is what its events come to."""
    return Finding(_count("consent_state"), tuple(str(subject) for subject in fold.difference()))


@invariant("consent.every_event_is_in_the_log")
def every_event_is_in_the_log() -> Finding:
    """Every consent event reads as when it was recorded, and its log entry commits to just that."""
    return Finding(_count("consent_event"), _ids(_UNLOGGED) + tuple(map(str, commitments.broken())))


@invariant("consent.no_event_was_removed")
def no_event_was_removed() -> Finding:
    """Every log entry about consent events has its events, or what their retention left of them: none was taken out of the ledger."""
    return Finding(_count("consent_event"), _ids(_FORGOTTEN) + tuple(map(str, commitments.broken())))


@invariant("consent.every_verdict_is_in_the_log")
def every_verdict_is_in_the_log() -> Finding:
    """Every verdict and verdict set that somebody acted on has its log entry."""
    return Finding(_count("consent_verdict") + _count("consent_verdict_set"), _ids(_UNCITED))


@invariant("consent.consent_verdicts_cite_an_event")
def consent_verdicts_cite_an_event() -> Finding:
    """Every verdict that rests on a consent cites an event of that very person."""
    return Finding(_count("consent_verdict"), _ids(_GROUNDLESS))


@invariant("consent.nothing_waits_in_the_spool")
def nothing_waits_in_the_spool() -> Finding:
    """Every withdrawal that was accepted while the database was away is in the ledger, and none had to be put aside."""
    left = {"waiting": spool.pending(), "refused": spool.refused()}
    return Finding(sum(left.values()), tuple(name for name, count in left.items() if count))


def _ids(statement: str) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(str(identifier) for (identifier,) in cursor.fetchall())


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        (count,) = cursor.fetchone()
    return int(count)
