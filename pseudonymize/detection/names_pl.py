"""Persons in Polish texts: what Morfeusz's dictionary says of each capitalised word, and what stands around it.

There is no free Polish model to install. The dictionary knows given names and surnames in all their cases, and that most surnames are
words, places or adjectives too; so a surname counts beside a given name, after a title, or where it is nothing else. A name that is
not in the dictionary counts only beside one that is, after a title, or by the ending of a surname.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pseudonymize.detection.brands import in_brand
from pseudonymize.detection.context_pl import (
    ADJECTIVES,
    BEFORE,
    DAY,
    ENUMERATED,
    FIRM,
    GREETING,
    IS_OFFICE,
    IS_TITLE,
    LABEL_WORDS,
    LABELS,
    LAST_WORD,
    OF_WHOM,
    OFFICE,
    PLACE,
    QUOTED,
    SEQUENCE,
    SHAPE,
    TOKEN,
    WITH_INITIAL,
    WORK,
)
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.lowercase_pl import uncapitalised
from pseudonymize.detection.morphology_pl import Word, is_finite_verb, is_thing, word
from pseudonymize.detection.words import POLISH_NOT_NAMES, POLISH_PRODUCTS, POLISH_TOWNS, POLISH_WORDS

BOTH, AGAIN, TITLED, BESIDE, GIVEN, SHAPED = 0.9, 0.85, 0.8, 0.75, 0.65, 0.55

_NEAR = 32  # characters before a name that say what it is
_ACRONYM = 4  # letters: in a text that is not all in capitals, so short a word in capitals is hardly a name


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    word: Word
    shouted: bool
    acronym: bool


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands before a token: the text, and whether that is a title, an office, or the end of a sentence."""

    before: str
    titled: bool
    office: bool
    opens: bool


class PolishNames:
    """Finds persons in Polish texts."""

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The persons of each text, in order."""
        return (_find(text) for text in texts)


def is_name(form: str) -> bool:
    """Whether a capitalised word is a given name or a surname, in any case form, and hardly another word."""
    known = word(form)
    if known.usual_given or known.usual_surname:
        return True
    return (known.given or known.surname or bool(SHAPE.match(form))) and not (known.common or known.place)


def _find(text: str) -> list[Finding]:
    if text.islower():
        return list(uncapitalised(text))
    found: list[Finding] = []
    bases: set[str] = set()
    left: list[_Token] = []
    loud = text.isupper()
    for sequence in SEQUENCE.finditer(text):
        tokens = [_token(match[0], *match.span(), loud=loud) for match in TOKEN.finditer(text, *sequence.span())]
        for first, last, score in _persons(text, tokens):
            found.append(Finding(Kind.PERSON, tokens[first].start, tokens[last].end, score))
            if score >= TITLED:
                bases |= {base for token in tokens[first : last + 1] for base in token.word.bases}
        left += tokens
    found += _with_initials(text, found)
    if found:
        found += _enumerated(text, found)
    if bases:
        found += _again(left, bases, found)
    if _is_hardly_capitalised(text):
        found += [person for person in uncapitalised(text) if not _meets(found, person.start, person.end)]
    return found


def _is_hardly_capitalised(text: str) -> bool:
    """Whether only a sentence here and there begins with a capital: then names may lack theirs."""
    return sum(map(str.isupper, text)) * 40 <= len(text)


def _meets(found: Sequence[Finding], start: int, end: int) -> bool:
    return any(person.start < end and start < person.end for person in found)


def _enumerated(text: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """The other names of an enumeration of single words in which a person is: Patryk, Nikola i Oskar."""
    for match in ENUMERATED.finditer(text):
        spans = match.spans("one")
        if any((person.start, person.end) in spans for person in found):
            for start, end in spans:
                name = word(text[start:end])
                likely = name.given or name.usual_surname or (name.surname and not name.place)
                if likely and not _meets(found, start, end):
                    yield Finding(Kind.PERSON, start, end, SHAPED)


def _with_initials(text: str, found: Sequence[Finding]) -> list[Finding]:
    """Surnames with an initial: J. Nowak, Kowalski J."""
    persons = []
    for match in WITH_INITIAL.finditer(text, overlapped=True):
        token = _token(match["name"], *match.span("name"), loud=True)
        behind = match.start("name") == match.start() and token.word.usual_given  # Bożena K.
        sure = (
            behind
            or token.word.usual_surname
            or SHAPE.match(token.text)
            or (token.word.surname and not token.word.place)
        )
        start, end = match.span()
        free = not any(person.start < end < person.end or person.start < start < person.end for person in found)
        before = text[max(0, match.start() - 32) : match.start()]
        known = PLACE.search(before) or ADJECTIVES.match(token.text) or in_brand([token.text], 0, 0)
        if sure and free and not known:
            persons.append(Finding(Kind.PERSON, match.start(), match.end(), BESIDE))
    return persons


def _token(written: str, start: int, end: int, *, loud: bool) -> _Token:
    """A token as the dictionary writes it: KOWALSKI is Kowalski. ``loud``: whether the whole text is in capitals."""
    parts = written.replace("‐", "-").replace("‑", "-").replace("–", "-").split("-")
    plain = "-".join(part.capitalize() if len(part) > 1 and part.isupper() else part for part in parts)
    return _Token(
        start,
        end,
        plain,
        word(plain),
        written.isupper(),
        written.isupper() and not loud and max(map(len, parts)) <= _ACRONYM,
    )


def _again(tokens: Sequence[_Token], bases: set[str], found: Sequence[Finding]) -> Iterator[Finding]:
    """Words of a name that was found, where they stand alone elsewhere in the text, in any case."""
    for token in tokens:
        name = token.word
        meant = name.bases & bases and not (name.common and token.text not in name.bases)
        if meant and not any(person.start < token.end and token.start < person.end for person in found):
            yield Finding(Kind.PERSON, token.start, token.end, AGAIN)


def _persons(text: str, tokens: list[_Token]) -> Iterator[tuple[int, int, float]]:
    """(first, last, score) for each person among capitalised words that stand together."""
    before = _before(text, tokens[0])
    titled, office, opens = (
        BEFORE.search(before) is not None,
        OFFICE.search(before) is not None,
        _opens_sentence(before),
    )
    named, place = QUOTED.search(before) is not None, 0
    while place < len(tokens):
        token, before = tokens[place], _before(text, tokens[place])
        if len(tokens) > place + 1 and not token.word.usual_given:
            titles, offices = IS_TITLE.match(token.text) is not None, IS_OFFICE.match(token.text) is not None
            if titles or offices:
                titled, office, opens, named, place = titles, offices, True, False, place + 1
                continue
        if opens and GREETING.match(token.text) and not token.word.usual_given:
            opens, place = False, place + 1
            continue
        named = named or PLACE.search(before) is not None
        score, taken = _judge(tokens, place, _Around(before, titled=titled, office=office, opens=opens))
        last = place + taken
        if score and (FIRM.match(text[tokens[last].end : tokens[last].end + 12]) or (named and not titled)):
            score = score if taken and named and _is_owner(token, before) else 0.0
        if score and taken == 0 and not titled and _is_thing(text, token, before, opens=opens):
            score = 0.0
        if score and not _is_brand(tokens, place, last):
            yield place, last, score
        titled, office, opens = False, False, False
        named = named and not score
        place = last + 1


def _before(text: str, token: _Token) -> str:
    return text[max(0, token.start - _NEAR) : token.start]


def _is_owner(token: _Token, before: str) -> bool:
    """Whether a full name behind a word for a place or thing is a person's all the same: by its case, or because somebody made it."""
    cases = {case.removeprefix("sg ") for case in token.word.given_cases}
    if not cases & {"nom", "gen"}:
        return True
    return "gen" in cases and "nom" not in cases and WORK.search(before) is not None


