"""The heads of the subjects' ledgers: the lock between those who record and those who claim.

Every subject has one row, made on first use. Whoever records takes the rows of its subjects alone, whoever claims shares them, both in
order of id and both before looking at anything else; so a claim sees every withdrawal that committed before it, and one that comes
later waits until the claim's transaction ends. It does not matter whether there was any state to lock: the head is there first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection

from consent.arrays import instants, uuids
from governance.kernel.ids import SubjectId
from pseudonymize.models import DataSubject

# In order of id: two transactions that need some of the same heads wait for one another, and never in a ring.
_MAKE = """
INSERT INTO consent_ledger_head (subject_id, epoch)
SELECT wanted.id, 0 FROM unnest(%s::uuid[]) AS wanted(id)
WHERE NOT EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = wanted.id)
ORDER BY wanted.id ON CONFLICT DO NOTHING
"""
_OPEN = """
INSERT INTO consent_ledger_head (subject_id, epoch, last_received_at)
SELECT wanted.id, 1, %s FROM unnest(%s::uuid[]) AS wanted(id)
WHERE NOT EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = wanted.id)
ORDER BY wanted.id ON CONFLICT DO NOTHING RETURNING subject_id
"""
_TAKE = """
SELECT subject_id, last_received_at FROM consent_ledger_head
WHERE subject_id = ANY(%s::uuid[]) ORDER BY subject_id FOR NO KEY UPDATE
"""
_SHARE = "SELECT 1 FROM consent_ledger_head WHERE subject_id = ANY(%s::uuid[]) ORDER BY subject_id FOR SHARE"
_ADVANCE = """
UPDATE consent_ledger_head h SET epoch = h.epoch + 1, last_received_at = new.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS new(id, at) WHERE h.subject_id = new.id
"""

_ERASED = "SELECT subject_id FROM consent_ledger_head WHERE subject_id = ANY(%s::uuid[]) AND erased_at IS NOT NULL"
_ERASED_IN_VAULT = f"""
SELECT id FROM {DataSubject._meta.db_table} WHERE id = ANY(%s::uuid[]) AND erased_at IS NOT NULL
"""  # noqa: S608  # the name of a table of ours


def open_new(subjects: Collection[SubjectId], at: datetime) -> set[SubjectId]:
    """Make the heads of those who have none and own them: their first event is received `at`. Call before `own` for the others."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [at, uuids(subjects)])
        everybody = cursor.rowcount == len(subjects)
        return set(subjects) if everybody else {SubjectId(subject) for (subject,) in cursor.fetchall()}


def own(subjects: Collection[SubjectId]) -> dict[SubjectId, datetime | None]:
    """Take these heads alone until the transaction ends; says when each subject's last event was received."""
    wanted = uuids(subjects)
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [wanted])
        cursor.execute(_TAKE, [wanted])
        return {SubjectId(subject): last for subject, last in cursor.fetchall()}


def share(subjects: Collection[SubjectId]) -> None:
    """Keep everybody from recording anything about these subjects until the transaction ends; waits for who is at it."""
    wanted = uuids(subjects)
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [wanted])
        cursor.execute(_SHARE, [wanted])


def advance(last: Mapping[SubjectId, datetime]) -> None:
    """Note when the last event of each subject was received. The heads must be owned."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [uuids(last.keys()), instants(last.values())])


def mark_erased(subject: SubjectId, at: datetime) -> None:
    """From now on the gate refuses this subject and no state is folded for them. The head must be owned."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE consent_ledger_head SET erased_at = coalesce(erased_at, %s), epoch = epoch + 1 WHERE subject_id = %s",
            [at, subject],
        )


def erased_among(subjects: Collection[SubjectId], *, new: Collection[SubjectId] = ()) -> frozenset[SubjectId]:
    """Who of these was erased, here or in the vault. `new` are those of them whose head was made just now, so not here."""
    wanted = uuids(subjects)
    with connection.cursor() as cursor:
        cursor.execute(_ERASED_IN_VAULT, [wanted])
        erased = {SubjectId(subject) for (subject,) in cursor.fetchall()}
        if len(new) < len(subjects):
            cursor.execute(_ERASED, [wanted])
            erased |= {SubjectId(subject) for (subject,) in cursor.fetchall()}
    return frozenset(erased)
