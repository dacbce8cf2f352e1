"""Presidio's recognizers, offline, behind our interface.

Three of their habits are undone here: the e-mail recognizer asks two web hosts for the public suffix list (ours reads the copy
inside tldextract), a pattern that runs out of time is logged and skipped (ours raises, so the text is quarantined), and every
pattern is run over every text (ours first asks whether the text holds what the pattern needs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers

from pseudonymize.detection.kinds import Finding, Kind, OutOfTime
from pseudonymize.detection.patterns import Budget, Needs, Recognizer, as_written, hopeless, with_context, words_near

KINDS: Mapping[str, Kind] = {
    "EMAIL_ADDRESS": Kind.EMAIL,
    "PHONE_NUMBER": Kind.PHONE,
    "IBAN_CODE": Kind.IBAN,
    **{kind.value: kind for kind in Kind},
}
_NEEDS: Mapping[str, Needs] = {
    "EMAIL_ADDRESS": Needs.AT,
    "URL": Needs.DOT,
    "IP_ADDRESS": Needs.HEX | Needs.DIGIT,  # either of them
    "MAC_ADDRESS": Needs.HEX,
    "UUID": Needs.HEX,
    **dict.fromkeys(
        ("CREDIT_CARD", "US_SSN", "US_ITIN", "US_PASSPORT", "US_BANK_NUMBER", "MEDICAL_LICENSE", "UK_NHS"),
        Needs.SEVEN_DIGITS,
    ),
}
# Cheap expressions that every match of a recognizer's patterns contains.
_HINTS: Mapping[str, str] = {
    "DATE_TIME": r"\d[\-/.][\dA-Za-z]|[A-Za-z]-\d",
    "IP_ADDRESS": r"\d\.\d{1,3}\.\d|[0-9A-Fa-f]:[0-9A-Fa-f]|::",
    "US_DRIVER_LICENSE": r"[A-Za-z]\d|\d[A-Za-z]|\d{6}",
    "IBAN_CODE": r"[A-Za-z]{2}[0-9]{2}",
    "CRYPTO": r"\w{26}",
    "UUID": r"-[0-9A-Fa-f]{4}-",
}
_GROUP = as_written(r"\d+")
_EXTENSION = 24  # characters behind a number in which its extension stands
_MOST_GROUPS = 8
_LEAST_DIGITS = 3
_LEAST_ABROAD = 9  # digits of a number with its international prefix
_TYPES = (
    "fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail".split()  # noqa: SIM905
)
_PHONE_HINT = as_written(r"\d(?:[^\w\n]{0,4}\d){4}")
_NUMBERS = as_written(r"\+?\d(?:[^\p{L}\n\d]{0,4}\d){4,}")
# Languages that Presidio's own configuration gives these recognizers to; what is written the same everywhere.
_EVERYWHERE = ("CreditCard", "Crypto", "Date", "Email", "Iban", "Ip", "MacAddress", "Url", "Uuid")


def recognizers(language: str) -> list[Recognizer]:
    """What Presidio runs by default for English, without the language model; for other languages what is not English."""
    from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

    registry = RecognizerRegistryProvider(
        registry_configuration={"supported_languages": ["en"]}
    ).create_recognizer_registry()
    found: list[Recognizer] = []
    for recognizer in registry.recognizers:
        name = type(recognizer).__name__.removesuffix("Recognizer")
        if language != "en" and name not in _EVERYWHERE:
            continue
        if name == "Phone":
            found.append(_Phones(recognizer))
        elif name == "Email":
            found.append(_Wrapped(_offline_email()))
        elif name != "Spacy":
            found.append(_Wrapped(recognizer))
    return found


@cache
def suffixes() -> Any:
    """A public-suffix extractor that never leaves the machine (``suffix_list_urls`` empty: the copy inside the package)."""
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def _offline_email() -> Any:
    from presidio_analyzer.predefined_recognizers import EmailRecognizer

    class OfflineEmailRecognizer(EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes()(pattern_text).fqdn)

    return OfflineEmailRecognizer()


class _Timed:
    """A compiled pattern whose time-out cannot be swallowed: Presidio catches TimeoutError, this raises OutOfTime."""

    def __init__(self, pattern: Any, owner: _Wrapped) -> None:
        self._pattern = pattern
        self._owner = owner

    def finditer(self, text: str, timeout: float) -> Iterator[Any]:
        del timeout  # theirs is a minute a pattern; ours is what is left of the text's budget
        try:
            yield from self._pattern.finditer(text, timeout=self._owner.budget.left())
        except TimeoutError:
            raise OutOfTime from None


class _Wrapped:
    """One of Presidio's pattern recognizers."""

    def __init__(self, recognizer: Any) -> None:
        from presidio_analyzer import PatternRecognizer

        self.budget = Budget(0.0)
        self._recognizer = recognizer
        (entity,) = recognizer.supported_entities
        self._kind = KINDS[entity]
        self.needs = _NEEDS.get(entity, Needs.DIGIT)
        self._context = words_near(recognizer.context) if recognizer.context else None
        self._hint = as_written(_HINTS[entity]) if entity in _HINTS else None
        # A check that passes makes the score 1; without one, the best pattern's score is the most without context.
        checks = type(recognizer).validate_result is not PatternRecognizer.validate_result
        self._most = 1.0 if checks else max(pattern.score for pattern in recognizer.patterns)
        recognizer.patterns = [copy(pattern) for pattern in recognizer.patterns]  # theirs are shared by all instances
        for pattern in recognizer.patterns:
            flags = recognizer.global_regex_flags
            pattern.compiled_regex = _Timed(as_written(pattern.regex, flags), self)
            pattern.compiled_with_flags = flags

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        if self._hint is not None and self._hint.search(text) is None:
            return
        if hopeless(self._most, text, self._context):
            return
        self.budget = budget
        for result in self._recognizer.analyze(text, self._recognizer.supported_entities):
            score = with_context(result.score, text, result.start, result.end, self._context)
            yield Finding(self._kind, result.start, result.end, score)


