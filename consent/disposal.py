"""What happens to the ledger when its retention ends (Art. 5(1)(e)): places that the retention rules dispose of.

Events and verdicts of people who were erased go three years after they were recorded, when nobody can claim anything from them any
more; of an event its digest stays, so that the log goes on adding up. Evidence of events that nothing rests on goes at its own date.
The tables are append-only: the triggers let just these rows go, and only inside a run (`retiring.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from consent.events.evidence import KEEP
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from governance.retention.disposables import Action, DisposableDefaults
from governance.retention.rules import DefaultRule

# ruff: noqa: S608  the statements are put together from constants of this module

GROUND: Final = (
    "Art. 7(1), 17(3)(e): consents are shown until claims have lapsed, three years (Polish Civil Code, Art. 118)."
)
_ERASED: Final = (
    "EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = r.subject_id AND h.erased_at IS NOT NULL)"
)


class _Place(DisposableDefaults):
    """Rows `r` of one append-only table."""

    key: str
    title: str
    table: str
    tables: frozenset[str]
    condition: str
    action = Action.DELETE
    per_subject = True
    minimum_days = KEEP.days
    minimum_ground = GROUND

    def candidates(self, before: datetime, held: frozenset[UUID]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.table} r WHERE {self._where()}", self._values(before, held))
            return int(cursor.fetchone()[0])

    def dispose(self, before: datetime, limit: int, held: frozenset[UUID]) -> int:
        values = self._values(before, held) | {"limit": limit, "run": str(uuid7()), "at": now()}
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('zgoda.retention_run', %(run)s, true)", values)
            cursor.execute(
                f"SELECT r.id FROM {self.table} r WHERE {self._where()} ORDER BY r.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
                values,
            )
            values["ids"] = [identifier for (identifier,) in cursor.fetchall()]
            self.before_they_go(cursor, values)
            cursor.execute(f"DELETE FROM {self.table} WHERE id = ANY(%(ids)s)", values)
            gone: int = cursor.rowcount
            cursor.execute("SELECT set_config('zgoda.retention_run', '', true)")
        return gone

    def before_they_go(self, cursor: Any, values: dict[str, Any]) -> None:
        """What has to be kept of the rows `ids`."""

    def _where(self) -> str:
        return f"{self.condition} AND NOT r.subject_id = ANY(%(held)s::uuid[])"

    def _values(self, before: datetime, held: frozenset[UUID]) -> dict[str, Any]:
        return {"before": before, "held": list(held)}


class EventsOfErased(_Place):
    """Events of erased people. Their digests stay."""

    key = "consent.events_of_erased"
    title = "Consent events of erased people"
    table = "consent_event"
    tables = frozenset({"consent_event"})
    condition = f"r.received_at < %(before)s AND {_ERASED}"

    def before_they_go(self, cursor: Any, values: dict[str, Any]) -> None:
        cursor.execute(
            "INSERT INTO consent_event_retired (event_id, entry_id, event_sha256, retired_at) "
            "SELECT id, entry_id, event_sha256, %(at)s FROM consent_event WHERE id = ANY(%(ids)s)",
            values,
        )


class VerdictsOfErased(_Place):
    """Verdicts about erased people."""

    key = "consent.verdicts_of_erased"
    title = "Gate verdicts about erased people"
    table = "consent_verdict"
    tables = frozenset({"consent_verdict"})
    condition = f"r.decided_at < %(before)s AND {_ERASED}"


class Evidence(_Place):
    """Evidence whose date has come, unless a consent that is still in force rests on its event."""

    key = "consent.evidence"
    title = "Evidence of consents"
    table = "consent_evidence"
    tables = frozenset({"consent_evidence"})
    condition = (
        "r.keep_until < least(current_date, (%(before)s::timestamptz + interval '1096 days')::date) "
        "AND NOT EXISTS (SELECT 1 FROM consent_state s WHERE s.event_id = r.event_id AND s.subject_id = r.subject_id)"
    )


PLACES: Final = (EventsOfErased(), VerdictsOfErased(), Evidence())
DEFAULTS: Final = tuple(DefaultRule(place.key, KEEP.days, GROUND) for place in PLACES)
