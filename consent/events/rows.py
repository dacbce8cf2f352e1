"""What recording reads of the ledger: which keys are taken, and what one event takes from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from consent.arrays import uuids, words
from consent.drafts import ConsentDraft
from consent.terms import OPENINGS


@dataclass(frozen=True, slots=True)
class Parent:
    """The grant that a confirmation confirms."""

    event_id: UUID
    notice_version_id: UUID | None
    purpose_version: int
    valid_until: datetime | None


def parents(places: Sequence[int], batch: Sequence[ConsentDraft]) -> dict[int, Parent]:
    """For each of these places of the batch the grant received last for the same subject, purpose and channel. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (subject_id, purpose_key, channel)
                subject_id, purpose_key, channel, id, notice_version_id, purpose_version, valid_until
            FROM consent_event WHERE subject_id = ANY(%s::uuid[]) AND event_type = ANY(%s)
            ORDER BY subject_id, purpose_key, channel, received_at DESC
            """,
            [uuids(batch[place].subject for place in places), [event.value for event in OPENINGS]],
        )
        found = {row[:3]: Parent(*row[3:]) for row in cursor.fetchall()}
    keys = {place: (batch[place].subject, batch[place].purpose, str(batch[place].channel)) for place in places}
    return {place: found[key] for place, key in keys.items() if key in found}


@dataclass(frozen=True, slots=True)
class Keyed:
    """The event that has an idempotency key: as much of it as a repetition has to say again."""

    event_id: UUID
    subject: UUID
    purpose: str
    channel: str
    event_type: str
    method: str
    jurisdiction: str
    notice_version_id: UUID | None

    def repeated_by(self, draft: ConsentDraft) -> bool:
        """Whether the draft is this event again. A retry may come later, and may leave out which notice its token was for."""
        said = (draft.subject, draft.purpose, draft.channel, draft.event_type, draft.method, draft.jurisdiction)
        mine = (self.subject, self.purpose, self.channel, self.event_type, self.method, self.jurisdiction)
        return said == mine and draft.notice_version_id in (None, self.notice_version_id)


def keyed(keys: Sequence[str]) -> dict[str, Keyed]:
    """The events that have these idempotency keys, by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT idempotency_key, id, subject_id, purpose_key, channel, event_type, method, jurisdiction, notice_version_id "
            "FROM consent_event WHERE idempotency_key = ANY(%s::text[])",
            [words(keys)],
        )
        return {row[0]: Keyed(*row[1:]) for row in cursor.fetchall()}
