"""Presidio's recognizers, offline, behind our interface: the same findings, from their own patterns, checks and tables.

Three of their habits are undone here: the e-mail recognizer asks two web hosts for the public suffix list (ours reads the copy
inside tldextract), a pattern that runs out of time is logged and skipped (ours raises, so the text is quarantined), and every
pattern is run over every text (ours only where the prefilter saw a hint).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pseudonymize.detection.folding import fold
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import (
    CHECKED_AND_SAID,
    CONTEXT_GAIN,
    CONTEXT_LEAST,
    Budget,
    Context,
    Recognizer,
    as_written,
    matches,
    with_context,
    words_near,
)
from pseudonymize.detection.phones import Phones

KINDS: Mapping[str, Kind] = {
    "EMAIL_ADDRESS": Kind.EMAIL,
    "PHONE_NUMBER": Kind.PHONE,
    "IBAN_CODE": Kind.IBAN,
    **{kind.value: kind for kind in Kind},
}
_HEX = "[0-9a-f]"
# What every match of a recognizer's patterns holds; see prefilter. A recognizer that is not named here is run on every digit.
_HINTS: Mapping[str, Sequence[str]] = {
    "CREDIT_CARD": (r"[13-6]\d{3}[- ]?\d{3,4}[- ]?\d{3,4}[- ]?\d{3}",),
    "US_BANK_NUMBER": (r"\d{8}",),
    "US_DRIVER_LICENSE": (r"[a-z]\d", r"\d[a-z]", r"\d{6}"),
    "US_ITIN": (r"9\d{2}[- ]?\d{2}[- ]?\d{4}",),
    "US_PASSPORT": (r"[a-z0-9]\d{8}",),
    "US_SSN": (r"\d{5}-\d{4}", r"\d{3}-\d{6}", r"\d{9}", r"\d{3}[- .]\d{2}[- .]\d{4}"),
    "UK_NHS": (r"\d{3}[- ]?\d{3}[- ]?\d{4}",),
    "CRYPTO": (r"[13][a-z0-9]{25}", r"bc1[a-z0-9]{25}"),
    "DATE_TIME": (
        r"\d/\d\d",
        r"\d{4}/\d",
        r"\d/\d/\d",
        r"\d-\d{1,2}-\d{4}",
        r"\d{4}-\d{1,2}-\d",
        r"\d\.\d{1,2}\.\d\d",
        r"[a-z]{3}-\d\d",
        r"\d-[a-z]{3}",
    ),
    "EMAIL_ADDRESS": (r"@[a-z0-9_][a-z0-9_.\-]*\.[a-z0-9_]",),
    "IBAN_CODE": (r"[a-z]{2}\d{2}[ -]?[a-z0-9]{4}[ -]?[a-z0-9]{4}",),
    "IP_ADDRESS": (r"\d\.\d{1,3}\.\d{1,3}\.\d", "::", rf"{_HEX}:{_HEX}{{1,4}}:{_HEX}{{1,4}}:{_HEX}"),
    "MEDICAL_LICENSE": (r"[a-z][a-z9]\d{7}",),
    "MAC_ADDRESS": (
        rf"{_HEX}{{2}}[:-]{_HEX}{{2}}[:-]{_HEX}{{2}}[:-]{_HEX}{{2}}",
        rf"{_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}",
    ),
    "UUID": (rf"{_HEX}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}",),
}
_WORD = re.compile(r"\w")
_TOP_LEVEL = re.compile(r"\(\?:(?P<one>[a-z0-9\-]+)\)")
# Languages that Presidio's own configuration gives these recognizers to; what is written the same everywhere.
_EVERYWHERE = ("CreditCard", "Crypto", "Date", "Email", "Iban", "Ip", "MacAddress", "Url", "Uuid")
_COUNTRIES = """
    AbaRouting AuAbn AuAcn AuMedicare AuTfn CaPostalCode CaSin DeBsnr DeFuehrerschein DeHandelsregister
    DeHealthInsurance DeLanr DeTaxNumber EsNie EsNif EsPassport FiPersonalIdentityCode InAadhaar InGstin InPan
    InPassport InVehicleRegistration InVoter ItDriverLicense ItFiscalCode ItIdentityCard ItPassport ItVatCode KrBrn
    KrDriverLicense KrFrn KrPassport KrRrn NgNin NgVehicleRegistration PhPassport PhTin PhUmid SeOrganisationsnummer
    SePersonnummer SgFin SgUen ThTnin TrLicensePlate TrNationalId UkDrivingLicence UkNino UkPassport UkPostcode
    UkVehicleRegistration UsClaimNumber UsHealthInsuranceMemberId UsMbi UsNpi UsPrescriptionNumber
    UsPriorAuthorizationNumber UsProviderTaxId UsReferralNumber ZaCompanyRegistration ZaDriverLicense ZaIdNumber
    ZaIncomeTaxNumber ZaLicensePlate ZaPassport ZaTrafficRegisterNumber ZaVatNumber
