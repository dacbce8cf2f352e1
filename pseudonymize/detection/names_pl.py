"""Persons in Polish texts, without a language model: lists, inflection rules, titles and the shape of surnames.

There is no free Polish model to install, so this is honest work with a gazetteer (see ``gazetteer``): it knows about 350 given
names and 4,000 surnames in their cases, surnames by their endings (-ski, -cki, -wicz, -czyk), and what follows a title. A rare
given name beside a rare surname, or a surname that is also a common word, goes unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from pseudonymize.detection import gazetteer
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import as_written, expression
from pseudonymize.detection.words import POLISH_GIVEN_NAMES, POLISH_NOT_NAMES, POLISH_SURNAMES, POLISH_WORDS

BOTH, BESIDE, TITLED, GIVEN, SHAPED = 0.88, 0.75, 0.8, 0.6, 0.55

_LOCALE = ("pl_PL",)
_WORD = r"\p{Lu}[\p{Ll}\p{M}]+(?:[-‐–]\p{Lu}[\p{Ll}\p{M}]+)?|\p{Lu}[\p{Lu}\p{M}]+(?:-\p{Lu}+)?"
_SEQUENCE = expression(rf"(?<![\w@./]) (?:{_WORD}) (?: [ ]+ (?:\p{{Lu}}\.[ ]+)? (?:{_WORD}) ){{0,4}} (?![\w@])")
_TOKEN = as_written(rf"(?:{_WORD})")
_TITLES = (
    r"pan[aiuą]?|panem|panie|panią|państw[oau] | dr|doktora?|prof|profesora?|mgr|inż|mec|mecenasa?|ks|ksi[ąę]dza? | siostr[aęy]"
    r" | klient\w*|pacjent\w*"
)
_TITLE = expression(
    rf"(?:^|\W) (?: {_TITLES} | nazywam\s+się | podpisan[oay][,:]? | imię\s+i\s+nazwisko:? ) \.? \s+ $", any_case=True
)
_IS_TITLE = expression(rf"^(?:{_TITLES})$", any_case=True)
_SHAPE = as_written(
    r".{2,}(?:[sc]|dz)k(?:i|iego|iemu|im|ich|imi|a|iej|ą|ę)$|.{2,}(?:[eo]wicz)(?:a|owi|em|u|owie|ów|om|ami)?$"
    r"|.{3,}czyk(?:a|owi|iem|u|owie|ów|om)?$|.{3,}(?:czak|iak|szczak)(?:a|owi|iem|u|owie|ów|om)?$|.{3,}(?:czuk|niuk)(?:a|owi|iem|u)?$"
)
# Shaped like surnames, and adjectives all the same (nationalities, towns, months): only beside a name or after a title.
_ADJECTIVES = as_written(
    r"^(?:Pol|Niemiec|Angiel|Francu|Włos|Rosyj|Hiszpań|Ukraiń|Cze|Szwedz|Europej|Warszaw|Krakow|Gdań|Poznań|Śląs|Mazowiec|Pomor|"
    r"Małopol|Wielkopol|Wrocław|Łódz|Lubel|Miej|Morz|Królew|Wojsk|Boż|Amerykań|Brytyj|Białos|Bałtyc|Katolic|Miejs|Politechnicz|Nauczyciel)"
)


def given_forms(name: str) -> set[str]:
    """The cases of a given name that simple rules give, and a few that do not exist."""
    if name.endswith("a"):
        return _feminine(name)
    if name.endswith(("y", "i")):  # Jerzy, Antoni: like adjectives
        return {name, *(name.rstrip("y") + ending for ending in ("ego", "emu", "m", "ym"))}
    return _masculine(name)


def _feminine(name: str) -> set[str]:
    stem = name[:-1]
    forms = {name, stem + "ę", stem + "ą", stem + "o"}
    if stem.endswith(("i", "l", "j")):  # Zofia, Ola, Maja
        soft = stem.rstrip("j") if stem.endswith("j") else stem
        return forms | {soft + "i", stem + "i", stem, stem + "u", stem + "om"}
    forms |= {stem + "y", stem + "i", stem + "om"}
    for hard, soft in (
        ("k", "ce"),
        ("g", "dze"),
        ("ch", "sze"),
        ("r", "rze"),
        ("ł", "le"),
        ("t", "cie"),
        ("d", "dzie"),
    ):
        if stem.endswith(hard):
            return forms | {stem.removesuffix(hard) + soft}
    return forms | {stem + "ie", stem + "e"}


def _masculine(name: str) -> set[str]:
    stems = {name}
    if (
        name.endswith(("ek", "eł", "er", "ec", "el", "eń")) and len(name) > 3
    ):  # Marek, Marka; Paweł, Pawła; Stępień, Stępnia
        stems.add((name[:-3] if name[-3] == "i" else name[:-2]) + name[-1])
    stems |= {stem[:-1] + "ni" for stem in stems if stem.endswith("ń")}
    if name.endswith("ół"):
        stems.add(name[:-2] + "oł")
    forms = {name}
    for stem in stems:
        forms |= {stem + ending for ending in ("a", "owi", "em", "iem", "u", "ie", "e", "owie", "ów", "om", "ami")}
        for hard, soft in (
            ("r", "rze"),
            ("ł", "le"),
            ("t", "cie"),
            ("d", "dzie"),
            ("k", "ku"),
            ("g", "gu"),
            ("ch", "chu"),
        ):
            if stem.endswith(hard):
                forms.add(stem.removesuffix(hard) + soft)
    return forms


def surname_forms(name: str) -> set[str]:
    """The cases of a surname, of men, women and families."""
    if name.endswith(("ski", "cki", "dzki")):
        endings = ("i", "iego", "iemu", "im", "ich", "imi", "a", "iej", "ą", "ę", "o", "owie")
        return {name[:-2] + "cy", *(name[:-1] + ending for ending in endings)}
    if name.endswith(("ny", "ty", "ły", "wy", "ry")):
        return {name[:-1] + ending for ending in ("y", "ego", "emu", "ym", "ych", "a", "ej", "ą")}
    if name.endswith(("a", "o")):
        return _feminine(name[:-1] + "a") | {name, name[:-1] + "owie", name[:-1] + "ów"}
    return _masculine(name)


@cache
def _given() -> frozenset[str]:
    return frozenset(form for name in gazetteer.given_names(_LOCALE) | POLISH_GIVEN_NAMES for form in given_forms(name))


@cache
def _surnames() -> frozenset[str]:
    return frozenset(form for name in gazetteer.surnames(_LOCALE) | POLISH_SURNAMES for form in surname_forms(name))


def is_name(word: str) -> bool:
    """Whether a word is on the lists, as a given name or a surname, in any case form."""
    return word in _given() or word in _surnames()


class PolishNames:
    """Finds persons in Polish texts."""

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The persons of each text, in order."""
        return (self._find_one(text) for text in texts)

    def find_uncapitalised(self, text: str) -> list[Finding]:
        """Nothing: without capitals, too many Polish words are names."""
        del text
        return []

    def _find_one(self, text: str) -> list[Finding]:
        findings: list[Finding] = []
        for sequence in _SEQUENCE.finditer(text):
            tokens = [
                (match.start(), match.end(), _written(match[0])) for match in _TOKEN.finditer(text, *sequence.span())
            ]
            titled = _TITLE.search(text[max(0, sequence.start() - 24) : sequence.start()]) is not None
            opens = _opens_sentence(text, sequence.start())
            if len(tokens) > 1 and _IS_TITLE.match(tokens[0][2]):  # "Pan Nowak": the title is capitalised too
                titled, opens, tokens = True, False, tokens[1:]
            findings += _persons(tokens, titled=titled, opens=opens)
        return findings


