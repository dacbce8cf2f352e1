"""A person's automated decisions as the pages show them, and their question about one (Art. 15(1)(h), 22(3))."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from audit import decisions, reviews, sealing
from audit.errors import TemplatesMissing, UnknownDecision
from audit.explanations import reasons
from audit.explanations.reasons import Explanation
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId
from governance.privacy_center.decision_words import WORDS

_LISTED = 50
_LONGEST_STATEMENT = 4_000


@dataclass(frozen=True)
class Line:
    """One decision of the list."""

    id: UUID
    decided_at: datetime
    sentence: str


@dataclass(frozen=True)
class Asked:
    """Where the person's question stands; ``reason`` is the reviewer's, in their own words."""

    decided: bool
    due_on: date
    outcome: str
    reason: str


def of_person(subject: SubjectId, language: str) -> list[Line]:
    """The latest decisions about a person."""
    return [
        Line(one.id, one.decided_at, _sentence(one, language)) for one in decisions.of_subject(subject, limit=_LISTED)
    ]


def explained(subject: SubjectId, decision_id: UUID, language: str) -> Explanation | None:
    """One decision in words; None when nobody has written any. Raises ``UnknownDecision``, also for somebody else's."""
    decision = decisions.get(decision_id)
    if decision.subject != subject:
        raise UnknownDecision
    try:
        return reasons.explain_decision(decision, language)
    except TemplatesMissing:
        return None


def asked(decision_id: UUID, language: str) -> Asked | None:
    """The newest question about a decision."""
    known = reviews.of_decision(decision_id)
    if not known:
        return None
    newest = known[-1]
    reason = ""
    if newest.sealed_reason:
        reason = sealing.open_one(newest.subject, sealing.REASON, newest.sealed_reason).decode()
    outcome = WORDS[language][newest.outcome] if newest.outcome else ""
    return Asked(newest.decided_at is not None, newest.due_on, outcome, reason)


def ask(subject: SubjectId, decision_id: UUID, statement: str, language: str) -> reviews.Review:
    """Have a person look at it. Raises ``UnknownDecision``, ``ReviewStateConflict``, ``InvalidInput`` for too long a statement."""
    if len(statement) > _LONGEST_STATEMENT:
        raise InvalidInput(WORDS[language]["too_long"])
    (sealed,) = sealing.seal_many([subject], sealing.STATEMENT, [statement.strip().encode()])
    actor = Actor(ActorKind.SUBJECT, str(subject))
    return reviews.contest(decision_id, subject=subject, sealed_statement=sealed, actor=actor, language=language)


def _sentence(decision: decisions.Decision, language: str) -> str:
    try:
        return reasons.explain_decision(decision, language).sentence
    except TemplatesMissing:
        return WORDS[language]["no_words"]
