"""Persons in German texts, without a language model: lists of names, what people write before and after a name, and what is no name.

There is no free German model of persons to install, and German writes every noun with a capital. So a given name that is on the lists
counts, and takes the capitalised word behind it along unless that is a known noun; a surname counts after a title or a role, before a
verb of saying, or where the same text has named it in full. A small tagger (see ``proper_de``) tells proper names from nouns: two of
them that stand together and are no place are taken for a person, with a low score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from pseudonymize.detection import gazetteer
from pseudonymize.detection.brands import BRANDS, in_brand
from pseudonymize.detection.context_de import (
    ARTICLE,
    DETERMINER,
    ENUMERATED,
    FINITE,
    FIRM,
    IS_TITLE,
    LOWER,
    LOWER_WORDS,
    NAMES_FOLLOW,
    NOT_PEOPLE,
    NOUN,
    PREPOSITION,
    QUOTED,
    QUOTES,
    ROLE,
    ROMANCE,
    SAID,
    SAINTS,
    SAYS,
    SEQUENCE,
    STREET,
    THING,
    TITLE,
    TOKEN,
    WHERE,
    WITH_INITIAL,
)
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.proper_de import Proper, is_verb, proper
from pseudonymize.detection.words import GERMAN_NOT_NAMES, GERMAN_PRODUCTS, GERMAN_WORDS

BOTH, AGAIN, TITLED, BESIDE, GIVEN, SPOKE, LIKELY = 0.88, 0.85, 0.85, 0.75, 0.6, 0.55, 0.5


@cache
def _given() -> frozenset[str]:
    names = gazetteer.given_names(gazetteer.LATIN_LOCALES) | gazetteer.from_cyrillic()
    return names - GERMAN_NOT_NAMES - gazetteer.common_words("de_DE")


@cache
def _usual_given() -> frozenset[str]:
    return (
        gazetteer.given_names(gazetteer.GERMAN_LOCALES)
        - GERMAN_NOT_NAMES
        - GERMAN_WORDS
        - gazetteer.common_words("de_DE")
    )


@cache
def _surnames() -> frozenset[str]:
    return gazetteer.surnames(gazetteer.LATIN_LOCALES)


class GermanNames:
    """Finds persons in German texts."""

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The persons of each text, in order."""
        return (_find(text) for text in texts)


def _find(text: str) -> list[Finding]:
    if not any(map(str.isupper, text)):
        return list(_uncapitalised(text))
    found: list[Finding] = []
    left: list[_Token] = []
    named: set[str] = set()
    for sequence in SEQUENCE.finditer(text):
        tokens = [(_written(match[0]), *match.span()) for match in TOKEN.finditer(text, *sequence.span())]
        for first, last, score in _persons(text, tokens):
            found.append(Finding(Kind.PERSON, tokens[first][1], tokens[last][2], score))
            if score >= BESIDE and (last > first or score == TITLED):
                named.add(_base(tokens[last][0]))
        left += tokens
    found += _with_initials(text, found)
    found += _enumerated(text, found)
    for word, start, end in left:
        if _base(word) in named and len(word) > 2 and not any(f.start < end and start < f.end for f in found):
            found.append(Finding(Kind.PERSON, start, end, AGAIN))
    return found


_Token = tuple[str, int, int]


def _written(word: str) -> str:
    return word.title() if word.isupper() and len(word) > 2 else word


def _base(word: str) -> str:
    """Without the genitive's s, when there is a name without it."""
    if word.endswith("s") and (word[:-1] in _given() or word[:-1] in _surnames()):
        return word[:-1]
    return word


def _enumerated(text: str, found: Sequence[Finding]) -> list[Finding]:
    """The other names of an enumeration of single words in which a person is, or in which all are surnames: Müller, Meier und Schmidt."""
    persons = []
    for match in ENUMERATED.finditer(text):
        spans = match.spans("one")
        words = [text[start:end] for start, end in spans]
        known = [any((person.start, person.end) == span for person in found) for span in spans]
        surnames = all(_is_surname(word) and not _is_noun(word) and proper(word) is not Proper.NOUN for word in words)
        if not any(known) and not surnames:
            continue
        for word, (start, end), is_known in zip(words, spans, known, strict=True):
            named = word in _given() or _is_surname(word) or proper(word) is not Proper.NOUN
            if (
                not is_known
                and named
                and not _is_noun(word)
                and not any(f.start < end and start < f.end for f in found)
            ):
                persons.append(Finding(Kind.PERSON, start, end, SPOKE))
    return persons


def _with_initials(text: str, found: Sequence[Finding]) -> list[Finding]:
    """Surnames behind an initial, and given names before one: M. Müller, Petra M."""
    persons = []
    for match in WITH_INITIAL.finditer(text):
        free = not any(person.start < match.end("name") and match.start("name") < person.end for person in found)
        if free and _is_surname(match["name"]):
            persons.append(Finding(Kind.PERSON, match.start(), match.end(), BESIDE))
    return persons


