"""Presidio's phone recognizer with far fewer tries: where its regions look for the same candidates eight times, ours do once.

Google's library cuts a text into candidates, a candidate into parts that may be a number, and asks of each part whether it is one
in a region. The cutting is the same for all regions, and most parts cannot be a number of a region for want of its digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
from phonenumbers import phonenumbermatcher

from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import Budget, Context, as_written, with_context

_NO_DIGIT = as_written(r"\D+")
_LETTER = as_written(r"[\p{L};,#~]")  # of extensions
_FEWEST_DIGITS = 4
_DIGITS = r"\d(?:[^a-z0-9\n]{0,4}\d){4}"
_SHORT = r"1[^a-z0-9\n]{0,4}6[^a-z0-9\n]{0,4}[4-9][^a-z0-9\n]{0,4}\d"
_MOST_DIGITS = 20  # more than any number with its prefixes has
_MOST_TRIES = 1_000  # parts of one text
_TYPES = (
    "fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail".split()  # noqa: SIM905
)
# The library has no other way to cut once for many regions.
_CANDIDATE: Any = vars(phonenumbermatcher)["_PATTERN"]
_SECOND: Any = vars(phonenumbermatcher)["_SECOND_NUMBER_START_PATTERN"]


class Phones:
    """Phone numbers of some regions, as Google's library has them.

    What it finds is what Presidio finds, but for numbers of four digits, of which it knows thirty (1640 to 1699, in Germany) and
    which are house numbers and years elsewhere; ``short``: those too.
    """

    words: Sequence[str] = ()

    def __init__(
        self, regions: Sequence[str], leniency: int, score: float, context: Context | None, *, short: bool = False
    ) -> None:
        self.hints = (_DIGITS, _SHORT) if short else (_DIGITS,)
        self._regions = [_Region.of(code) for code in regions]
        self._leniency = leniency
        self._score = score
        self._least = 4 if short else 5
        self._context = context

    def find(self, text: str, budget: Budget) -> Iterator[Finding]:
        """See Recognizer. What is asked once of the same characters in the same surroundings is not asked again."""
        candidates = _Candidates(text)
        found: set[tuple[int, int]] = set()
        asked: dict[tuple[str, str, str], tuple[int, int] | None] = {}
        for place, region in enumerate(self._regions):
            matcher = phonenumbers.PhoneNumberMatcher(text, region.code, self._leniency)
            asked.clear()
            index = 0
            while (candidate := candidates.behind(index)) is not None:
                budget.left()
                index = candidate.end
                if (candidate.start, candidate.end) in found:
                    continue  # what another region would say of it is the same, or lies inside of it
                start, end = candidate.start, candidate.end
                same = (text[max(0, start - 1) : start], text[start:end], text[end : end + 1])
                if same not in asked:
                    asked[same] = self._number(matcher, region, candidate, first=place == 0)
                if (span := asked[same]) is not None:
                    found.add((start + span[0], start + span[1]))
                    index = start + span[1]
        covered = -1
        for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
            if end > covered:  # not inside of another one
                covered = end
                score = with_context(self._score, text, start, end, self._context)
                yield Finding(Kind.PHONE, start, end, score)

    def _number(
        self, matcher: phonenumbers.PhoneNumberMatcher, region: _Region, candidate: _Candidate, *, first: bool
    ) -> tuple[int, int] | None:
        """Where in the candidate its first number of the region is."""
        for part in candidate.parts:
            span = self._verified(matcher, region, part, candidate.start + part.start, first=first)
            if span is not None:
                return part.start + span[0], part.start + span[1]
        return None

    def _verified(
        self, matcher: phonenumbers.PhoneNumberMatcher, region: _Region, part: _Part, start: int, *, first: bool
    ) -> tuple[int, int] | None:
        """Where in the part a number of the region is. ``first``: of the regions."""
        if len(part.digits or _DIGITS) < self._least:
            return None
        # Behind a plus a number is the same in every region: the first one says whether it is one.
        if not first if part.text.startswith(("+", "＋")) else not region.can_have(part):
            return None
        match = matcher._parse_and_verify(part.text, start)
        return None if match is None else (match.start - start, match.end - start)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a candidate, ``start`` characters behind its begin.

    ``digits``: what stands in it, or None when more than the digits counts (an extension).
    """

    text: str
    start: int
    digits: str | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    parts: tuple[_Part, ...]


