"""Where decisioning holds personal data. The records of decisions are `audit`'s to answer for; who got an offer is ours."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from engine.decisioning.models import Offered
from engine.events import locks
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased
from governance.kernel.subject_tables import SubjectTable

_DELETE = """
WITH gone AS (DELETE FROM engine_decision_offered WHERE subject_id = %s RETURNING run_id),
     counts AS (SELECT run_id, count(*) AS offers FROM gone GROUP BY run_id),
     noted AS (UPDATE engine_decision_run SET removed = removed + counts.offers FROM counts WHERE id = counts.run_id RETURNING 1)
SELECT coalesce(sum(offers), 0) FROM counts
"""


class Offers(SubjectTable):
    """Which offers the person was chosen for (inferred)."""

    key = "engine.decisioning.offers"
    title = "Offers the person was chosen for"
    model = Offered
    related = ("run",)
    provenance = "inferred"
    categories: tuple[str, ...] = ("decisions",)
    order = 250

    def purpose_of(self, row: Offered) -> str | None:
        return row.run.purpose

    def describe(self, row: Offered) -> dict[str, Any]:
        return {
            "decision": str(row.decision_id),
            "campaign": row.run.campaign,
            "offer": row.action,
            "decided_at": row.run.decided_at.isoformat(),
        }

    def erase(self, subject: SubjectId) -> Erased:
        """Delete them, and count them out of their runs; a run that is under way is waited for."""
        with transaction.atomic(), connection.cursor() as cursor:
            locks.own_history()
            cursor.execute(_DELETE, [subject])
            (deleted,) = cursor.fetchone()
        return Erased(deleted=int(deleted))
