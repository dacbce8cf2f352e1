"""The versions and variants of a notice beside each other: what changed in the words, and who was shown which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final
from uuid import UUID

from django.db.models import Count, Sum

from consent import notices
from consent.models import ConsentEvent, ConsentState, OptInTally
from consent.notice_text import FIELDS, POINTS
from consent.notices import Notice
from consent.terms import EventType, OptInStep, State

_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words on one side: `same`, or `gone` on the left and `new` on the right."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One field of two texts, with the differences marked; `point` is the article that it answers."""

    field: str
    point: str
    left: tuple[Piece, ...]
    right: tuple[Piece, ...]

    @property
    def changed(self) -> bool:
        """Whether the two sides differ."""
        return any(piece.kind != "same" for piece in (*self.left, *self.right))


@dataclass(frozen=True, slots=True)
class Shown:
    """One version and what it was for: how often it was on a page, and how many events and consents in force rest on it."""

    notice: Notice
    served: int
    answered: int
    given: int
    in_force: int


def versions(key: str) -> list[Shown]:
    """Every version of a notice in every language, newest first, with who was shown it. Three grouped queries."""
    every = [one for language in notices.LANGUAGES for one in notices.versions(key, language)]
    ids = [one.id for one in every]
    tallies: dict[tuple[UUID, str], int] = {}
    rows = OptInTally.objects.filter(notice_version_id__in=ids).values_list("notice_version_id", "step")
    for notice, step, times in rows.annotate(times=Sum("count")).order_by():
        tallies[notice, step] = times
    given = _by_notice(ConsentEvent.objects.filter(notice_version_id__in=ids, event_type=EventType.GIVEN))
    in_force = _by_notice(ConsentState.objects.filter(notice_version_id__in=ids, status=State.GIVEN))
    shown = [
        Shown(
            one,
            tallies.get((one.id, OptInStep.SERVED.value), 0),
            tallies.get((one.id, OptInStep.ANSWERED.value), 0),
            given.get(one.id, 0),
            in_force.get(one.id, 0),
        )
        for one in every
    ]
    return sorted(shown, key=lambda one: (one.notice.published_at, one.notice.language), reverse=True)


def compare(left: Notice, right: Notice) -> list[Passage]:
    """Field by field, in the order of the notice: the words of both, marked where they differ. Fields that neither fills are left out."""
    passages = []
    for field in FIELDS:
        old, new = _text(left, field), _text(right, field)
        if old or new:
            passages.append(Passage(field, POINTS[field], *_marked(old, new)))
    return passages


def _text(notice: Notice, field: str) -> str:
    value = getattr(notice.text, field)
    return "\n".join(value) if isinstance(value, tuple) else str(value)


def _marked(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        _add(left, "same" if tag == "equal" else "gone", before[i:j])
        _add(right, "same" if tag == "equal" else "new", after[k:m])
    return tuple(left), tuple(right)


def _add(pieces: list[Piece], kind: str, words: Sequence[str]) -> None:
    if words:
        pieces.append(Piece(kind, "".join(words)))


def _by_notice(rows: object) -> dict[UUID, int]:
    counted = rows.values_list("notice_version_id").annotate(times=Count("id")).order_by()  # type: ignore[attr-defined]
    return dict(counted)
