"""A person looks at an automated decision: contest, assign, decide (Art. 22(3) GDPR). Each step is an entry of the log.

What the subject says and why the reviewer decided as they did arrive as ciphertext, sealed by the caller under the subject's key; this
package never sees either in plain text.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from audit import log, models
from audit.errors import NotAPerson, ReviewerTookPart, ReviewStateConflict, UnknownDecision, UnknownReview
from governance.kernel import clock
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.canonical import sha256_hex
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId, uuid7

State = models.Review.State
Outcome = models.Review.Outcome
_NOTHING = "none"
_ACTION = re.compile(r"[^\s@]{1,200}")
_GROUND = re.compile(r"[a-z][a-z0-9_]{1,60}")


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands. ``ground`` is a code such as ``data_was_wrong``; the reason in words is sealed. ``new_action`` is what takes
    the place of the decision: ``none`` when it was reversed, another action when it was changed, empty when it stands."""

    id: UUID
    decision_id: UUID
    subject: SubjectId
    state: str
    assignee: str
    outcome: str
    ground: str
    opened_at: datetime
    due_on: date
    decided_at: datetime | None
    new_action: str = ""
    language: str = "en"
    answered_at: datetime | None = None
    sealed_statement: bytes = field(default=b"", repr=False)
    sealed_reason: bytes = field(default=b"", repr=False)


_followers: list[Callable[[Review], None]] = []


def follow(follower: Callable[[Review], None]) -> None:
    """Be told of each outcome, in its transaction: that is how a reversal reaches the engine. From ``AppConfig.ready()``."""
    if follower not in _followers:
        _followers.append(follower)


def contest(
    decision_id: UUID, *, subject: SubjectId, sealed_statement: bytes, actor: Actor, language: str = "en"
) -> Review:
    """The subject contests a decision; due within a month (Art. 12(3)).

    Raises ``UnknownDecision`` when it is not about this subject, ``ReviewStateConflict`` when a review of it is open already.
    """
    with transaction.atomic():
        decision = models.Decision.objects.select_for_update().filter(pk=decision_id, subject_id=subject).first()
        if decision is None:
            raise UnknownDecision
        if models.Review.objects.filter(decision_id=decision_id).exclude(state=State.DECIDED).exists():
            raise ReviewStateConflict("A review of this decision is open already.")
        row = models.Review.objects.create(
            id=uuid7(),
            decision_id=decision_id,
            subject_id=subject,
            state=State.OPEN,
            sealed_statement=sealed_statement,
            language=language,
            opened_at=clock.now(),
            due_on=month_after(clock.today()),
        )
        _record("decision.contested", row, actor)
        return _shown(row)


def assign(review_id: UUID, *, assignee: Actor, actor: Actor) -> Review:
    """Give the review to a member of staff. Raises ``NotAPerson``, ``ReviewerTookPart`` for who had the decision made, ``UnknownReview``,
    ``ReviewStateConflict`` when it is decided."""
    with transaction.atomic():
        row = _locked(review_id)
        if assignee.kind is not ActorKind.STAFF:
            raise NotAPerson
        if row.state == State.DECIDED:
            raise ReviewStateConflict("The review is decided.")
        if str(assignee) == _maker_of(row.decision_id):
            raise ReviewerTookPart
        row.state, row.assignee = State.ASSIGNED, str(assignee)
        row.save(update_fields=["state", "assignee"])
        _record("decision.review_assigned", row, actor, assignee=str(assignee))
        return _shown(row)


def decide(
    review_id: UUID, *, outcome: str, ground: str, sealed_reason: bytes, actor: Actor, new_action: str = ""
) -> Review:
    """The assigned member of staff decides, with a reason; ``new_action`` is what a changed decision becomes. Followers put it into effect
    in the same transaction, or refuse, and then nothing is decided.

    Raises ``NotAPerson``, ``UnknownReview``, ``ReviewStateConflict`` for anybody but the assignee, ``InvalidInput``, and what a follower
    raises.
    """
    with transaction.atomic():
        row = _locked(review_id)
        if actor.kind is not ActorKind.STAFF:
            raise NotAPerson
        if row.state != State.ASSIGNED or row.assignee != str(actor):
            raise ReviewStateConflict("The review is not assigned to you, or is decided.")
        if outcome not in Outcome.values or not _GROUND.fullmatch(ground) or not sealed_reason:
            raise InvalidInput("A review ends with an outcome, a ground and a reason.")
        row.new_action = becomes(in_effect(row.decision_id), outcome, new_action)
        row.state, row.outcome, row.ground = State.DECIDED, outcome, ground
        row.sealed_reason, row.decided_at = sealed_reason, clock.now()
        row.save(update_fields=["state", "outcome", "ground", "sealed_reason", "decided_at", "new_action"])
        facts = {"outcome": outcome, "ground": ground, "reason_sha256": sha256_hex(sealed_reason)}
        _record("decision.reviewed", row, actor, **facts, **({"new_action": row.new_action} if row.new_action else {}))
        review = _shown(row)
        for follower in _followers:
            follower(review)
        return review


