"""Find and redact personal data in texts: prefilter, patterns, names, and one kind per character at the end."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import repeat

from pseudonymize.detection import english, names_en, names_pl, polish, presidio
from pseudonymize.detection.kinds import Finding, Kind, LanguageNotSupported, OutOfTime
from pseudonymize.detection.overlaps import resolved
from pseudonymize.detection.patterns import Budget, Needs, Recognizer
from pseudonymize.detection.prefilter import holds

LANGUAGES = ("en", "pl")
LEAST_SCORE = 0.4
MOST_CHARACTERS = 1_000_000  # of one text; a longer one is quarantined
WINDOW = 2_000  # characters looked at at a time: what is quadratic in them stays small
OVERLAP = 200  # of two windows, so that nothing is cut in half
SECONDS = 5.0  # of processor time: a text's budget for each 100,000 characters begun, the language model apart

_EVERYTHING = (
    "Mr. Nobody, 1 Main Street, nobody@example.org, https://example.org, +48 601 000 100, 203.0.113.7, 2026-01-01"
)
_CAPITAL = int(Needs.CAPITAL)
_detectors: dict[str, Detector] = {}
_loading = threading.Lock()


def find(
    texts: Sequence[str],
    language: str = "en",
    *,
    names: bool = True,
    least_score: float = LEAST_SCORE,
    seconds: float = SECONDS,
) -> list[list[Finding]]:
    """Personal data in each text, by place and without overlap; aligned with ``texts``.

    ``language``: ``en`` or ``pl``, else LanguageNotSupported. ``names``: whether to look for persons, places and groups too, which
    takes most of the time. ``least_score``: LEAST_SCORE or more. A text that is too long or takes longer than ``seconds`` has one
    finding, QUARANTINED, over the whole of it: what was not examined does not pass. No network, ever.
    """
    detector = detector_of(language)
    distinct = list(dict.fromkeys(texts))
    found = dict(
        zip(distinct, detector.find(distinct, names=names, least_score=least_score, seconds=seconds), strict=True)
    )
    return [list(found[text]) for text in texts]


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
    if language not in LANGUAGES:
        raise LanguageNotSupported(language)
    with _loading:
        if language not in _detectors:
            _detectors[language] = Detector(language)
        return _detectors[language]


class Detector:
    """Everything that looks at texts of one language."""

    def __init__(self, language: str) -> None:
        shared: list[Recognizer] = [
            *presidio.recognizers(language),
            *polish.IDENTIFIERS,
            *polish.PHONES,
            *english.CARDS,
        ]
        self._recognizers: list[Recognizer]
        self._names: names_en.EnglishNames | names_pl.PolishNames
        if language == "pl":
            self._recognizers = [*shared, *polish.ADDRESSES]
            self._names = names_pl.PolishNames()
        else:
            self._recognizers = [*shared, *english.ADDRESSES, *english.PHONES, *polish.ADDRESSES]
            self._names = names_en.EnglishNames()
        self._chosen: dict[int, Sequence[Recognizer]] = {}
        self._busy = threading.Lock()  # Presidio's recognizers and the language model are not for two threads at once
        # Suffix lists and phone tables load at their first use: not in the time of somebody's text.
        self.find([_EVERYTHING], names=True, least_score=LEAST_SCORE, seconds=300.0)

    def find(self, texts: Sequence[str], *, names: bool, least_score: float, seconds: float) -> list[list[Finding]]:
        """See the module's ``find``."""
        with self._busy:
            windows = [(row, start, window) for row, text in enumerate(texts) for start, window in _windows(text)]
            needs = [holds(window) for _, _, window in windows]
            named = self._named(windows, needs) if names else repeat([])
            results: list[list[Finding] | None] = [[] if len(text) <= MOST_CHARACTERS else None for text in texts]
            budgets: dict[int, Budget] = {}
            for (row, start, window), held, persons in zip(windows, needs, named, strict=False):
                so_far = results[row]
                if so_far is not None and (persons or self._able(held)):
                    budget = budgets.setdefault(row, Budget(seconds * (1 + len(texts[row]) // 100_000)))
                    examined = self._examine(window, held, persons, budget)
                    results[row] = None if examined is None else [*so_far, *_moved(examined, start)]
        return [_final(text, result, least_score) for text, result in zip(texts, results, strict=True)]

    def _named(self, windows: Sequence[_Window], needs: Sequence[int]) -> Iterator[list[Finding]]:
        """What the names' finder says of each window; those with capitals go through it in batches."""
        capitalised = [window for (_, _, window), held in zip(windows, needs, strict=True) if held & _CAPITAL]
        found = self._names.find(capitalised)
        for (_, _, window), held in zip(windows, needs, strict=True):
            yield next(found) if held & _CAPITAL else self._names.find_uncapitalised(window)

    def _able(self, held: int) -> Sequence[Recognizer]:
        """The recognizers that have a chance in a text that holds this."""
        if held not in self._chosen:
            self._chosen[held] = [recognizer for recognizer in self._recognizers if recognizer.needs & held]
        return self._chosen[held]

    def _examine(self, text: str, held: int, persons: list[Finding], budget: Budget) -> list[Finding] | None:
        """The findings of one window, or None when the text's time ran out."""
        budget.start()
        findings = list(persons)
        try:
            for recognizer in self._able(held):
                findings += recognizer.find(text, budget)
        except OutOfTime:
            return None
        finally:
            budget.pause()
        return findings


_Window = tuple[int, int, str]
"""Row of the text, where the window begins in it, and the window."""


def _windows(text: str) -> list[tuple[int, str]]:
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
    return [replace(finding, start=finding.start + start, end=finding.end + start) for finding in findings]


def _final(text: str, findings: list[Finding] | None, least_score: float) -> list[Finding]:
    if findings is None:
        return [Finding(Kind.QUARANTINED, 0, len(text), 1.0)]
    return resolved((finding for finding in findings if finding.score >= least_score), text)