def _is_given(word: str) -> bool:
    return (
        word in _given()
        or (word.endswith("s") and word[:-1] in _usual_given())
        or ("-" in word and word.split("-", maxsplit=1)[0] in _given())
    )


def _is_usual(word: str) -> bool:
    return (
        word in _usual_given()
        or (word.endswith("s") and word[:-1] in _usual_given())
        or ("-" in word and word.split("-", maxsplit=1)[0] in _usual_given())
    )


def _is_listed(word: str) -> bool:
    """Whether it is a German given name, though it may be a word too."""
    return word in gazetteer.given_names(gazetteer.GERMAN_LOCALES)


def _is_surname(word: str) -> bool:
    return any(
        part in _surnames() or (part.endswith("s") and part[:-1] in _surnames())
        for part in (word, word.rsplit("-", 1)[-1])
    )


def _is_noun(word: str) -> bool:
    """Whether a capitalised word is known as something else than a name, or ends like it."""
    return (
        word in GERMAN_NOT_NAMES
        or word in gazetteer.common_words("de_DE")
        or NOUN.match(word) is not None
        or proper(word) is Proper.NOUN
    )


def _is_place(word: str) -> bool:
    return word in gazetteer.german_places()


def _persons(text: str, tokens: list[_Token]) -> Iterator[tuple[int, int, float]]:
    before = text[max(0, tokens[0][1] - 32) : tokens[0][1]]
    said, titled, place = SAID.search(before) is not None, TITLE.search(before) is not None, 0
    while place < len(tokens):
        word, start, _ = tokens[place]
        if IS_TITLE.match(word) or (place + 1 < len(tokens) and ROLE.search(word) and not _is_given(word)):
            titled, said, place = TITLE.search(" " + word) is not None, True, place + 1
            continue
        ahead = text[max(0, start - 32) : start]
        score, taken = _judge(text, tokens, place, ahead, said=said, titled=titled)
        last = place + taken
        if score and not titled and (_is_thing(tokens, place, ahead) or _is_street(tokens[last][0], alone=taken == 0)):
            score = 0.0
        if score <= BESIDE and _is_no_person(text, tokens[max(0, place - 1) : last + 2], doubtful=score <= SPOKE):
            score = 0.0
        if titled and f"dr {word}".casefold() in BRANDS:
            score = 0.0
        if score and (FIRM.match(text[tokens[last][2] : tokens[last][2] + 12]) or _is_brand(tokens, place, last)):
            score = 0.0
        if score:
            yield place, last, score
        said, titled, place = False, False, last + 1


def _judge(text: str, tokens: list[_Token], place: int, ahead: str, *, said: bool, titled: bool) -> tuple[float, int]:
    """(score, how many of the following words belong to the person); score 0: nobody."""
    word, rest = tokens[place][0], [token[0] for token in tokens[place + 1 :]]
    if word in GERMAN_NOT_NAMES and not titled:
        return 0.0, 0
    if _is_given(word):
        return _judge_given(tokens, place, ahead, said=said, titled=titled)
    if titled:
        more = 1 if rest and (_is_surname(rest[0]) or not _is_noun(rest[0])) else 0
        return TITLED, more
    if said and not _is_noun(word) and not _is_place(word) and (place > 0 or NAMES_FOLLOW.search(ahead)):
        more = 1 if rest and not _is_noun(rest[0]) else 0
        return (BESIDE if _is_surname(word) or more else SPOKE), more
    if rest and not _is_noun(word) and _is_surname(rest[0]) and not _is_noun(rest[0]) and PREPOSITION.search(ahead):
        return SPOKE, 1
    if (
        rest
        and _is_surname(word)
        and _is_usual(rest[0])
        and place == 0
        and not _is_noun(word)
        and len(rest) == 1
        and _comma_free(text, tokens, place)
    ):
        return BESIDE, 1
    if rest and _are_proper(text, tokens, place) and not ARTICLE.search(ahead) and not WHERE.search(ahead):
        return LIKELY, 2 if len(rest) == 2 and len(rest[0]) > 2 and proper(rest[1]) is not Proper.NOUN else 1
    end = tokens[place][2]
    if not rest and place == 0 and _is_subject(text, word, ahead, end):
        return LIKELY, 0
    if (
        not rest
        and SAYS.match(text[end : end + 20])
        and not _is_noun(word)
        and not DETERMINER.search(ahead)
        and place == 0
        and len(word) > 3
    ):
        return SPOKE, 0
    return 0.0, 0