class _Phones:
    """Presidio's phone recognizer: one matcher a region, where digits are left that a number of that region can explain.

    What it finds is what Presidio finds, but for numbers of four digits and fewer, which some German villages may have and
    every year and price is.
    """

    needs = Needs.DIGIT

    def __init__(self, recognizer: Any) -> None:
        self._regions = [_Region.of(code) for code in recognizer.supported_regions]
        self._leniency = recognizer.leniency
        self._score = recognizer.SCORE
        self._context = words_near(recognizer.context)

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        if _PHONE_HINT.search(text) is None:
            return
        runs = [_Run.of(text, *run.span()) for run in _NUMBERS.finditer(text)]
        seen: set[tuple[int, int]] = set()
        for place, region in enumerate(self._regions):
            # A number behind a plus is the same everywhere: the first region says whether it is one.
            able = [run for run in runs if region.can_have(run) or (place == 0 and text[run.start] == "+")]
            for low, high in _around(able, text):
                budget.left()
                matcher = phonenumbers.PhoneNumberMatcher(text[low:high], region.code, self._leniency, max_tries=1_000)
                for match in matcher:
                    start, end = low + match.start, low + match.end
                    if (start, end) not in seen:
                        seen.add((start, end))
                        yield Finding(
                            Kind.PHONE, start, end, with_context(self._score, text, start, end, self._context)
                        )
            # A run that a match covers whole is explained: what other regions would say lies inside of it.
            runs = [run for run in runs if not any(start <= run.start and run.end <= end for start, end in seen)]


def _around(runs: Sequence[_Run], text: str) -> list[tuple[int, int]]:
    """The parts of a text in which these runs lie, cut at letters: no number holds one, but for an extension behind it."""
    parts: list[tuple[int, int]] = []
    for run in runs:
        low, high = run.start, min(run.end + _EXTENSION, len(text))
        while low and not text[low].isalpha():
            low -= 1
        while high < len(text) and not text[high - 1].isalpha():
            high += 1
        if parts and low <= parts[-1][1]:
            low = parts.pop()[0]
        parts.append((low, high))
    return parts


@dataclass(frozen=True)
class _Run:
    """Digits with little between them. ``numbers``: what they can be read as, any consecutive groups of them written together."""

    start: int
    end: int
    numbers: tuple[str, ...] | None  # None: cannot be told, for there are too many groups, or other digits than 0-9

    @classmethod
    def of(cls, text: str, start: int, end: int) -> _Run:
        groups = _GROUP.findall(text[start:end])
        if len(groups) > _MOST_GROUPS or not all(map(str.isascii, groups)):
            return cls(start, end, None)
        size = len(groups)
        numbers = ("".join(groups[low:high]) for low in range(size) for high in range(low + 1, size + 1))
        return cls(start, end, tuple(number for number in numbers if len(number) > _LEAST_DIGITS))


@dataclass(frozen=True)
class _Region:
    """What national numbers of a region look like, from the library's own tables."""

    code: str
    country: str  # code, as digits
    pattern: Any
    prefix: Any  # trunk and carrier prefixes, or None

    @classmethod
    def of(cls, code: str) -> _Region:
        metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(code)
        prefix = metadata.national_prefix_for_parsing
        # A number is valid when it is of one of these types; the general description allows more.
        descriptions = [getattr(metadata, name) for name in _TYPES]
        patterns = {found.national_number_pattern for found in descriptions if found and found.national_number_pattern}
        return cls(
            code,
            str(metadata.country_code),
            as_written("|".join(f"(?:{pattern})" for pattern in sorted(patterns))),
            as_written(prefix) if prefix else None,
        )

    def can_have(self, run: _Run) -> bool:
        """Whether a number of this region, or an international one dialled or written there, can lie in the run."""
        return run.numbers is None or any(map(self._fits, run.numbers))

    def _fits(self, number: str) -> bool:
        """Whether digits can be a national number, bare or behind a country code, a trunk or a carrier prefix."""
        if number.startswith(("00", "011")) and len(number) >= _LEAST_ABROAD:
            return True
        if self._is_national(number):
            return True
        return number.startswith(self.country) and self._is_national(number.removeprefix(self.country))

    def _is_national(self, number: str) -> bool:
        if self.pattern.fullmatch(number) or self.pattern.fullmatch(number.lstrip("0")):
            return True
        found = self.prefix.match(number) if self.prefix is not None else None
        return found is not None and (any(found.groups()) or self.pattern.fullmatch(number, found.end()) is not None)
