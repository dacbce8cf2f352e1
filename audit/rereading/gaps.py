"""Gaps in a writer's count, and what people found out about them.

The sequencer says in the log where entries were taken away before they had a number (``log.entries_missing``); that stays in every
report. A person who has looked into one says why it is there, in an entry of their own: from then on reports tell it from new ones. The
gap itself is never closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from audit import log
from audit.errors import GapAcknowledged, NotAPerson, UnknownEntry
from audit.rereading.rows import facts_of
from governance.kernel.actors import Actor, ActorKind

MISSING = "log.entries_missing"
ACKNOWLEDGED = "log.gap_acknowledged"


class Cause(StrEnum):
    """Why entries are missing. Not free text: nobody could erase it."""

    RESTORED = "restored"  # the database was restored from a backup under processes that went on
    SAVEPOINT = "savepoint"  # a savepoint was rolled back by hand, past ``transaction.atomic``
    INCIDENT = "incident"  # somebody took them away; the case says more


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that a writer committed and that are gone. ``acknowledged_by`` is empty while nobody has looked into it."""

    entry_id: UUID
    seq: int | None
    count: int | None
    acknowledged_by: str = ""
    cause: str = ""
    case: str = ""


def gaps() -> list[Gap]:
    """Every gap that the log tells of, in order of its number. The first acknowledgement of each counts."""
    known: dict[str, tuple[str, dict[str, object]]] = {}
    for _, _, actor, of, header in _entries(ACKNOWLEDGED):
        known.setdefault(of or "", (actor or "", facts_of(header)))
    found = []
    for seq, entry_id, _, _, header in _entries(MISSING):
        count = facts_of(header).get("count")
        actor, said = known.get(f"entry:{entry_id}", ("", {}))
        number = count if isinstance(count, int) else None
        found.append(Gap(entry_id, seq, number, actor, str(said.get("cause", "")), str(said.get("case", ""))))
    return found


def acknowledge(entry_id: UUID, *, actor: Actor, cause: Cause, case: str) -> UUID:
    """Say why a gap is there; ``case`` names where more is written. Returns the id of the entry that says so.

    Raises ``NotAPerson`` for any actor but staff, ``UnknownEntry`` when no gap has this id, ``GapAcknowledged``, ``EntryNotAllowed``.
    """
    if actor.kind is not ActorKind.STAFF:
        raise NotAPerson("A gap is acknowledged by a member of staff.")
    with transaction.atomic():
        gap = next((gap for gap in gaps() if gap.entry_id == entry_id), None)
        if gap is None:
            raise UnknownEntry
        if gap.acknowledged_by:
            raise GapAcknowledged
        said = {"cause": cause.value, "case": case}
        return log.emit(ACKNOWLEDGED, actor=actor, object=f"entry:{entry_id}", facts={**said})


def _entries(action: str) -> list[tuple[int | None, UUID, str | None, str | None, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.seq, e.id, e.actor, e.object, e.header FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id
            WHERE e.action = %s ORDER BY l.seq, e.id
            """,
            [action],
        )
        return list(cursor.fetchall())
