"""Where decisioning holds personal data. The records of decisions are `audit`'s to answer for; who got an offer is ours."""

from __future__ import annotations

from django.db import connection, transaction

from engine.decisioning.models import Offered
from engine.events import locks
from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults

_DELETE = """
WITH gone AS (DELETE FROM engine_decision_offered WHERE subject_id = %s RETURNING run_id),
     counts AS (SELECT run_id, count(*) AS offers FROM gone GROUP BY run_id),
     noted AS (UPDATE engine_decision_run SET removed = removed + counts.offers FROM counts WHERE id = counts.run_id RETURNING 1)
SELECT coalesce(sum(offers), 0) FROM counts
"""
_RESIDUAL = "SELECT count(*) FROM engine_decision_offered WHERE subject_id::text = %s"


class Offers(SourceDefaults):
    """Which offers the person was chosen for."""

    key = "engine.decisioning.offers"
    title = "Offers the person was chosen for"
    tables: frozenset[str] = frozenset({"engine_decision_offered"})
    categories: tuple[str, ...] = ("decisions",)
    order = 250

    def locate(self, subject: SubjectId) -> Located:
        return Located({"engine_decision_offered": Offered.objects.filter(subject_id=subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """The offers, with campaign, purpose and time."""
        rows = Offered.objects.filter(subject_id=subject).select_related("run").order_by("decision_id")
        return [
            ExportRecord(
                "engine_decision_offered",
                "inferred",
                row.run.purpose,
                {
                    "decision": str(row.decision_id),
                    "campaign": row.run.campaign,
                    "offer": row.action,
                    "decided_at": row.run.decided_at.isoformat(),
                },
            )
            for row in rows
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete them; a run that is under way is waited for."""
        with transaction.atomic(), connection.cursor() as cursor:
            locks.own_history()
            cursor.execute(_DELETE, [subject])
            (deleted,) = cursor.fetchone()
        return Erased(deleted=int(deleted))

    def residual(self, subject: SubjectId) -> Residual:
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, [str(subject)])
            (count,) = cursor.fetchone()
        return Residual(count, sha256_hex(_RESIDUAL.encode()))
