"""Find and redact personal data in texts: prefilter, patterns, names, and one kind per character at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import Protocol

from pseudonymize.detection import english, german, polish, presidio, russian
from pseudonymize.detection.kinds import Finding, Kind, LanguageNotSupported, OutOfTime
from pseudonymize.detection.overlaps import resolved
from pseudonymize.detection.patterns import Budget, Recognizer
from pseudonymize.detection.prefilter import Prefilter

LANGUAGES = ("en", "pl", "de", "ru")
LEAST_SCORE = 0.4
MOST_CHARACTERS = 1_000_000  # of one text; a longer one is quarantined
WINDOW = 2_000  # characters looked at at a time: what is quadratic in them stays small
OVERLAP = 200  # of two windows, so that nothing is cut in half
SECONDS = 5.0  # of processor time: a text's budget for each 100,000 characters begun
NAMES_TIMES = 4  # as much again for the language model and the rules about names, which read every word of a long text
_AT_A_TIME = 8  # windows of a long text between two looks at the clock

_EVERYTHING = (
    "Mr. Nobody, 1 Main Street, nobody@example.org, https://example.org, +48 601 000 100, 203.0.113.7, 2026-01-01"
)
_detectors: dict[str, Detector] = {}
_loading = threading.Lock()


def languages() -> tuple[str, ...]:
    """The languages in which texts can be searched."""
    return LANGUAGES


def find(
    texts: Sequence[str],
    language: str = "en",
    *,
    names: bool = True,
    least_score: float = LEAST_SCORE,
    seconds: float = SECONDS,
) -> list[list[Finding]]:
    """Personal data in each text, by place and without overlap; aligned with ``texts``.

    ``language``: one of LANGUAGES, else LanguageNotSupported. ``names``: whether to look for persons, places and groups too, which
    takes most of the time. ``least_score``: LEAST_SCORE or more. A text that is too long or takes longer than ``seconds`` has one
    finding, QUARANTINED, over the whole of it: what was not examined does not pass. No network, ever.
    """
    detector = detector_of(language)
    distinct = list(dict.fromkeys(texts))
    found = detector.find(distinct, names=names, least_score=least_score, seconds=seconds)
    if len(distinct) == len(texts):
        return found
    by_text = dict(zip(distinct, found, strict=True))
    return [list(by_text[text]) for text in texts]


def redact(
    texts: Sequence[str],
    language: str = "en",
    *,
    kinds: Collection[Kind] = frozenset(Kind),
    least_score: float = LEAST_SCORE,
) -> list[str]:
    """The texts with every finding of ``kinds`` replaced by its kind, ``<PERSON>``; a quarantined text is ``<QUARANTINED>``."""
    return [
        _redacted(text, [finding for finding in findings if finding.kind in kinds or finding.kind is Kind.QUARANTINED])
        for text, findings in zip(texts, find(texts, language, least_score=least_score), strict=True)
    ]


def _redacted(text: str, findings: Sequence[Finding]) -> str:
    parts, done = [], 0
    for finding in findings:
        parts += [text[done : finding.start], f"<{finding.kind}>"]
        done = finding.end
    return "".join([*parts, text[done:]])


def detector_of(language: str) -> Detector:
    """The detector of a language, loaded once per process. Raises LanguageNotSupported."""
    detector = _detectors.get(language)
    if detector is not None:
        return detector
    if language not in LANGUAGES:
        raise LanguageNotSupported(language)
    with _loading:
        if language not in _detectors:
            _detectors[language] = Detector(language)
        return _detectors[language]


def _forget_the_parents_threads() -> None:
    """After a fork, a detector that some thread of the parent was using is in the middle of a text for ever: load all anew."""
    global _loading
    _loading = threading.Lock()
    if any(detector.is_busy() for detector in _detectors.values()) or (
        _prefilter.cache_info().currsize and _prefilter().is_busy()
    ):
        _detectors.clear()
        _prefilter.cache_clear()


os.register_at_fork(after_in_child=_forget_the_parents_threads)


@lru_cache(maxsize=1)
def _prefilter() -> Prefilter:
    """One automaton for the recognizers of all languages: it takes a second to make."""
    return Prefilter(
        list(dict.fromkeys(recognizer for language in LANGUAGES for recognizer in recognizers_of(language)))
    )


class Names(Protocol):
    """Finds persons, and what else needs a language model or lists."""

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The findings of each text, in order. They may overlap."""


def names_of(language: str) -> Names:
    """What finds names in a language; its model or lists load now."""
    if language == "pl":
        from pseudonymize.detection.names_pl import PolishNames

        return PolishNames()
    if language == "de":
        from pseudonymize.detection.names_de import GermanNames

        return GermanNames()
    if language == "ru":
        from pseudonymize.detection.names_ru import RussianNames

        return RussianNames()
    from pseudonymize.detection.names_en import EnglishNames

    return EnglishNames()


def recognizers_of(language: str) -> list[Recognizer]:
    """The pattern recognizers for texts of a language. Identifiers of all countries are looked for in every language."""
    country: dict[str, Sequence[Recognizer]] = {
        "en": (*english.ADDRESSES, *english.PHONES, *polish.PHONES, *polish.ADDRESSES),
        "pl": (*polish.PHONES, *polish.PLATES, *polish.ADDRESSES, english.PHONES[0]),
        "de": (*german.PHONES, *german.PLATES, *german.ADDRESSES, english.PHONES[0]),
        "ru": (*russian.PHONES, *russian.PLATES, *russian.ADDRESSES, english.PHONES[0]),
    }
    return [
        *presidio.recognizers(language),
        *polish.IDENTIFIERS,
        *german.IDENTIFIERS,
        *russian.IDENTIFIERS,
        *english.CARDS,
        *country[language],
    ]


