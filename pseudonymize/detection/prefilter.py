"""One pass over all texts before any recognizer: which recognizers have a chance in which text.

Every recognizer names ``hints``, expressions of which each of its matches holds one, and most texts hold none. Hyperscan looks
for all hints of all recognizers at once, in many texts joined; where it is not installed, one expression after the other does,
with the same answer. Hints are read on folded texts (see ``folding``), without regard to case, with a line break before and behind.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

from pseudonymize.detection import automata
from pseudonymize.detection.folding import fold
from pseudonymize.detection.patterns import Recognizer

_LONG = (
    400  # characters: a longer text is looked at alone, where each hint is reported once and not at each of its places
)
_JOINED = 4_000_000  # characters of one join
_MOST_REMEMBERED = 10_000  # sets of hints
# Every hint holds one of these; the fallback looks for them before it looks for hints.
_ANYTHING = re.compile(rb"[0-9@]|\.[A-Za-z]|::|(?i:us[nsc])")


class Scanner(Protocol):
    """Looks for many expressions."""

    def scan(self, texts: Sequence[str]) -> dict[int, int]:
        """For each text with any of the expressions, by its place: which of them, as bits."""


class Prefilter:
    """Tells for each text which of the recognizers can find anything in it. For several threads."""

    def __init__(self, recognizers: Sequence[Recognizer], scanner: type[Scanner] | None = None) -> None:
        self._recognizers = tuple(recognizers)
        self._bits = {id(recognizer): 1 << place for place, recognizer in enumerate(recognizers)}
        words = [_words(recognizer) for recognizer in recognizers]
        self._scanner: Any = (scanner or best())([_either(r.hints) for r in recognizers] + words)  # type: ignore[call-arg]
        self._wordless = sum(1 << place for place, expression in enumerate(words) if not expression)
        self._able: dict[int, tuple[Recognizer, ...]] = {}
        self._scanning = threading.Lock()  # a scanner's scratch space is for one thread at a time

    def bits_of(self, recognizers: Sequence[Recognizer]) -> int:
        """Some of the recognizers, as ``able`` takes them."""
        return sum(self._bits[id(recognizer)] for recognizer in recognizers)

    def is_busy(self) -> bool:
        """Whether some thread is scanning."""
        return self._scanning.locked()

    def able(self, texts: Sequence[str], among: int = -1) -> dict[int, tuple[Recognizer, ...]]:
        """By place of the text: the recognizers that can find something in it; texts in which none can are not in the answer.

        ``among``: only these, see ``bits_of``.
        """
        size = len(self._recognizers)
        ours = ((1 << size) - 1) & among
        found = {}
        with self._scanning:
            scanned = self._scanner.scan(texts)
        for place, bits in scanned.items():
            chosen = bits & ours & (bits >> size | self._wordless)
            if chosen:
                found[place] = self._able.get(chosen) or self._remember(chosen)
        return found

    def _remember(self, bits: int) -> tuple[Recognizer, ...]:
        if len(self._able) >= _MOST_REMEMBERED:
            self._able.clear()
        chosen = tuple(recognizer for place, recognizer in enumerate(self._recognizers) if bits >> place & 1)
        self._able[bits] = chosen
        return chosen


def best() -> type[Scanner]:
    """Hyperscan where it is installed, else plain expressions."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return PlainScanner
    return HyperScanner


class HyperScanner:
    """All expressions in one automaton."""

    def __init__(self, expressions: Sequence[str]) -> None:
        import hyperscan

        ids = [place for place, expression in enumerate(expressions) if expression]
        sources = [expressions[place].encode("ascii") for place in ids]
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL
        self._everywhere = automata.compiled(sources, ids, flags)
        self._for_once = automata.compiled(sources, ids, flags | hyperscan.HS_FLAG_SINGLEMATCH)

    def scan(self, texts: Sequence[str]) -> dict[int, int]:
        """See Scanner."""
        found: dict[int, int] = {}
        sizes = list(map(len, texts))
        if max(sizes, default=0) > _LONG:
            short = [place for place, size in enumerate(sizes) if size <= _LONG]
            for place, size in enumerate(sizes):
                if size > _LONG and (bits := self._alone(texts[place])):
                    found[place] = bits
            for place, bits in self._joined([texts[place] for place in short]).items():
                found[short[place]] = bits
            return found
        return self._joined(texts)

    def _alone(self, text: str) -> int:
        seen: list[int] = []
        self._for_once.scan(b"\n%b\n" % fold(text), match_event_handler=lambda id_, *_: seen.append(id_))
        return sum(1 << place for place in set(seen))

    def _joined(self, texts: Sequence[str]) -> dict[int, int]:
        found: dict[int, int] = {}
        for first, part in _parts(texts):
            matches: list[tuple[int, int]] = []
            # A line break before and behind each text: words begin and end there, and a match that runs over it can only be one
            # too many.
            self._everywhere.scan(fold("\n" + "\n".join(part) + "\n"), match_event_handler=_note, context=matches)
            if matches:
                ends = list(accumulate(len(text) + 1 for text in part))
                for end, id_ in matches:
                    place = first + bisect_left(ends, end - 1)
                    found[place] = found.get(place, 0) | 1 << id_
        return found


def _note(id_: int, start: int, end: int, flags: int, matches: list[tuple[int, int]]) -> None:
    del start, flags
    matches.append((end, id_))


class PlainScanner:
    """One expression after the other."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._expressions = [
            (1 << place, re.compile(expression.encode("ascii"), re.IGNORECASE | re.DOTALL))
            for place, expression in enumerate(expressions)
            if expression
        ]

    def scan(self, texts: Sequence[str]) -> dict[int, int]:
        """See Scanner."""
        found = {}
        for place, text in enumerate(texts):
            folded = b"\n%b\n" % fold(text)
            if _ANYTHING.search(folded) is not None:
                bits = sum(bit for bit, expression in self._expressions if expression.search(folded) is not None)
                if bits:
                    found[place] = bits
        return found


def _either(hints: Sequence[str]) -> str:
    return "|".join(f"(?:{hint})" for hint in hints)


def _words(recognizer: Recognizer) -> str:
    """An expression for the words without one of which the recognizer reports nothing; empty when it does without."""
    if not recognizer.words:
        return ""
    return r"[^a-z0-9](?:" + "|".join(re.escape(fold(word).decode()) for word in recognizer.words) + ")"


def _parts(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """(place of the first, texts) for parts of the texts that are joined: few, for all texts here are short."""
    step = _JOINED // _LONG
    return ((first, texts[first : first + step]) for first in range(0, len(texts), step))
