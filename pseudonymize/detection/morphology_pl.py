"""What the dictionary of Morfeusz (SGJP) knows about a Polish word form: given name, surname, place, or just a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations, product
from typing import Any

from pseudonymize.detection import gazetteer
from pseudonymize.detection.words import (
    ENGLISH_NOT_NAMES,
    ENGLISH_WORDS,
    POLISH_GIVEN_NAMES,
    POLISH_SURNAMES,
    POLISH_WORDS,
)

_LOCALE = ("pl_PL",)
_RARE = (
    "daw.",
    "gwar.",
    "przest.",
    "arch.",
    "rzad.",
    "żegl.",
    "filoz.",
    "bot.",
    "chor.",
    "muz.",
    "środ.",
    "reg.",
    "hist.",
)
_REMEMBERED = 50_000  # word forms
_MARKED = {"a": "ą", "c": "ć", "e": "ę", "l": "ł", "n": "ń", "o": "ó", "s": "ś", "z": "żź"}
_MOST_MARKS = 3  # left out of one word
_MOST_PLACES = 9  # where a word could have lost a mark
_ALL_CASES = frozenset(f"sg {case}" for case in ("nom", "gen", "dat", "acc", "inst", "loc", "voc"))
_MEN_ENDINGS = ("a", "owi", "em", "iem", "ie", "u", "e")
_WOMEN_ENDINGS = ("y", "i", "ie", "ę", "ą", "o")
_SHORTEST_FOREIGN = 4


@dataclass(frozen=True, slots=True)
class Word:
    """A word form. ``usual_given`` and ``usual_surname``: its base form is on the short lists of frequent names.

    ``place``, ``firm``: names of those. ``noun``, ``adjective``, ``other``: it can be a common one, or a verb, preposition and so on.
    ``unknown``: the dictionary lacks it. ``bases``: base forms as a name. ``given_cases``, ``surname_cases``: pairs of number and case.
    ``ordinary``: some word that is no name has this form, be it rare.
    """

    given: bool
    usual_given: bool
    surname: bool
    usual_surname: bool
    place: bool
    firm: bool
    noun: bool
    adjective: bool
    other: bool
    unknown: bool
    ordinary: bool
    bases: frozenset[str]
    given_cases: frozenset[str]
    surname_cases: frozenset[str]

    @property
    def common(self) -> bool:
        """Whether it is an ordinary word too; adjectives apart, for each surname in -ski is one."""
        return self.noun or self.other


@lru_cache(maxsize=_REMEMBERED)
def word(form: str) -> Word:
    """What a form can be. A hyphenated one is what its last part is.

    A form that the dictionary lacks may have lost its marks (Lukasz, Wojcik), or be a given name of another country, with or without
    a Polish ending (Oleksandrem).
    """
    found = _read(form)
    if found.given and not found.usual_given and not found.common:
        return replace(found, usual_given=not found.bases.isdisjoint(_foreign_given()))
    if found.given or not (found.unknown or form in usual_given_names()):
        return found
    if found.unknown and form.isascii() and (marked := _marked(form)) is not None:
        return marked
    base = next((base for base in _foreign_bases(form) if base in _foreign_given()), None)
    if base is None:
        return found
    cases = _ALL_CASES if base == form else _ALL_CASES - {"sg nom"}
    return replace(found, given=True, usual_given=True, unknown=False, bases=found.bases | {base}, given_cases=cases)


def _marked(form: str) -> Word | None:
    """The frequent name that is written so without its marks."""
    places = [place for place, letter in enumerate(form.lower()) if letter in _MARKED]
    if len(places) > _MOST_PLACES:
        return None
    for count in range(1, _MOST_MARKS + 1):
        for chosen in combinations(places, count):
            for letters in product(*(_MARKED[form[place].lower()] for place in chosen)):
                spelt = list(form)
                for place, letter in zip(chosen, letters, strict=True):
                    spelt[place] = letter.upper() if form[place].isupper() else letter
                found = _read("".join(spelt))
                if found.usual_given or found.usual_surname:
                    return found
    return None


def _foreign_bases(form: str) -> Iterator[str]:
    """What a foreign name can be in the nominative, when this is a form of it."""
    yield form
    for ending in _MEN_ENDINGS:
        if form.endswith(ending) and len(form) - len(ending) >= _SHORTEST_FOREIGN:
            yield form[: -len(ending)]
    for ending in _WOMEN_ENDINGS:
        if form.endswith(ending) and len(form) - len(ending) >= _SHORTEST_FOREIGN - 1:
            yield form[: -len(ending)] + "a"


@lru_cache(maxsize=_REMEMBERED)
def is_ordinary(form: str) -> bool:
    """Whether a word as it is written, in lower case, can be anything but a name."""
    readings = [reading[2] for reading in _dictionary().analyse(form) if reading[0] == 0]
    return any(tag != "ign" and lemma[:1].islower() for _, lemma, tag, _, _ in readings)


def is_thing(form: str) -> bool:
    """Whether a lower-case word is in the nominative and names a thing, not a person: sofa, not klientka, not Anna's zdjęcia."""
    readings = [reading[2] for reading in _dictionary().analyse(form) if reading[0] == 0]
    if any(not tag.startswith(("subst", "ger", "depr")) for _, _, tag, _, _ in readings):
        return False
    if not any(":nom" in tag and tag.startswith(("subst:sg", "ger:sg")) for _, _, tag, _, _ in readings):
        return False
    if any(":m1" in tag for _, _, tag, _, _ in readings):
        return False
    return not any(_is_man(form[: -len(ending)] + man) for ending, man in _WOMEN_OF_MEN if form.endswith(ending))