def _written(token: str) -> str:
    """A token as the lists write it: KOWALSKI is Kowalski."""
    return "-".join(part.capitalize() for part in token.split("-")) if token.isupper() else token


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\"'„”(–-")
    return not before or before[-1] in ".!?\n:;"


def _is_surname(word: str) -> bool:
    last = word.rsplit("-", 1)[-1]
    return last in _surnames() or bool(_SHAPE.match(last))


def _persons(tokens: list[tuple[int, int, str]], *, titled: bool, opens: bool) -> Iterator[Finding]:
    """Persons among capitalised words that stand together."""
    place = 0
    while place < len(tokens):
        start, end, word = tokens[place]
        following = tokens[place + 1 :]
        score, taken = _judge(
            word, [token[2] for token in following], titled=titled and place == 0, opens=opens and place == 0
        )
        if score:
            yield Finding(Kind.PERSON, start, following[taken - 1][1] if taken else end, score)
        place += 1 + taken


def _judge(word: str, following: list[str], *, titled: bool, opens: bool) -> tuple[float, int]:
    """(score, how many of the following words belong to the person); score 0: nobody."""
    given, surname = word in _given(), _is_surname(word)
    after = following[0] if following else ""
    if given:
        taken = 1 if after in _given() and len(following) > 1 and _is_surname(following[1]) else 0  # two given names
        last = following[taken] if len(following) > taken else ""
        if last and _is_surname(last):
            return BOTH, taken + 1
        if after and after not in POLISH_NOT_NAMES and after not in _given() and word not in POLISH_WORDS:
            return BESIDE, 1
        if titled:
            return TITLED, 0
        return (0.0, 0) if word in POLISH_WORDS else (GIVEN, 0)
    if surname and after in _given():
        return BOTH, 1
    if titled and word not in POLISH_NOT_NAMES:
        return TITLED, 1 if after and _is_surname(after) else 0
    if surname and not opens and _SHAPE.match(word.rsplit("-", 1)[-1]) and not _ADJECTIVES.match(word):
        return SHAPED, 0
    return 0.0, 0