""".split()  # noqa: SIM905
"""Presidio's recognizers for more countries, which it does not run unless told to. Many of their patterns are any number of some
length, so a word for what it is must stand near, as a word of its own."""


_COMMON = frozenset(
    {"address", "delivery", "mailing", "shipping", "correspondence", "member", "approval", "nie", "nas", "firma"}
)
"""Words of theirs that say nothing in texts of shops, or are everyday words of another language."""


def recognizers(language: str, *, doubtful: bool = False) -> list[Recognizer]:
    """What Presidio runs by default for English, without the language model; for other languages what is not English.

    ``doubtful``: report what Presidio itself scores below 0.4 too, and give every finding Presidio's own score, without
    regard to the words around it: what Presidio says without a language model, finding for finding.
    """
    ours = [found for name, found in _loaded(doubtful) if language == "en" or name in _EVERYWHERE]
    return ours if doubtful else [*ours, *_of_countries()]


@cache
def _of_countries() -> tuple[Recognizer, ...]:
    """For texts in every language: an English note holds an Indian card's number too."""
    from presidio_analyzer import predefined_recognizers as theirs

    return tuple(_Patterns(getattr(theirs, f"{name}Recognizer")(), demanding=True) for name in _COUNTRIES)


@cache
def _loaded(doubtful: bool) -> tuple[tuple[str, Recognizer], ...]:
    """All of them with their names, the same objects for every language."""
    found: list[tuple[str, Recognizer]] = []
    for recognizer in default_registry().recognizers:
        name = type(recognizer).__name__.removesuffix("Recognizer")
        if name == "Phone":
            context = None if doubtful else words_near(recognizer.context)
            regions, leniency, score = recognizer.supported_regions, recognizer.leniency, recognizer.SCORE
            found.append((name, Phones(regions, leniency, score, context, short=doubtful)))
        elif name != "Spacy":
            found.append((name, _Patterns(offline_email() if name == "Email" else recognizer, doubtful=doubtful)))
    return tuple(found)


def default_registry() -> Any:
    """Presidio's registry for English, as its configuration has it."""
    from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

    provider = RecognizerRegistryProvider(registry_configuration={"supported_languages": ["en"]})
    return provider.create_recognizer_registry()


@cache
def suffixes() -> Any:
    """A public-suffix extractor that never leaves the machine (``suffix_list_urls`` empty: the copy inside the package)."""
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def offline_email() -> Any:
    """Presidio's e-mail recognizer with that extractor."""
    from presidio_analyzer.predefined_recognizers import EmailRecognizer

    class OfflineEmailRecognizer(EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes()(pattern_text).fqdn)

    return OfflineEmailRecognizer()


