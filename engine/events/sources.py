"""Where events hold personal data, for requests of data subjects (Art. 15-21) and retention."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from engine.events import locks, quarantine
from engine.events.models import Event, QuarantinedEvent
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord
from governance.kernel.subject_tables import SubjectTable

_TYPED = ("store", "basket", "product", "department", "quantity", "value_cents", "discount_cents", "coupon_cents")
# The batches that the person's events came in keep their counts: accepted = rows + removed (invariant).
_DELETE = """
WITH gone AS (DELETE FROM engine_event WHERE subject_id = %s RETURNING batch),
     counts AS (SELECT batch, count(*) AS events FROM gone GROUP BY batch),
     noted AS (UPDATE engine_event_batch SET removed = removed + counts.events FROM counts WHERE id = counts.batch RETURNING 1)
SELECT coalesce(sum(events), 0) FROM counts
"""


class EventHistory(SubjectTable):
    """What the person did: purchases, coupons, pages. Observed, never given, so there is nothing to rectify field by field."""

    key = "engine.events.history"
    title = "Shopping and interaction history"
    model = Event
    categories: tuple[str, ...] = ("behaviour", "transactions")
    order = 300

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """Every event with the fields that its kind declares."""
        rows = self._rows(subject).order_by("occurred_at", "event_id")
        names = ("event_id", "kind", "occurred_at", *_TYPED, "attributes")
        return [
            ExportRecord(self.table, "observed", None, _plain(dict(zip(names, values, strict=True))))
            for values in rows.values_list(*names).iterator(chunk_size=5_000)
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete them all (Art. 17(1)). Waits for batches and projections that are under way, and keeps new ones waiting."""
        with transaction.atomic(), connection.cursor() as cursor:
            locks.own_history()
            cursor.execute(_DELETE, [subject])
            (deleted,) = cursor.fetchone()
        return Erased(deleted=int(deleted))


class Quarantine(SubjectTable):
    """Rows about the person that did not fit their schema."""

    key = "engine.events.quarantine"
    title = "Events that did not fit their schema"
    model = QuarantinedEvent
    categories: tuple[str, ...] = ("behaviour",)
    order = 290

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        identifiers = list(self._rows(subject).order_by("id").values_list("id", flat=True))
        return [ExportRecord(self.table, "observed", None, row) for row in quarantine.read(identifiers)]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The declared fields at one level, as JSON holds them."""
    attributes: dict[str, Any] = row.pop("attributes") or {}
    given = {name: value for name, value in row.items() if value is not None}
    return given | {"event_id": str(row["event_id"]), "occurred_at": row["occurred_at"].isoformat()} | attributes
