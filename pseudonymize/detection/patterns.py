"""Pattern recognizers: a regular expression, a check, and words near it that say what it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import regex  # type: ignore[import-untyped]

from pseudonymize.detection.kinds import Finding, Kind, OutOfTime

CONTEXT_BEFORE = 60  # characters in which a word counts as near
CONTEXT_AFTER = 20
DENIED_BEFORE = 32
CONTEXT_GAIN = 0.35  # as in Presidio's enhancer, and what it lifts is worth at least 0.4
CONTEXT_LEAST = 0.4
DENIED = 0.3  # what a number is worth that the word before it calls something else
CHECKED = 1.0
CHECKED_AND_SAID = 0.95  # check digits that a number may have by chance, and a word near it


@dataclass(slots=True)
class Budget:
    """How many seconds of processor time one text may take, over all its windows; a busy machine spends none of it.

    A spent budget raises OutOfTime: slow does not mean clean.
    """

    seconds: float
    _until: float = 0.0

    def start(self) -> None:
        """Go on counting."""
        self._until = time.thread_time() + self.seconds

    def pause(self) -> None:
        """Stop counting: what is done next is for another text."""
        self.seconds = self._until - time.thread_time()

    def left(self) -> float:
        """Seconds left, above zero; raises OutOfTime."""
        left = self._until - time.thread_time()
        if left <= 0:
            raise OutOfTime
        return left


class Recognizer(Protocol):
    """Finds one or more kinds in a text."""

    @property
    def hints(self) -> Sequence[str]:
        """Expressions over folded text, in any case (see ``prefilter``): each match of the recognizer holds a match of one."""

    @property
    def words(self) -> Sequence[str]:
        """Lower-case words without one of which, at a word's begin, nothing is reported; empty: it reports without."""

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """Findings in any order, overlapping or not. Raises OutOfTime."""


def matches(pattern: Any, text: str, budget: Budget) -> Iterator[Any]:
    """Matches of a compiled ``regex`` pattern within the budget. Raises OutOfTime."""
    try:
        yield from pattern.finditer(text, timeout=budget.left())
    except TimeoutError:
        raise OutOfTime from None


def bare(text: str) -> str:
    """Upper case, digits of every script as 0-9, without blanks, dots, hyphens and slashes: what check digits are computed over."""
    kept = "".join(character for character in text if character.isalnum()).upper()
    return kept if kept.isascii() else "".join(str(int(c)) if c.isdecimal() else c for c in kept)


@dataclass(frozen=True)
class Context:
    """Words that, near a finding, say what it is. Each may go on (invoice, invoices), which covers most inflection.

    ``against``: words that say that it is something else, when they stand nearer before it (an order number after a phone's).
    ``denials``: words that say so when they stand right before it, whatever stands elsewhere (see ``denied``).
    """

    words: tuple[str, ...]
    expression: Any
    against: Any = None
    denials: Any = None

    @classmethod
    def of(cls, words: Sequence[str], against: Sequence[str] = (), *, whole: bool = False) -> Context:
        """From words in any case. ``whole``: they do not go on."""
        lower = tuple(dict.fromkeys(word.lower() for word in words))
        against = [word.lower() for word in against]
        return cls(lower, _begins(lower, whole=whole), _begins(against) if against else None)

    def is_near(self, text: str, start: int, end: int) -> bool:
        """Whether a word stands within CONTEXT_BEFORE before or CONTEXT_AFTER behind ``text[start:end]``."""
        before = text[max(0, start - CONTEXT_BEFORE) : start].lower()
        last = _last(self.expression, before)
        if self.against is not None and _last(self.against, before) > last:
            return False
        return last >= 0 or self.expression.search(text[end : end + CONTEXT_AFTER].lower()) is not None

    def is_denied(self, text: str, start: int) -> bool:
        """Whether a word that says that it is something else stands right before it, but for a sign or two."""
        return (
            self.denials is not None
            and self.denials.search(text[max(0, start - DENIED_BEFORE) : start].lower()) is not None
        )


def _begins(words: Sequence[str], *, whole: bool = False) -> Any:
    end = r"(?![^\W_])" if whole else ""
    return regex.compile(r"(?<![^\W_])(?:" + "|".join(map(regex.escape, words)) + ")" + end)


def _last(pattern: Any, text: str) -> int:
    """Where the last match begins; -1: there is none."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


@dataclass(frozen=True)
class Pattern:
    """A recognizer for one kind.

    ``score``: of a bare match; below 0.4 it is not reported unless a ``context`` word stands near. ``check``: of the bare
    characters; a match that fails is dropped, one that passes scores ``checked``. ``group``: the part of the match that is
    the finding. ``hints``: see Recognizer.
    """

    kind: Kind
    expression: Any
    score: float
    hints: Sequence[str]
    check: Callable[[str], bool] | None = None
    checked: float = CHECKED
    context: Context | None = None
    group: int | str = 0

    @property
    def words(self) -> Sequence[str]:
        """See Recognizer."""
        most = self.score if self.check is None else self.checked
        return self.context.words if self.context is not None and most < CONTEXT_LEAST else ()

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        for match in matches(self.expression, text, budget):
            score = self.score
            if self.check is not None:
                if not self.check(bare(match[self.group])):
                    continue
                score = self.checked
            start, end = match.span(self.group)
            if self.context is not None and self.context.is_denied(text, start):
                if self.check is None:
                    continue
                score = min(score, DENIED)
            lifted = with_context(score, text, start, end, self.context)
            if self.check is not None and lifted > score:
                lifted = max(lifted, CHECKED_AND_SAID)
            yield Finding(self.kind, start, end, lifted)


def expression(pattern: str, *, any_case: bool = False) -> Any:
    """Compile a verbose pattern (blanks in it mean nothing)."""
    return regex.compile(pattern, regex.VERBOSE | (regex.IGNORECASE if any_case else 0))


def as_written(pattern: str, flags: int = 0) -> Any:
    """Compile a pattern of somebody else's, with their flags."""
    return regex.compile(pattern, flags)


def words_near(words: Sequence[str], against: Sequence[str] = (), denials: Sequence[str] = ()) -> Context:
    """The context of these words."""
    context = Context.of(words, against)
    return replace(context, denials=denied(denials)) if denials else context


def denied(words: Sequence[str]) -> Any:
    """An expression for words (any may go on) right before a number, with what people put between: ``seryjny nr: ``."""
    return regex.compile(rf"(?:{_begins(words).pattern})\p{{L}}*(?:[\s:.,#№\-–]|nr|numer|number|no\b|id\b){{0,6}}$")


def with_context(score: float, text: str, start: int, end: int, context: Context | None) -> float:
    """The score, lifted when a context word stands near the finding. No finding below CONTEXT_LEAST is reported."""
    if context is not None and score < CHECKED and context.is_near(text, start, end):
        return min(CHECKED, max(score + CONTEXT_GAIN, CONTEXT_LEAST))
    return score