class _Patterns:
    """One of Presidio's pattern recognizers: its expressions, its checks, and its way to drop duplicates."""

    def __init__(self, recognizer: Any, *, doubtful: bool = False, demanding: bool = False) -> None:
        """``demanding``: report only what a word near it says."""
        from presidio_analyzer import PatternRecognizer

        (entity,) = recognizer.supported_entities
        flags = recognizer.global_regex_flags
        self._kind = KINDS[entity]
        self._expressions = [(as_written(pattern.regex, flags), pattern.score) for pattern in recognizer.patterns]
        theirs = type(recognizer)
        # None where the recognizer has no check of its own: most have none of them.
        self._validate = (
            recognizer.validate_result if _overrides(theirs, PatternRecognizer, "validate_result") else None
        )
        self._refuse = (
            recognizer.invalidate_result if _overrides(theirs, PatternRecognizer, "invalidate_result") else None
        )
        if entity == "IP_ADDRESS":
            self._refuse = _is_no_address
        self._shrinks = entity == "IBAN_CODE"
        self._whole = entity == "URL" and not doubtful  # sources.list is no address in Liechtenstein
        self._context: Context | None = None
        self._demanding = demanding
        self.words: Sequence[str] = ()
        if demanding:
            self._context = Context.of([w for w in recognizer.context if w.lower() not in _COMMON], whole=True)
        elif not doubtful and recognizer.context:
            self._context = words_near(recognizer.context)
            # A check that passes makes the score 1; without one, the best pattern's score is the most without context.
            if self._validate is None and max(score for _, score in self._expressions) < CONTEXT_LEAST:
                self.words = self._context.words
        self.hints = _url_hints(recognizer) if entity == "URL" else _HINTS.get(entity, (r"\d",))
        if demanding and self._context is not None:
            # The word without which nothing is reported, not the digits: one in every number, of scores of recognizers, takes long.
            words = "|".join(re.escape(fold(word).decode()) for word in self._context.words)
            self.hints = (f"[^a-z0-9](?:{words})[^a-z0-9]",)

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer."""
        found = []
        for expression, score in self._expressions:
            for match in matches(expression, text, budget):
                start = match.start()
                if self._whole and _WORD.match(text, match.end()):
                    continue
                for end in self._ends(match):
                    if start < end and (judged := self._judge(text[start:end], score)):
                        found.append((start, -end, -judged))
                        break
        open_: list[tuple[int, float]] = []  # ends and scores of those kept that go on behind the place
        for start, end, judged in sorted(set(found)):
            open_ = [one for one in open_ if one[0] > start]
            if any(-end <= high and -judged <= sure for high, sure in open_):
                continue  # inside of one that is at least as good, as Presidio drops them
            open_.append((-end, -judged))
            if self._demanding:
                if self._context is not None and self._context.is_near(text, start, -end):
                    yield Finding(
                        self._kind, start, -end, min(CHECKED_AND_SAID, max(CONTEXT_GAIN - judged, CONTEXT_LEAST))
                    )
                continue
            yield Finding(self._kind, start, -end, with_context(-judged, text, start, -end, self._context))

    def _ends(self, match: Any) -> Sequence[int]:
        """Where a match may end, the longest first: an IBAN without the groups behind it that are none of its own."""
        if not self._shrinks:
            return (match.end(),)
        return [end if (end := match.end(group)) > 0 else match.end() for group in range(match.re.groups, 0, -1)]

    def _judge(self, matched: str, score: float) -> float:
        """Presidio's score of a match; 0: none."""
        if self._validate is not None and (valid := self._validate(matched)) is not None:
            score = 1.0 if valid else 0.0
        return 0.0 if self._refuse is not None and self._refuse(matched) else score


def _is_no_address(matched: str) -> bool:
    """What Presidio's check says, in a twentieth of its time for the plain addresses that a log is full of."""
    try:
        socket.inet_pton(socket.AF_INET, matched)
    except OSError:
        try:
            ipaddress.ip_interface(matched)
        except ValueError:
            return True
    return False


def _overrides(recognizer: type, base: type, method: str) -> bool:
    return getattr(recognizer, method) is not getattr(base, method)


def _url_hints(recognizer: Any) -> Sequence[str]:
    """A dot and one of the top-level domains that the URL patterns end in."""
    domains = sorted({match["one"] for pattern in recognizer.patterns for match in _TOP_LEVEL.finditer(pattern.regex)})
    return (r"[a-z0-9.\-]\.(?:" + "|".join(re.escape(domain) for domain in domains if "." not in domain) + ")",)
