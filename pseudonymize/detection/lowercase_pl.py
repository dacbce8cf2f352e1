"""Polish persons whose names lack their capitals: behind a title or a saying, as a pair, and given names that are no word."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pseudonymize.detection.context_pl import LOWER, SHAPE
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.morphology_pl import is_ordinary, usual_given_names, word
from pseudonymize.detection.patterns import as_written

TITLED, BESIDE, GIVEN, SHAPED = 0.8, 0.75, 0.65, 0.55
_LOWER_WORDS = as_written(r"(?<![\w@.#/])\p{Ll}{3,}(?:-\p{Ll}{2,})?(?![\w@])")


def uncapitalised(text: str) -> Iterator[Finding]:
    """Persons in a text without capitals: what stands behind a title or a saying, and given names with surnames."""
    for match in LOWER.finditer(text):
        first, second = word(match[1].capitalize()), word((match[2] or "").capitalize()) if match[2] else None
        if (
            second is not None
            and (first.given or first.surname)
            and (second.surname or second.given or SHAPE.match(match[2]))
        ):
            yield Finding(Kind.PERSON, match.start(1), match.end(2), TITLED)
        elif (first.given or first.surname) and not first.other:
            yield Finding(Kind.PERSON, match.start(1), match.end(1), GIVEN)
    words = list(_LOWER_WORDS.finditer(text))
    for one, two in pairwise(words):
        if two.start() - one.end() != 1:
            continue
        given, surname = word(one[0].capitalize()), word(two[0].capitalize())
        usual = given.usual_given and not is_ordinary(one[0])
        if usual and (surname.usual_surname or (SHAPE.match(two[0]) and (surname.surname or surname.unknown))):
            yield Finding(Kind.PERSON, one.start(), two.end(), BESIDE)
    for one in words:
        name = word(one[0].capitalize())
        if not (name.bases.isdisjoint(usual_given_names()) or is_ordinary(one[0]) or name.place):
            yield Finding(Kind.PERSON, one.start(), one.end(), SHAPED)