def _opens_sentence(before: str) -> bool:
    before = before.rstrip(" \t\"'„”(–-*•")
    return not before or before[-1] in ".!?\n:;"


def _judge(tokens: list[_Token], place: int, around: _Around) -> tuple[float, int]:
    """(score, how many of the following words belong to the person); score 0: nobody."""
    token, titled, office, opens = tokens[place], around.titled, around.office, around.opens
    day = DAY.search(around.before) is not None
    name, rest = token.word, tokens[place + 1 :]
    if token.text in POLISH_NOT_NAMES and not (rest and name.surname and rest[0].word.usual_given):
        return 0.0, 0
    if name.given:
        score, taken = _judge_given(token, rest, titled=titled, opens=opens, day=day)
        if score:
            return score, taken
    if (
        rest
        and _is_surname(token)
        and token.text.lower() not in POLISH_PRODUCTS
        and rest[0].word.usual_given
        and not name.surname_cases.isdisjoint(rest[0].word.given_cases)
        and not name.place
    ):
        return BOTH, 1
    if (
        name.unknown
        and rest
        and len(token.text) > 2
        and (rest[0].word.usual_surname or SHAPE.match(rest[0].text))
        and not opens
    ):
        return BESIDE, 1
    if (titled or office) and _may_be_titled(token, rest, office=not titled):
        more = 1 if rest and (rest[0].word.unknown or _is_surname(rest[0])) and not rest[0].word.place else 0
        return TITLED, more
    if _is_attribute(token, rest) or day:
        return 0.0, 0
    if name.usual_surname and not opens and not token.shouted and not name.place and OF_WHOM.search(around.before):
        return SHAPED, 0
    return (SHAPED, 0) if _is_surname_alone(token, opens=opens, between=place > 0) else (0.0, 0)


