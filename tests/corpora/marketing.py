"""The generator: texts with the places of the personal data in them, the same for the same seed.

Three parts per language. `development` draws from all names; `evaluation` only from names that are on none of the lists of frequent names
that the detectors have (for German and English: on no list of Faker at all), so that it shows what a stranger meets; `negatives` hold none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pseudonymize.detection import gazetteer
from pseudonymize.detection.words import POLISH_GIVEN_NAMES, POLISH_SURNAMES
from tests.corpora import english, german, identifiers, inflection, names, polish, russian

LANGUAGES = ("en", "pl", "de", "ru")
PARTS = ("development", "evaluation", "negatives", "identifiers")
_SLOT = re.compile(r"\{([^}]*)\}")

Span = tuple[str, int, int]


@dataclass(frozen=True)
class Text:
    """A text and the kinds and places of the personal data in it."""

    text: str
    spans: tuple[Span, ...]


def texts(language: str, part: str, count: int = 300, seed: int = 7) -> list[Text]:
    """So many texts; of negatives, each template once."""
    chance = random.Random(f"{language} {part} {seed}")  # noqa: S311  made-up texts
    module = {"en": english, "pl": polish, "de": german, "ru": russian}[language]
    if part == "negatives":
        return [Text(text, ()) for text in module.NEGATIVES]
    if part == "identifiers":
        templates = getattr(module, "IDENTIFIERS", [])
        return [
            _filled(chance.choice(templates), _identifier(language, chance)) for _ in range(count if templates else 0)
        ]
    person = _PERSONS[language](chance, part)
    if language == "en":
        return [_as_posted(_filled(chance.choice(english.POSTS + english.NOTES), person), chance) for _ in range(count)]
    return [_filled(chance.choice(_sentences(module.PERSONS)), person) for _ in range(count)]


def _sentences(templates: Sequence[str]) -> list[str]:
    """Templates; one without a full stop or a slot goes together with the next line: a letter's end."""
    joined: list[str] = []
    for line in templates:
        if joined and joined[-1] in {"Z poważaniem", "Mit freundlichen Grüßen"}:
            joined[-1] += "\n" + line
        else:
            joined.append(line)
    return joined


def _filled(template: str, fill: Callable[[str], tuple[str, str | None]]) -> Text:
    parts, spans, place, size = [], [], 0, 0
    for slot in _SLOT.finditer(template):
        before = template[place : slot.start()]
        word, kind = fill(slot[1])
        parts += [before, word]
        size += len(before)
        if kind is not None:
            spans.append((kind, size, size + len(word)))
        size += len(word)
        place = slot.end()
    return Text("".join([*parts, template[place:]]), tuple(spans))


def _as_posted(text: Text, chance: random.Random) -> Text:
    """Some posts in lower case, some in capitals."""
    draw = chance.random()
    if draw < 0.2:
        return Text(text.text.lower(), text.spans) if len(text.text.lower()) == len(text.text) else text
    return Text(text.text.upper(), text.spans) if draw < 0.23 and len(text.text.upper()) == len(text.text) else text


def _identifier(language: str, chance: random.Random) -> Callable[[str], tuple[str, str | None]]:
    def fill(slot: str) -> tuple[str, str | None]:
        kind = identifiers.KINDS.get(f"{language} {slot}") or identifiers.KINDS[slot]
        return identifiers.make(f"{language} {slot}", chance), kind

    return fill


def _polish(chance: random.Random, part: str) -> Callable[[str], tuple[str, str | None]]:
    listed = gazetteer.given_names(("pl_PL",)) | POLISH_GIVEN_NAMES
    surnames = _kept(names.POLISH_SURNAMES, gazetteer.surnames(("pl_PL",)) | POLISH_SURNAMES, part)
    given = {True: _kept(names.POLISH_WOMEN, listed, part), False: _kept(names.POLISH_MEN, listed, part)}

    def fill(slot: str) -> tuple[str, str | None]:
        while True:
            who, *rest = slot.split(":")
            woman = who == "w" or (who != "m" and chance.random() < 0.5)
            case = rest[-1]
            only = who if who in "gs" else (rest[0] if rest[0] in "gs" and len(rest) > 1 else "")
            if case == "gv":
                only, case = "g", "voc"
            first = inflection.polish(chance.choice(given[woman]), case, woman=woman, surname=False)
            last = inflection.polish(chance.choice(surnames), case, woman=woman, surname=True)
            words = [first] if only == "g" else [last] if only == "s" else [first, last]
            if all(words):
                return " ".join(word for word in words if word), "PERSON"

    return fill


def _russian(chance: random.Random, part: str) -> Callable[[str], tuple[str, str | None]]:
    del part  # the model and the dictionary have no short lists

    def fill(slot: str) -> tuple[str, str | None]:
        while True:
            who, *rest = slot.split(":")
            woman = who == "w" or (who != "m" and chance.random() < 0.5)
            case = rest[-1] if rest and rest[-1] != "np" else "nomn"
            name = inflection.russian(
                chance.choice(names.RUSSIAN_WOMEN if woman else names.RUSSIAN_MEN), case, woman=woman, tag="Name"
            )
            last = inflection.russian(chance.choice(names.RUSSIAN_SURNAMES), case, woman=woman, tag="Surn")
            father = chance.choice(names.RUSSIAN_FATHERS)
            father = father[:-2] + "на" if woman else father
            if not name or not last:
                continue
            if slot == "initials":
                return f"{last} {name[0]}. {father[0]}.", "PERSON"
            if slot == "full":
                return f"{last} {name} {father}", "PERSON"
            if rest and rest[-1] == "np":
                return f"{name} {father}", "PERSON"
            only = who if who in "gs" else (rest[0] if len(rest) > 1 and rest[0] in "gs" else "")
            return (name if only == "g" else last if only == "s" else f"{name} {last}"), "PERSON"

    return fill


def _german(chance: random.Random, part: str) -> Callable[[str], tuple[str, str | None]]:
    surnames = _kept(names.GERMAN_SURNAMES, gazetteer.surnames(gazetteer.LATIN_LOCALES), part)
    given = names.GERMAN_GIVEN if part == "development" else _kept(names.GERMAN_GIVEN, frozenset(), part)
    return _western(chance, given, surnames)


def _english(chance: random.Random, part: str) -> Callable[[str], tuple[str, str | None]]:
    surnames = _kept(names.ENGLISH_SURNAMES, gazetteer.surnames(gazetteer.LATIN_LOCALES), part)
    return _western(chance, names.ENGLISH_GIVEN, surnames)


def _western(
    chance: random.Random, given: Sequence[str], surnames: Sequence[str]
) -> Callable[[str], tuple[str, str | None]]:
    last: list[str] = []

    def fill(slot: str) -> tuple[str, str | None]:
        if slot in {"brand", "handle"}:
            return chance.choice(["nike", "shoply", "glossy99", "dealhunter"]), None
        if slot == "again":
            return last[-1].split(" ")[-1], "PERSON"
        name, surname = chance.choice(given), chance.choice(surnames)
        last.append(f"{name} {surname}")
        return (name if slot == "g" else surname if slot == "s" else last[-1]), "PERSON"

    return fill


_PERSONS = {"pl": _polish, "de": _german, "ru": _russian, "en": _english}


def _kept(all_names: Sequence[str], listed: frozenset[str], part: str) -> list[str]:
    """For evaluation, the names that are on no list."""
    return [name for name in all_names if part == "development" or name not in listed]
