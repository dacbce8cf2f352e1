"""A no while the database is away: kept in the spool, and applied before anything is sent again (Art. 7(3), 21)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from consent import ledger, spool
from consent.ledger import ConsentDraft
from consent.spool import Waiting
from consent.terms import ANY, EventType
from governance import purposes
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.privacy_center.choices import METHOD
from governance.purposes import LegalBasis

KIND = "privacy_center"
_FIELD = re.compile(r"[a-z][a-z0-9_.-]{1,63}\|[a-z_]{1,16}")


def keep_refusals(subject: SubjectId, answers: Mapping[str, str], *, everything: bool) -> bool:
    """While the database is away: keep every no, to be applied when it is back; a yes cannot be taken now.

    Returns whether a yes was among the answers. Raises SpoolFull.
    """
    chosen = {field: answer for field, answer in answers.items() if _FIELD.fullmatch(field)}
    noes = [ANY] if everything else [field for field, answer in chosen.items() if answer == "no"]
    for field in noes:
        purpose, _, channel = field.partition("|")
        spool.accept(KIND, {"subject": str(subject), "purpose": purpose, "channel": channel or ANY})
    return not everything and "yes" in chosen.values()


@spool.applies(KIND)
def apply_kept(waiting: Waiting) -> None:
    """A no of the time when the database was away: a withdrawal, or an objection to what does not rest on consent."""
    said = waiting.content
    subject = SubjectId(UUID(said["subject"]))
    by_consent = said["purpose"] == ANY or purposes.current(said["purpose"]).legal_basis is LegalBasis.CONSENT
    ledger.record(
        ConsentDraft(
            subject=subject,
            purpose=said["purpose"],
            channel=said["channel"],
            event_type=EventType.WITHDRAWN if by_consent else EventType.OBJECTED,
            occurred_at=waiting.accepted_at,
            method=METHOD,
            idempotency_key=f"{KIND}:{waiting.id}",
        ),
        actor=Actor(ActorKind.SUBJECT, str(subject)),
    )
