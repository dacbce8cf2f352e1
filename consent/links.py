"""Visitors who turned out to be somebody known: what either of them refuses binds both (`linking.py` makes the links).

Nothing is rewritten. A withdrawal, a refusal, an objection, a restriction or an opt-out signal of one is recorded for the other too,
in the same transaction, as an event of its own. What permits stays with whom it was said by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.db import connection

from consent.arrays import uuids
from consent.drafts import ConsentDraft
from consent.terms import EventType
from governance.kernel.ids import SubjectId

BINDING: Final = frozenset(
    {EventType.WITHDRAWN, EventType.REFUSED, EventType.OBJECTED, EventType.RESTRICTED, EventType.SIGNAL_OPTOUT}
)
"""What a person says against processing. What the system notes of one consent (its end, say) is about that consent alone."""

_ANY_LINK: Final = "SELECT EXISTS (SELECT 1 FROM consent_link)"
_OTHERS: Final = """
SELECT a.id, other.id FROM unnest(%s::uuid[]) AS a(id)
LEFT JOIN consent_link mine ON mine.visitor_subject_id = a.id
JOIN LATERAL (
    SELECT mine.subject_id AS id WHERE mine.subject_id IS NOT NULL
    UNION SELECT l.visitor_subject_id FROM consent_link l WHERE l.subject_id = coalesce(mine.subject_id, a.id)
) other ON other.id <> a.id
ORDER BY 1, 2
"""


def bound(drafts: Sequence[ConsentDraft]) -> list[ConsentDraft]:
    """What these drafts say against processing, as events of the others whom a link binds; in order, and the same every time."""
    saying = [draft for draft in drafts if draft.event_type in BINDING]
    if not saying:
        return []
    others = _others({draft.subject for draft in saying})
    return [
        replace(draft, subject=other, idempotency_key=key_for(draft.idempotency_key, other), evidence=None)
        for draft in saying
        for other in others.get(draft.subject, ())
    ]


def key_for(key: str, subject: UUID) -> str:
    """The idempotency key of the event that repeats the event of `key` for somebody else."""
    return f"linked:{hashlib.sha256(f'{key}|{subject}'.encode()).hexdigest()[:48]}"


def _others(subjects: set[SubjectId]) -> dict[SubjectId, list[SubjectId]]:
    found: dict[SubjectId, list[SubjectId]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ANY_LINK)
        if not cursor.fetchone()[0]:
            return found
        cursor.execute(_OTHERS, [uuids(subjects)])
        for subject, other in cursor.fetchall():
            found.setdefault(SubjectId(subject), []).append(SubjectId(other))
    return found