_WOMEN_OF_MEN = (
    ("ka", ""),
    ("arka", "arz"),
    ("czka", "k"),
    ("czyni", "ca"),
    ("ini", ""),
    ("yni", ""),
    ("anka", "anin"),
    ("ca", "iec"),
)


def _is_man(form: str) -> bool:
    return any("subst:sg:nom" in reading[2][2] and ":m1" in reading[2][2] for reading in _dictionary().analyse(form))


def _read(form: str) -> Word:
    """What the dictionary says."""
    readings = [reading[2] for reading in _dictionary().analyse(form.rsplit("-", 1)[-1]) if reading[0] == 0]
    given, surname, common = [], [], []
    for _, lemma, tag, names, styles in readings:
        base = lemma.split(":")[0]
        if "imię" in names:
            given.append((base, tag))
        if "nazwisko" in names:
            surname.append((base, tag))
        if not names_of(names) and base[:1].islower() and not any(s in style for style in styles for s in _RARE):
            common.append(tag)
    kinds = {name for reading in readings for name in reading[3]}
    given_bases, surname_bases = {base for base, _ in given}, {base for base, _ in surname}
    nouns = [tag for tag in common if tag.startswith(("subst", "depr", "ger"))]
    return Word(
        given=bool(given),
        usual_given=not given_bases.isdisjoint(usual_given_names()),
        surname=bool(surname),
        usual_surname=not surname_bases.isdisjoint(_usual_surnames()),
        place=bool(kinds & {"nazwa_geograficzna", "człon_nazwy_geograficznej"}),
        firm=bool(kinds & {"nazwa_firmy", "nazwa_własna", "nazwa_organizacji", "nazwa_produktu", "marka"}),
        noun=bool(nouns),
        adjective=any(tag.startswith(("adj", "ppas", "pact")) for tag in common),
        other=any(not tag.startswith(("subst", "depr", "ger", "adj", "ppas", "pact", "ign")) for tag in common),
        unknown=any(tag == "ign" for _, _, tag, _, _ in readings),
        ordinary=any(
            lemma[:1].islower() and not names_of(names) and not tag.startswith("adj")
            for _, lemma, tag, names, _ in readings
        ),
        bases=frozenset(given_bases | surname_bases),
        given_cases=_cases([tag for _, tag in given]),
        surname_cases=_cases([tag for _, tag in surname]),
    )


def names_of(labels: Sequence[str]) -> bool:
    """Whether the dictionary's labels say that a reading is a person's name."""
    return "imię" in labels or "nazwisko" in labels


def is_finite_verb(form: str) -> bool:
    """Whether a lower-case word says what somebody did or does, in the third person."""
    tags = [reading[2][2] for reading in _dictionary().analyse(form)]
    return any(tag.startswith(("praet:sg", "fin:sg:ter")) for tag in tags)


def _cases(tags: Sequence[str]) -> frozenset[str]:
    return frozenset(
        f"{number} {case}"
        for tag in tags
        if len(parts := tag.split(":")) > 2
        for number in parts[1].split(".")
        for case in parts[2].split(".")
    )


@cache
def _dictionary() -> Any:
    import morfeusz2

    return morfeusz2.Morfeusz(generate=False)


@cache
def usual_given_names() -> frozenset[str]:
    """Frequent Polish given names in the nominative."""
    return gazetteer.given_names(_LOCALE) | POLISH_GIVEN_NAMES


@cache
def _foreign_given() -> frozenset[str]:
    names = gazetteer.given_names(gazetteer.LATIN_LOCALES) | gazetteer.from_cyrillic()
    return (names - ENGLISH_WORDS - ENGLISH_NOT_NAMES - POLISH_WORDS) | POLISH_GIVEN_NAMES


@cache
def _usual_surnames() -> frozenset[str]:
    men = gazetteer.surnames(_LOCALE) | POLISH_SURNAMES
    return men | {name[:-1] + "a" for name in men if name.endswith(("ski", "cki", "dzki", "ny", "ty", "ły", "wy"))}
