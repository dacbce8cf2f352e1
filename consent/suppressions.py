"""What the vault's suppression list says of marketing, said in the ledger too: there the gate reads it, now and for any past instant.

The list knows identifiers and survives an erasure; the ledger knows the person and when. Both are written in one transaction.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from consent import ledger
from consent.drafts import ConsentDraft
from consent.terms import ANY, MARKETING, EventType
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

METHOD: Final = "suppression_list"
_LIST: Final = Actor(ActorKind.SYSTEM, "suppression_list")
"""Who put somebody there stands in the log entry that the event's key names."""


def hear(subject: SubjectId, entry: UUID, suppressed: bool) -> None:
    """The person is suppressed for marketing, or no longer is, by that entry of the log. Runs in the transaction of the list."""
    ledger.record(
        ConsentDraft(
            subject=subject,
            purpose=MARKETING,
            channel=ANY,
            event_type=EventType.OBJECTED if suppressed else EventType.OBJECTION_LIFTED,
            occurred_at=now(),
            method=METHOD,
            idempotency_key=f"suppression:{entry}:{subject}",
        ),
        actor=_LIST,
    )