class Detector:
    """Everything that looks at texts of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._prefilter = _prefilter()
        self._recognizers = self._prefilter.bits_of(recognizers_of(language))
        self._names: Names | None = None
        self._busy = threading.Lock()  # a language model is not for two threads at once
        # Suffix lists and phone tables load at their first use: not in the time of somebody's text.
        self.find([_EVERYTHING], names=False, least_score=LEAST_SCORE, seconds=300.0)

    def is_busy(self) -> bool:
        """Whether some thread is finding."""
        return self._busy.locked()

    def find(self, texts: Sequence[str], *, names: bool, least_score: float, seconds: float) -> list[list[Finding]]:
        """See the module's ``find``."""
        with self._busy:
            results: list[list[Finding]] = [[] for _ in texts]
            windows, rows, starts = _windows(texts)
            able = self._prefilter.able(windows, self._recognizers)
            found: dict[int, list[Finding]] = {}
            late: set[int] = {row for row, text in enumerate(texts) if len(text) > MOST_CHARACTERS}
            budgets: dict[int, Budget] = {}
            # What windows say that come again, as they do in texts made to take long
            seen: dict[str, list[Finding]] = {}
            for place, recognizers in able.items():
                row, window = rows[place], windows[place]
                if row not in late:
                    if window not in seen:
                        budget = budgets.setdefault(row, Budget(seconds * (1 + len(texts[row]) // 100_000)))
                        examined = _examine(window, recognizers, budget)
                        if examined is None:
                            late.add(row)
                            continue
                        seen[window] = examined
                    found[place] = seen[window]
            if names:
                for place, persons in self._persons(windows, rows, texts, late, seconds):
                    found[place] = persons + found.get(place, [])
            for place, findings in found.items():
                results[rows[place]] += _moved(findings, starts[place])
        for row in {rows[place] for place in found}:
            results[row] = resolved((f for f in results[row] if f.score >= least_score), texts[row])
        for row in late:
            results[row] = [Finding(Kind.QUARANTINED, 0, len(texts[row]), 1.0)]
        return results

    def _persons(
        self, windows: Sequence[str], rows: Sequence[int], texts: Sequence[str], late: set[int], seconds: float
    ) -> Iterator[tuple[int, list[Finding]]]:
        """(window, what the model and the rules about names find in it). A long text has a time for it too; then it is late."""
        short = [place for place, row in enumerate(rows) if len(texts[row]) <= WINDOW]
        some = [windows[place] for place in short] if len(short) < len(windows) else windows
        for place, persons in zip(short, self._all_names().find(some), strict=True):
            if persons:
                yield place, persons
        for row, places in groupby(
            (place for place in range(len(windows)) if len(texts[rows[place]]) > WINDOW), rows.__getitem__
        ):
            budget = Budget(NAMES_TIMES * seconds * (1 + len(texts[row]) // 100_000))
            seen: dict[str, list[Finding]] = {}
            while part := list(islice(places, _AT_A_TIME)):
                budget.start()
                try:
                    budget.left()
                    if row in late:
                        break
                    fresh = [window for window in dict.fromkeys(windows[place] for place in part) if window not in seen]
                    seen.update(zip(fresh, self._all_names().find(fresh), strict=True))
                    yield from ((place, seen[windows[place]]) for place in part)
                except OutOfTime:
                    late.add(row)
                    break
                finally:
                    budget.pause()

    def _all_names(self) -> Names:
        if self._names is None:
            self._names = names_of(self._language)
        return self._names


def _examine(text: str, recognizers: Sequence[Recognizer], budget: Budget) -> list[Finding] | None:
    """The findings of one window, or None when the text's time ran out."""
    budget.start()
    findings: list[Finding] = []
    try:
        for recognizer in recognizers:
            findings += recognizer.find(text, budget)
    except OutOfTime:
        return None
    finally:
        budget.pause()
    return findings


def _windows(texts: Sequence[str]) -> tuple[Sequence[str], Sequence[int], Sequence[int]]:
    """(windows, the text's place of each, where each begins in it): texts themselves where all are short; none of one too long."""
    if max(map(len, texts), default=0) <= WINDOW:
        return texts, range(len(texts)), [0] * len(texts)
    cut = [(part, row, start) for row, text in enumerate(texts) for start, part in _cut(text)]
    return [part for part, _, _ in cut], [row for _, row, _ in cut], [start for _, _, start in cut]


def _cut(text: str) -> list[tuple[int, str]]:
    """(start, part) of a text: itself, or overlapping parts of at most WINDOW characters cut at white space."""
    if len(text) <= WINDOW:
        return [(0, text)]
    if len(text) > MOST_CHARACTERS:
        return []
    parts, start = [], 0
    while True:
        end = start + WINDOW
        if end < len(text):
            blank = max(text.rfind(" ", start + WINDOW // 2, end), text.rfind("\n", start + WINDOW // 2, end))
            end = blank if blank > 0 else end
        parts.append((start, text[start:end]))
        if end >= len(text):
            return parts
        start = end - OVERLAP


def _moved(findings: list[Finding], start: int) -> list[Finding]:
    if not start:
        return findings
    return [Finding(found.kind, found.start + start, found.end + start, found.score) for found in findings]
