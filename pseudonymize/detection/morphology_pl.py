"""What the dictionary of Morfeusz (SGJP) knows about a Polish word form: given name, surname, place, or just a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from pseudonymize.detection import gazetteer
from pseudonymize.detection.words import POLISH_GIVEN_NAMES, POLISH_SURNAMES

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
    """What a form can be. A hyphenated one is what its last part is."""
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
        usual_given=not given_bases.isdisjoint(_usual_given()),
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
def _usual_given() -> frozenset[str]:
    return gazetteer.given_names(_LOCALE) | POLISH_GIVEN_NAMES


@cache
def _usual_surnames() -> frozenset[str]:
    men = gazetteer.surnames(_LOCALE) | POLISH_SURNAMES
    return men | {name[:-1] + "a" for name in men if name.endswith(("ski", "cki", "dzki", "ny", "ty", "ły", "wy"))}