def in_effect(decision_id: UUID) -> str:
    """The action that stands now: what the latest review made of the decision, or else what was chosen. Raises ``UnknownDecision``."""
    changed = models.Review.objects.filter(decision_id=decision_id, state=State.DECIDED).exclude(new_action="")
    latest = changed.order_by("-decided_at", "-id").values_list("new_action", flat=True).first()
    chosen = models.Decision.objects.values_list("chosen", flat=True).filter(pk=decision_id).first()
    if chosen is None:
        raise UnknownDecision
    return latest or chosen


def becomes(chosen: str, outcome: str, new_action: str) -> str:
    """What a decision that stands at ``chosen`` becomes by an outcome; empty when it stays. Pure. Raises ``InvalidInput`` for an outcome
    that changes nothing."""
    if outcome == Outcome.UPHELD:
        if new_action:
            raise InvalidInput("A decision that stands has no other action.")
        return ""
    if outcome == Outcome.REVERSED:
        if new_action not in {"", _NOTHING} or chosen == _NOTHING:
            raise InvalidInput("To reverse is to do nothing instead; where nothing was done, change the decision.")
        return _NOTHING
    if new_action in {"", chosen} or not _ACTION.fullmatch(new_action):
        raise InvalidInput("Say what the decision is changed to.")
    return new_action


def told(review_id: UUID) -> bool:
    """The person has been told the outcome; returns whether this is news. Raises ``UnknownReview``, ``ReviewStateConflict``."""
    with transaction.atomic():
        row = _locked(review_id)
        if row.state != State.DECIDED:
            raise ReviewStateConflict("There is nothing to tell yet.")
        if row.answered_at is not None:
            return False
        row.answered_at = clock.now()
        row.save(update_fields=["answered_at"])
        _record("decision.review_answered", row, SYSTEM)
        return True


def waiting(limit: int = 10) -> list[Review]:
    """Reviews that wait for a person, the most urgent first."""
    rows = models.Review.objects.exclude(state=State.DECIDED).order_by("due_on", "id")
    return [_shown(row) for row in rows[:limit]]


def get(review_id: UUID) -> Review:
    """Raises ``UnknownReview``."""
    row = models.Review.objects.filter(pk=review_id).first()
    if row is None:
        raise UnknownReview
    return _shown(row)


def of_decision(decision_id: UUID) -> list[Review]:
    """All reviews of a decision, oldest first."""
    return [_shown(row) for row in models.Review.objects.filter(decision_id=decision_id).order_by("id")]


def month_after(day: date) -> date:
    """The same day of the next month, or its last day when there is none (Regulation 1182/71, Art. 3(2)(c))."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _maker_of(decision_id: UUID) -> str:
    """Who had the decision made, as the log knows them; empty when it is gone."""
    entry = models.Decision.objects.filter(pk=decision_id).values("batch__entry_id")
    return models.Entry.objects.filter(pk__in=entry).values_list("actor", flat=True).first() or ""


def _locked(review_id: UUID) -> models.Review:
    row = models.Review.objects.select_for_update().filter(pk=review_id).first()
    if row is None:
        raise UnknownReview
    return row


def _record(action: str, row: models.Review, actor: Actor, **facts: str) -> None:
    log.emit(
        action,
        actor=actor,
        object=f"decision:{row.decision_id}",
        subject=SubjectId(row.subject_id),
        facts={"review": str(row.id), **facts},
    )


def _shown(row: models.Review) -> Review:
    return Review(
        id=row.id,
        decision_id=row.decision_id,
        subject=SubjectId(row.subject_id),
        state=row.state,
        assignee=row.assignee,
        outcome=row.outcome,
        ground=row.ground,
        opened_at=row.opened_at,
        due_on=row.due_on,
        decided_at=row.decided_at,
        new_action=row.new_action,
        language=row.language,
        answered_at=row.answered_at,
        sealed_statement=bytes(row.sealed_statement),
        sealed_reason=bytes(row.sealed_reason),
    )
