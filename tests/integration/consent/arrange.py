"""What tests of consent start from, made by the verbs: purposes, a notice, people who answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from consent import ledger, notices
from consent.ledger import ConsentDraft, Recorded
from consent.terms import Channel, EventType, NoticeVersionId
from governance import purposes
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

STAFF = Actor(ActorKind.STAFF, "018f0000-0000-7000-8000-00000000da7a")
FILE = Actor(ActorKind.IMPORT, "crm-export")


def purpose(key: str = "newsletter", **changes: Any) -> purposes.PurposeVersion:
    """A purpose on consent, over e-mail and text message unless changed."""
    content: dict[str, Any] = {
        "title_en": key.title(), "title_pl": key.title(), "description_en": "Offers.", "description_pl": "Oferty.",
        "legal_basis": "consent", "channels": ["email", "sms"],
    }  # fmt: skip
    return purposes.define(key, **(content | changes))


def notice(*covering: str, key: str = "marketing", language: str = "en", **changes: Any) -> NoticeVersionId:
    """A complete notice for these purposes (newsletter unless named)."""
    content: dict[str, Any] = {
        "title": "How we use your data", "body": "We would like to send you offers.", "recipients": ["our mail provider"],
        "retention": "Until you withdraw.", "rights": "Access, rectification, erasure, restriction, portability, objection.",
        "withdrawal": "One click in every message.", "complaint": "You may complain to the supervisory authority.",
        "legitimate_interests": "Keeping our service safe.", "obligation": "You need not give us anything.",
        "automated_decisions": "None.",
    }  # fmt: skip
    return notices.publish(key, language, purposes=list(covering) or ["newsletter"], **(content | changes))


def people(count: int) -> list[SubjectId]:
    """Opaque ids of people; the ledger needs nothing else of them."""
    return [SubjectId(one) for one in uuid7_many(count)]


def person() -> SubjectId:
    return people(1)[0]


def draft(subject: SubjectId, event_type: EventType | str, **changes: Any) -> ConsentDraft:
    """An event of now about the newsletter by e-mail, unless changed."""
    content: dict[str, Any] = {
        "purpose": "newsletter", "channel": Channel.EMAIL, "occurred_at": now(), "method": "web_form", "idempotency_key": str(uuid7()),
    }  # fmt: skip
    return ConsentDraft(subject=subject, event_type=event_type, **(content | changes))


def give(
    subject: SubjectId, shown: UUID, *, actor: Actor = STAFF, occurred_at: datetime | None = None, **changes: Any
) -> Recorded:
    """The person consented, as somebody of the staff noted."""
    at = occurred_at or now()
    return ledger.record(
        draft(subject, EventType.GIVEN, notice_version_id=shown, occurred_at=at, **changes), actor=actor
    )[0]


def withdraw(subject: SubjectId, **changes: Any) -> Recorded:
    """The person withdrew."""
    return ledger.record(draft(subject, EventType.WITHDRAWN, **changes), actor=Actor(ActorKind.SUBJECT, str(subject)))[
        0
    ]
