"""What must hold in the log at any time, also after a kill -9. Cheap statements; ``verify_log`` proves the rest."""

from __future__ import annotations

from django.db import connection

from governance.kernel.invariants import Finding, invariant


def _finding(counted: str, violations: str) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(counted)
        checked = int(cursor.fetchone()[0])
        cursor.execute(f"{violations} LIMIT 100")
        return Finding(checked, tuple(str(found) for (found,) in cursor.fetchall()))


@invariant("audit.every_entry_is_numbered_or_staged")
def every_entry_is_numbered_or_staged() -> Finding:
    """Every entry has exactly one number, or waits for it; never both, never neither."""
    return _finding(
        "SELECT count(*) FROM audit_entry",
        """
        SELECT e.id FROM audit_entry e
        LEFT JOIN audit_leaf l ON l.entry_id = e.id LEFT JOIN audit_staged s ON s.id = e.id
        WHERE (l.entry_id IS NULL) = (s.id IS NULL)
        """,
    )


@invariant("audit.numbers_have_no_gaps")
def numbers_have_no_gaps() -> Finding:
    """Numbers start at 0 and have no gaps, and each belongs to an entry."""
    return _finding(
        "SELECT count(*) FROM audit_leaf",
        """
        SELECT seq FROM (SELECT seq, entry_id, row_number() OVER (ORDER BY seq) - 1 AS place FROM audit_leaf) AS numbered
        WHERE seq <> place OR NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = numbered.entry_id)
        """,
    )


@invariant("audit.last_checkpoint_covers_the_log")
def last_checkpoint_covers_the_log() -> Finding:
    """The last checkpoint was signed over all numbers."""
    return _finding(
        "SELECT count(*) FROM audit_checkpoint",
        """
        SELECT size FROM (
            SELECT (SELECT coalesce(max(size), 0) FROM audit_checkpoint) AS size, (SELECT count(*) FROM audit_leaf) AS leaves
        ) AS totals WHERE size <> leaves
        """,
    )


@invariant("audit.every_decision_batch_has_its_entry")
def every_decision_batch_has_its_entry() -> Finding:
    """Every batch of decisions has its entry in the log, and no batch has more decisions than it recorded."""
    return _finding(
        "SELECT count(*) FROM audit_decision_batch",
        """
        SELECT b.id FROM audit_decision_batch b LEFT JOIN audit_entry e ON e.id = b.entry_id
        WHERE e.action IS DISTINCT FROM 'decision.batch_recorded' OR e.object <> 'decision_batch:' || b.id::text
           OR (SELECT count(*) FROM audit_decision d WHERE d.batch_id = b.id) > b.count
        """,
    )


@invariant("audit.nothing_staged_was_refused")
def nothing_staged_was_refused() -> Finding:
    """No staged row was set aside as not ours."""
    return _finding("SELECT count(*) FROM audit_staged", "SELECT id FROM audit_staged WHERE refused")