def _judge_given(token: _Token, rest: list[_Token], *, titled: bool, opens: bool, day: bool) -> tuple[float, int]:
    """As ``_judge``, of a word that can be a given name. ``day``: a number stands before it (8 Marta, 3 Maja)."""
    name = token.word
    taken = _name_behind(token, rest)
    if taken:
        last = rest[taken - 1]
        agrees = not last.word.surname or not name.given_cases.isdisjoint(last.word.surname_cases)
        sure = agrees and (name.usual_given or not name.common or last.word.surname)
        if sure and (_is_surname(last) or name.usual_given):
            return (BOTH if _is_surname(last) else BESIDE), taken
        if titled or name.usual_given:
            return BESIDE, taken
        return 0.0, 0
    if token.acronym or day:
        return 0.0, 0
    if titled:
        return TITLED, 0
    return (GIVEN, 0) if token.text not in POLISH_TOWNS and _is_given_alone(token, opens=opens) else (0.0, 0)


def _may_be_titled(token: _Token, rest: list[_Token], *, office: bool) -> bool:
    """Whether a word behind a title can be a surname. ``office``: not when it may say of what somebody is the head."""
    name = token.word
    if name.firm or token.acronym or (name.place and not name.surname) or _is_attribute(token, rest):
        return False
    if office and (name.common or name.place or ADJECTIVES.match(token.text)) and not name.usual_surname:
        return False
    return _is_surname(token) or name.unknown


def _is_attribute(token: _Token, rest: list[_Token]) -> bool:
    """Whether an adjective, shaped like a surname, says of which kind the thing behind it is: Koniński Bank."""
    shaped = token.word.adjective or token.word.unknown or ADJECTIVES.match(token.text)
    if not (rest and shaped and SHAPE.match(token.text)):
        return False
    behind = rest[0].word
    return behind.common and not behind.given and not behind.usual_surname


def _name_behind(token: _Token, rest: list[_Token]) -> int:
    """How many words behind a given name belong to it: more given names, and a surname of one or two words."""
    taken = 0
    while (
        taken < len(rest)
        and taken < 2
        and rest[taken].word.usual_given
        and not _fits_as_surname(rest[taken], rest[taken + 1 :])
    ):
        taken += 1
    if taken < len(rest) and _may_follow(rest[taken]):
        taken += 1
        if (
            taken < len(rest)
            and rest[taken].word.surname
            and not rest[taken].word.common
            and not rest[taken].word.place
        ):
            taken += 1
    return taken


def _fits_as_surname(token: _Token, rest: list[_Token]) -> bool:
    """Whether a given name is the last word here that could be the surname: Jan Adam."""
    return token.word.surname and not (rest and _may_follow(rest[0]))


def _may_follow(token: _Token) -> bool:
    """Whether a word can be the surname behind a given name."""
    name = token.word
    if token.text in LABELS:
        return False
    if token.text in POLISH_NOT_NAMES:
        return name.surname and not name.place
    if name.surname or SHAPE.match(token.text):
        return True
    return name.unknown or not (name.common or name.place or name.firm or name.adjective)


def _is_surname(token: _Token) -> bool:
    return token.word.surname or bool(SHAPE.match(token.text))


def _is_given_alone(token: _Token, *, opens: bool) -> bool:
    """Whether a given name without a surname, a title or a saying counts."""
    name = token.word
    if opens and name.noun and "sg nom" not in name.given_cases:
        return False
    if name.usual_given:
        return token.text not in POLISH_TOWNS and not (opens and token.text in POLISH_WORDS)
    return not (name.common or name.firm or (name.place and opens) or (name.surname and opens))


def _is_surname_alone(token: _Token, *, opens: bool, between: bool) -> bool:
    """Whether a surname without anything that says so counts: in the middle of a sentence, and where it is hardly another word."""
    name = token.word
    if opens or name.common or name.firm or token.shouted or ADJECTIVES.match(token.text):
        return False
    if name.usual_surname and not (name.place and not SHAPE.match(token.text)):
        return not between or not name.adjective
    if name.place or name.ordinary or between:
        return False
    if name.adjective:
        return bool(SHAPE.match(token.text))
    return name.surname or (name.unknown and bool(SHAPE.match(token.text)))


def _is_thing(text: str, token: _Token, before: str, *, opens: bool) -> bool:
    """Whether a single name is what a thing is called: sofa Marta, krem Anna, chleb Baltonowski."""
    if opens:
        behind = text[token.end : token.end + 30].lstrip(" ").split(" ", 1)[0].strip(".,!?")
        return token.word.common and not token.word.usual_given and not is_finite_verb(behind)
    match = LAST_WORD.search(before)
    if match is None:
        return False
    thing = match[1].lower()
    if SHAPE.match(token.text) and token.word.adjective and not token.word.given:
        return token.text.endswith(("ki", "ka")) and match[1].islower() and is_thing(thing)
    nominative = any(case.endswith(" nom") for case in token.word.given_cases | token.word.surname_cases)
    genitive = any(case.endswith((" gen", " acc", " dat", " inst", " loc")) for case in token.word.given_cases)
    if not nominative or (genitive and token.text not in token.word.bases):
        return False
    return thing in POLISH_PRODUCTS or (thing not in LABEL_WORDS and is_thing(thing))


def _is_brand(tokens: list[_Token], first: int, last: int) -> bool:
    """Whether these words, some of them, or with their neighbours, are a brand that is called like a person."""
    return in_brand([token.text for token in tokens], first, last)