def _judge_given(tokens: list[_Token], place: int, ahead: str, *, said: bool, titled: bool) -> tuple[float, int]:
    """As ``_judge``, of a word that is on the lists of given names."""
    word, rest = tokens[place][0], [token[0] for token in tokens[place + 1 :]]
    taken = 0
    while (
        taken < len(rest)
        and taken < 2
        and _is_usual(rest[taken])
        and taken + 1 < len(rest)
        and not _is_noun(rest[taken + 1])
    ):
        taken += 1
    if (
        taken < len(rest)
        and (_is_surname(rest[taken]) or not _is_noun(rest[taken]))
        and not _is_thing(tokens, place, ahead)
    ):
        known = _is_surname(rest[taken])
        if known or _is_usual(word) or said or (_is_listed(word) and not DETERMINER.search(ahead)):
            return (BOTH if known and (_is_usual(word) or said) else BESIDE), taken + 1
        if (
            proper(rest[taken]) in {Proper.NAME, Proper.UNSURE}
            and not ARTICLE.search(ahead)
            and not WHERE.search(ahead)
        ):
            return SPOKE, taken + 1
    if said:
        return TITLED if titled else BESIDE, 0
    if _is_usual(word) and (place == 0 or not _is_noun(tokens[place - 1][0])):
        return GIVEN, 0
    return (GIVEN, 0) if _is_usual(word) else (0.0, 0)


def _are_proper(text: str, tokens: list[_Token], place: int) -> bool:
    """Whether two words that stand together, on no list, are names and no places: Goze Deltschew."""
    pair, more = [token[0] for token in tokens[place : place + 2]], len(tokens) - place - 2
    if more > 1 or any(_is_place(one) or _is_noun(one) or len(one) < 2 for one in pair):
        return False
    if text[tokens[place][1] : tokens[place + 1][2]].isupper() or ROMANCE.search(
        text[tokens[place][2] : tokens[-1][1]]
    ):
        return False
    known = [proper(one) for one in pair]
    return Proper.NAME in known and known[0] is not Proper.OTHER


def _is_subject(text: str, word: str, ahead: str, end: int) -> bool:
    """Whether a proper name begins a sentence and does something, or is quoted: Strerath zitiert, Strerath: „…"""
    if ahead.strip(' \n-–•"„“»«') and ahead.rstrip()[-1:] not in ".!?\n“":
        return False
    if (
        len(word) < 4
        or text[end - len(word) : end].isupper()
        or _is_place(word)
        or _is_noun(word)
        or proper(word) is not Proper.NAME
    ):
        return False
    if QUOTES.match(text[end : end + 5]):
        return True
    verb = FINITE.match(text[end : end + 24])
    return verb is not None and is_verb(verb[1])


def _is_no_person(text: str, tokens: Sequence[_Token], *, doubtful: bool) -> bool:
    """Whether a word among these, which are or stand beside a name, is one of places, clubs and firms, or an abbreviation."""
    if any(word in NOT_PEOPLE for word, _, _ in tokens):
        return doubtful or any(word in SAINTS for word, _, _ in tokens)
    return doubtful and any(end - start < 5 and text[start:end].isupper() for _, start, end in tokens)


def _is_street(word: str, *, alone: bool) -> bool:
    """Whether a word is a street or house called after somebody: Karl-Marx-Platz; Brinkhaus behind a given name is a surname."""
    return (alone or "-" in word) and STREET.search(word) is not None


def _comma_free(text: str, tokens: list[_Token], place: int) -> bool:
    return "," not in text[tokens[place][2] : tokens[place + 1][1]]


def _is_thing(tokens: list[_Token], place: int, ahead: str) -> bool:
    """Whether the word before says that a thing is called so, or quotes stand before."""
    if QUOTED.search(ahead):
        return True
    match = THING.search(ahead)
    return match is not None and match[1].lower() in GERMAN_PRODUCTS


def _is_brand(tokens: list[_Token], first: int, last: int) -> bool:
    return in_brand([token[0] for token in tokens], first, last)


def _uncapitalised(text: str) -> Iterator[Finding]:
    """Persons in a text without capitals: behind a title or a saying, and usual given names with surnames."""
    for match in LOWER.finditer(text):
        first, second = match[1].title(), (match[2] or "").title()
        titled = text[match.start() : match.start() + 4].lower() in {"herr", "frau"}
        if _is_given(first) or (titled and first not in GERMAN_NOT_NAMES and not _is_noun(first)):
            yield Finding(
                Kind.PERSON, match.start(1), match.end(2) if second and _is_surname(second) else match.end(1), BESIDE
            )
    words = list(LOWER_WORDS.finditer(text))
    for one, two in pairwise(words):
        if (
            two.start() - one.end() == 1
            and _is_usual(one[0].title())
            and _is_surname(two[0].title())
            and not _is_noun(two[0].title())
        ):
            yield Finding(Kind.PERSON, one.start(), two.end(), BESIDE)