class _Candidates:
    """The candidates of a text, each cut once for all regions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._behind: dict[int, _Candidate | None] = {}
        self._parts: dict[str, tuple[_Part, ...]] = {}

    def behind(self, index: int) -> _Candidate | None:
        """The next candidate from ``index`` on of which any part may be a number."""
        if index not in self._behind:
            candidate = self._cut(index)
            while candidate is not None and not candidate.parts:
                candidate = self._cut(candidate.end)
            self._behind[index] = candidate
        return self._behind[index]

    def _cut(self, index: int) -> _Candidate | None:
        match = _CANDIDATE.search(self._text, index)
        if match is None:
            return None
        words = match.group()
        second = _SECOND.search(words)
        if second is not None:
            words = words[: second.start()]
        if words not in self._parts:
            cutter = _Cutter(words)
            cutter._extract_match(words, 0)
            self._parts[words] = tuple(cutter.parts)
        return _Candidate(match.start(), match.start() + len(words), self._parts[words])


class _Cutter(phonenumbers.PhoneNumberMatcher):
    """Google's matcher, which notes what it would ask about instead of asking."""

    def __init__(self, text: str) -> None:
        super().__init__(text, None, phonenumbers.Leniency.POSSIBLE, max_tries=_MOST_TRIES)
        self.parts: dict[_Part, None] = {}

    def _parse_and_verify(self, candidate: str, offset: int) -> None:
        digits = _NO_DIGIT.sub("", candidate)
        if len(digits) >= _FEWEST_DIGITS:
            plain = digits.isascii() and _LETTER.search(candidate) is None
            self.parts[_Part(candidate, offset, digits if plain else None)] = None


@dataclass(frozen=True, slots=True)
class _Region:
    """What national numbers of a region look like, from the library's own tables."""

    code: str
    country: str  # code, as digits
    pattern: Any
    trunk: Any  # trunk and carrier prefixes, or None
    abroad: Any  # prefixes of international numbers

    @classmethod
    def of(cls, code: str) -> _Region:
        metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(code)
        trunk = metadata.national_prefix_for_parsing
        # A number is valid when it is of one of these types, in any region of the country code: the general description allows more.
        regions = phonenumbers.region_codes_for_country_code(metadata.country_code)
        tables = [phonenumbers.PhoneMetadata.metadata_for_region(region) for region in regions]
        kinds = [getattr(table, name) for table in tables for name in _TYPES]
        patterns = {found.national_number_pattern for found in kinds if found and found.national_number_pattern}
        return cls(
            code,
            str(metadata.country_code),
            as_written("|".join(f"(?:{pattern})" for pattern in sorted(patterns))),
            as_written(trunk) if trunk else None,
            as_written(metadata.international_prefix),
        )

    def can_have(self, part: _Part) -> bool:
        """Whether a part can be a number of this region, or an international one dialled there."""
        number = part.digits
        if number is None:
            return True
        if len(number) > _MOST_DIGITS:
            return False
        if self.abroad.match(number) or self._is_national(number):
            return True
        return number.startswith(self.country) and self._is_national(number.removeprefix(self.country))

    def _is_national(self, number: str) -> bool:
        if self.pattern.fullmatch(number) or (number[0:1] == "0" and self.pattern.fullmatch(number.lstrip("0"))):
            return True
        found = self.trunk.match(number) if self.trunk is not None else None
        return found is not None and (any(found.groups()) or self.pattern.fullmatch(number, found.end()) is not None)
