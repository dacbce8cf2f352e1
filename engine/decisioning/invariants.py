"""What must hold for decisions at any time."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from consent.errors import UnknownVerdict
from consent.permission import citations
from engine.decisioning.models import DecisionRun
from governance.kernel.invariants import Finding, invariant

_COUNTS = """
SELECT run.id::text, run.offered - run.removed, count(offered.decision_id) FROM engine_decision_run AS run
LEFT JOIN engine_decision_offered AS offered ON offered.run_id = run.id GROUP BY run.id
"""


@invariant("engine.decisioning.offers_are_there_once")
def offers_are_there_once() -> Finding:
    """Each run's offers, less those that erasures removed, are its rows."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        rows = cursor.fetchall()
    return Finding(
        sum(stored for _, _, stored in rows), tuple(run for run, expected, stored in rows if expected != stored)[:100]
    )


@invariant("engine.decisioning.runs_cite_their_verdicts")
def runs_cite_their_verdicts() -> Finding:
    """Every run cites an answer of the gate for its purpose that allowed as many people as the run was permitted to decide about."""
    runs = DecisionRun.objects.values_list("id", "verdict_set_id", "purpose", "permitted")
    wrong = [str(run) for run, verdict_set, purpose, permitted in runs if not _covers(verdict_set, purpose, permitted)]
    return Finding(len(runs), tuple(wrong[:100]))


def _covers(verdict_set: UUID, purpose: str, permitted: int) -> bool:
    try:
        cited = citations.cited_set(verdict_set)
    except UnknownVerdict:
        return False
    return (cited.purpose, cited.allowed) == (purpose, permitted)
