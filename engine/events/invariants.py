"""What must hold in the event tables at any time, also after a kill -9."""

from __future__ import annotations

from django.db import connection

from governance.kernel.invariants import Finding, invariant

_COUNTS = """
SELECT batch.id, batch.accepted - batch.removed, coalesce(stored.events, 0) FROM engine_event_batch AS batch
FULL JOIN (SELECT batch, count(*) AS events FROM engine_event GROUP BY batch) AS stored ON stored.batch = batch.id
"""


@invariant("engine.events.accepted_are_there_once")
def accepted_are_there_once() -> Finding:
    """Each batch's accepted events, less those that erasures removed, are its rows; no event is of an unknown batch."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        rows = cursor.fetchall()
    wrong = [str(batch) for batch, expected, stored in rows if batch is None or expected != stored]
    return Finding(sum(stored for _, _, stored in rows), tuple(wrong[:100]))


@invariant("engine.events.batches_are_logged")
def batches_are_logged() -> Finding:
    """Every batch names its log entry."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, entry_id IS NULL FROM engine_event_batch")
        rows = cursor.fetchall()
    return Finding(len(rows), tuple(str(batch) for batch, missing in rows if missing)[:100])
