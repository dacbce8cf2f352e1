"""The grounds that another system names for its decisions, judged by whoever keeps them; they lie above this package and come to us when
the apps are ready.

An id that nobody here knows is recorded as it was sent: the other system may have a ledger of its own, and the officer's page says that
ours has no such event. An id that contradicts what we know is a false record, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.kernel.ids import SubjectId


@dataclass(frozen=True, slots=True)
class Cited:
    """What decisions for one purpose rest on, aligned columns. ``acted`` says whether something was done, or the result was nothing."""

    purpose: str
    subjects: Sequence[SubjectId]
    verdicts: Sequence[UUID | None]
    consent_events: Sequence[UUID | None]
    acted: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A decision, by its place, whose ground says something else than the decision does. ``field`` is ``verdict`` or ``consent_event``."""

    place: int
    field: str
    detail: str


Judge = Callable[[Cited], Sequence[Contradiction]]
_judges: list[Judge] = []


def judge_with(judge: Judge) -> None:
    """Have somebody who keeps grounds look at those that are cited; from ``AppConfig.ready()``."""
    if judge not in _judges:
        _judges.append(judge)


def contradictions(cited: Cited) -> list[Contradiction]:
    """What everybody found, in the order of the decisions."""
    return sorted((found for judge in _judges for found in judge(cited)), key=lambda one: (one.place, one.field))
