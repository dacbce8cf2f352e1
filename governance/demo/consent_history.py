"""Last year's consents, replayed through the ledger: given, confirmed, refused, withdrawn, expired. The same households answer the same
way at every run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from consent import ledger
from consent.drafts import ConsentDraft
from consent.terms import Channel, EventType, NoticeVersionId
from governance.demo.setting import OFFERS, TRAINING
from governance.kernel import clock
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.kernel.progress import Progress, no_progress

_REPLAY = Actor(ActorKind.SYSTEM, "demo-replay")
_ASKED = ((OFFERS, Channel.EMAIL), (OFFERS, Channel.PROFILING), (TRAINING, Channel.TRAINING))
# How the households answered, and what became of it. The first two numbers are of all, the others of those who had agreed.
_REFUSED, _NEVER_CONFIRMED, _WITHDRAWN, _EXPIRED = 0.12, 0.03, 0.08, 0.05
_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class _Answer:
    refused: bool
    confirmed: bool
    withdrawn: bool
    expired: bool
    asked_at: datetime


def replay(
    people: Sequence[tuple[int, SubjectId, str]],
    notices: Mapping[str, NoticeVersionId],
    *,
    progress: Progress = no_progress,
) -> Counter[str]:
    """Record the history of (household, subject, language) rows; returns how many events of each type went into the ledger."""
    now = clock.now()
    answers = {household: _answer(household, now) for household, _, _ in people}
    # What must know an earlier event (a confirmation, a withdrawal) goes into a later batch.
    phases = [list(_drafts(people, answers, notices, phase)) for phase in (_asked, _confirmed, _withdrawn)]
    total, done = sum(map(len, phases)), 0
    counted: Counter[str] = Counter()
    for phase in phases:
        for start in range(0, len(phase), _AT_A_TIME):
            batch = phase[start : start + _AT_A_TIME]
            ledger.record(batch, actor=_REPLAY)
            counted.update(str(draft.event_type) for draft in batch)
            done += len(batch)
            progress(done, total)
    return counted


def _answer(household: int, now: datetime) -> _Answer:
    chance = random.Random(f"consent {household}")  # noqa: S311 - repeatable on purpose
    refused, confirmed = chance.random() < _REFUSED, chance.random() >= _NEVER_CONFIRMED
    withdrawn, expired = chance.random() < _WITHDRAWN, chance.random() < _EXPIRED
    return _Answer(
        refused, confirmed, withdrawn, expired and not withdrawn, now - timedelta(days=chance.uniform(60, 360))
    )


_Phase: TypeAlias = "Callable[[_Answer, bool], Iterator[tuple[EventType, timedelta]]]"


def _asked(answer: _Answer, double_opt_in: bool) -> Iterator[tuple[EventType, timedelta]]:
    yield EventType.REFUSED if answer.refused else EventType.GIVEN, timedelta()


def _confirmed(answer: _Answer, double_opt_in: bool) -> Iterator[tuple[EventType, timedelta]]:
    if double_opt_in and answer.confirmed and not answer.refused:
        yield EventType.CONFIRMED, timedelta(minutes=7)


def _withdrawn(answer: _Answer, double_opt_in: bool) -> Iterator[tuple[EventType, timedelta]]:
    if answer.withdrawn and not answer.refused:
        yield EventType.WITHDRAWN, timedelta(days=30)


def _drafts(
    people: Sequence[tuple[int, SubjectId, str]],
    answers: Mapping[int, _Answer],
    notices: Mapping[str, NoticeVersionId],
    phase: _Phase,
) -> Iterator[ConsentDraft]:
    # By purpose and channel, then by person: a person's events of one phase are then far apart in the batches.
    for purpose, channel in _ASKED:
        for household, subject, language in people:
            answer = answers[household]
            for event_type, later in phase(answer, purpose == OFFERS):
                at = answer.asked_at + later
                yield ConsentDraft(
                    subject=subject,
                    purpose=purpose,
                    channel=channel,
                    event_type=event_type,
                    occurred_at=at,
                    method="web_form",
                    idempotency_key=f"demo:{household}:{purpose}:{channel}:{event_type}",
                    notice_version_id=notices[language],
                    # An expired consent is one that was given for thirty days only.
                    valid_until=at + timedelta(days=30) if answer.expired else None,
                    jurisdiction="PL" if language == "pl" else "US",
                )
