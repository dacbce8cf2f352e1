"""Presidio's recognizers, offline, behind our interface.

Three of their habits are undone here: the e-mail recognizer asks two web hosts for the public suffix list (ours reads the copy
inside tldextract), a pattern that runs out of time is logged and skipped (ours raises, so the text is quarantined), and every
pattern is run over every text (ours first asks whether the text holds what the pattern needs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from functools import cache
from typing import Any

import phonenumbers

from pseudonymize.detection.kinds import Finding, Kind, OutOfTime
from pseudonymize.detection.patterns import Budget, Needs, Recognizer, as_written, with_context, words_near

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
    "PHONE_NUMBER": Needs.SEVEN_DIGITS,
}
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
        self.budget = Budget(0.0)
        self._recognizer = recognizer
        (entity,) = recognizer.supported_entities
        self._kind = KINDS[entity]
        self.needs = _NEEDS.get(entity, Needs.DIGIT)
        self._context = words_near(recognizer.context) if recognizer.context else None
        recognizer.patterns = [copy(pattern) for pattern in recognizer.patterns]  # theirs are shared by all instances
        for pattern in recognizer.patterns:
            flags = recognizer.global_regex_flags
            pattern.compiled_regex = _Timed(as_written(pattern.regex, flags), self)
            pattern.compiled_with_flags = flags

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        self.budget = budget
        for result in self._recognizer.analyze(text, self._recognizer.supported_entities):
            score = with_context(result.score, text, result.start, result.end, self._context)
            yield Finding(self._kind, result.start, result.end, score)


class _Phones:
    """Presidio's phone recognizer: a matcher per region over the parts of the text that have digits enough."""

    needs = Needs.SEVEN_DIGITS

    def __init__(self, recognizer: Any) -> None:
        self._regions = tuple(recognizer.supported_regions)
        self._leniency = recognizer.leniency
        self._score = recognizer.SCORE
        self._context = words_near(recognizer.context)

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        seen: set[tuple[int, int]] = set()
        for region in self._regions:
            budget.left()
            for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=self._leniency, max_tries=1_000):
                budget.left()
                if (match.start, match.end) not in seen:
                    seen.add((match.start, match.end))
                    score = with_context(self._score, text, match.start, match.end, self._context)
                    yield Finding(Kind.PHONE, match.start, match.end, score)
