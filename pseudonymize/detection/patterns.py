"""Pattern recognizers: a regular expression, a check, and words near it that say what it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag, auto
from typing import Any, Protocol

import regex  # type: ignore[import-untyped]

from pseudonymize.detection.kinds import Finding, Kind, OutOfTime

CONTEXT_BEFORE = 60  # characters in which a word counts as near
CONTEXT_AFTER = 20
CONTEXT_GAIN = 0.35  # as in Presidio's enhancer, and what it lifts is worth at least 0.4
CONTEXT_LEAST = 0.4
CHECKED = 1.0


class Needs(IntFlag):
    """What a text must hold for a recognizer to have any chance. Found in one pass by ``prefilter.holds``."""

    NOTHING = 0
    DIGIT = auto()
    SEVEN_DIGITS = auto()  # in one run, with at most three other characters between two of them
    AT = auto()
    DOT = auto()  # between two word characters
    HEX = auto()  # a separator between hexadecimal pairs, or a double colon
    CAPITAL = auto()  # an upper-case letter, or one of a script without case


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
    def needs(self) -> Needs:
        """It has a chance in texts that hold any of these."""

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """Findings in any order, overlapping or not. Raises OutOfTime."""


def matches(pattern: Any, text: str, budget: Budget) -> Iterator[Any]:
    """Matches of a compiled ``regex`` pattern within the budget. Raises OutOfTime."""
    try:
        yield from pattern.finditer(text, timeout=budget.left())
    except TimeoutError:
        raise OutOfTime from None


def bare(text: str) -> str:
    """Upper case without blanks, dots, hyphens and slashes: what check digits are computed over."""
    return "".join(character for character in text if character.isalnum()).upper()


@dataclass(frozen=True)
class Pattern:
    """A recognizer for one kind.

    ``score``: of a bare match; below 0.4 it is not reported unless a ``context`` word stands near. ``check``: of the bare
    characters; a match that fails is dropped, one that passes scores ``checked``.
    """

    kind: Kind
    expression: Any
    score: float
    needs: Needs = Needs.DIGIT
    check: Callable[[str], bool] | None = None
    checked: float = CHECKED
    context: Any = None  # a compiled expression of words, see ``words_near``
    hint: Any = None  # a cheap compiled expression: without a match of it, there is none of ``expression``
    group: int | str = 0

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        if self.hint is not None and self.hint.search(text) is None:
            return
        if hopeless(self.score if self.check is None else self.checked, text, self.context):
            return
        for match in matches(self.expression, text, budget):
            score = self.score
            if self.check is not None:
                if not self.check(bare(match[self.group])):
                    continue
                score = self.checked
            start, end = match.span(self.group)
            yield Finding(self.kind, start, end, with_context(score, text, start, end, self.context))


def expression(pattern: str, *, any_case: bool = False) -> Any:
    """Compile a verbose pattern (blanks in it mean nothing)."""
    return regex.compile(pattern, regex.VERBOSE | (regex.IGNORECASE if any_case else 0))


def as_written(pattern: str, flags: int = 0) -> Any:
    """Compile a pattern of somebody else's, with their flags."""
    return regex.compile(pattern, flags)


def words_near(words: Sequence[str]) -> Any:
    """An expression for context words; each may go on (invoice, invoices), which covers most inflection."""
    return regex.compile(r"(?<![^\W_])(?:" + "|".join(regex.escape(word.lower()) for word in words) + ")")


def hopeless(score: float, text: str, context: Any) -> bool:
    """Whether a score needs a context word to be reported and the text has none. No finding below CONTEXT_LEAST is reported."""
    return score < CONTEXT_LEAST and context is not None and context.search(text.lower()) is None


def with_context(score: float, text: str, start: int, end: int, context: Any) -> float:
    """The score, lifted when a context word stands near the finding."""
    if context is None:
        return score
    before = text[max(0, start - CONTEXT_BEFORE) : start].lower()
    if context.search(before) or context.search(text[end : end + CONTEXT_AFTER].lower()):
        return min(1.0, max(score + CONTEXT_GAIN, CONTEXT_LEAST))
    return score
