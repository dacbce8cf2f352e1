"""Persons in German texts, without a language model: lists of names, what people write before and after a name, and what is no name.

There is no free German model to install, and German writes every noun with a capital. So a given name that is on the lists counts, and
takes the capitalised word behind it along unless that is a known noun; a surname counts after a title, before a verb of saying, or
where the same text has named it in full. Who is on no list and has no title goes unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from pseudonymize.detection import gazetteer
from pseudonymize.detection.brands import BRANDS, in_brand
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import as_written, expression
from pseudonymize.detection.words import GERMAN_NOT_NAMES, GERMAN_PRODUCTS, GERMAN_WORDS

BOTH, AGAIN, TITLED, BESIDE, GIVEN, SPOKE = 0.88, 0.85, 0.85, 0.75, 0.6, 0.55

_PART = r"\p{Lu}(?:['’]\p{Lu})?[\p{Ll}\p{M}]+(?:\p{Lu}[\p{Ll}\p{M}]+)?|\p{Lu}{3,}"
_WORD = rf"(?:{_PART})(?:[\-‐‑](?:{_PART}))*"
_PARTICLES = r"(?:(?:von|van|vom|zu|zur|der|den|de|da|di|del|al|el|bin|ter|und[ ]zu|dos|la|le)[ ]){0,3}"
_SEQUENCE = expression(
    rf"(?<![\w@./#\-]) (?:{_WORD}) (?: [ \u00a0] (?:\p{{Lu}}\.[ ]?){{0,2}} {_PARTICLES} (?:{_WORD}) ){{0,5}} (?![\w@])"
)
_TOKEN = as_written(_WORD)
_TITLES = r"herrn?|frau|fräulein|hr\.?|fr\.?|dr\.?|prof\.?|professor(?:in)?|doktor|dipl\.-?\w*\.?|ing\.?|familie|kollegen?|kollegin|sankt"
_ROLES = (
    r"kund(?:e|en|in)|mitarbeiter(?:in)?|ansprechpartner(?:in)?|berater(?:in)?|verkäufer(?:in)?|patient(?:en|in)?|nutzer(?:in)?|freund(?:in)?|"
    r"chef(?:in)?|geschäftsführer(?:in)?|direktor(?:in)?|präsident(?:en|in)?|kanzler(?:in|s)?|bundeskanzler(?:in|s)?|minister(?:in)?|\w+minister(?:in)?|"
    r"trainer(?:in|s)?|spieler(?:in)?|sänger(?:in)?|schauspieler(?:in)?|autor(?:in)?|regisseur(?:in)?|sprecher(?:in)?|anwalt|anwältin|"
    r"bürgermeister(?:in)?|oberbürgermeister(?:in)?|vorsitzende[rn]?|tochter|sohn|bruder|schwester|mutter|vater|mama|papa|oma|opa|onkel|tante|"
    r"ehefrau|ehemann|nachbar(?:in|n)?|empfänger(?:in)?|absender(?:in)?|inhaber(?:in)?|gewinner(?:in)?|teilnehmer(?:in)?|influencer(?:in)?"
)
_SAYINGS = (
    r"ich[ ]heiße | mein[ ]name[ ]ist | (?:name|vorname|nachname|kontakt|empfänger|absender|kunde|kundin|"
    r"ansprechpartner(?:in)?|unterschrift|inhaber)[ ]?: | "
    r"hier[ ](?:ist|schreibt|spricht) | (?:viele|liebe|beste|herzliche|schöne|mit[ ]freundlichen)[ ]gr(?:ü|"
    r"ue)(?:ß|ss)en?[,]?\s | gez\. | i\.[ ]?a\. | i\.[ ]?v\. | "
    r"(?:sehr[ ]geehrte[rn]?|liebe[rs]?|hallo|hi|hey|moin|servus|danke|guten[ ](?:tag|morgen|abend))[,]? |"
    r" lg[,]? | vg[,]? | mfg[,]? | gruß[,]? | namens | heißt "
)
_TITLE = expression(rf"(?:^|[^\w@.\-]) (?:{_TITLES}) [ ]? $", any_case=True)
_SAID = expression(rf"(?:^|[^\w@.\-]) (?: (?:{_TITLES}|{_ROLES}) | {_SAYINGS} ) \s* $", any_case=True)
_IS_TITLE = expression(rf"^(?:{_TITLES}|{_ROLES}|lieber?|hallo|hi|hey|danke)$", any_case=True)
_SPOKE = as_written(
    r"^,? (?:sagte|sagt|erklärte|erklärt|meinte|meint|betonte|betont|kritisierte|forderte|fordert|schrieb|"
    r"schreibt|lobte|antwortete|erzählte|erzählt|"
    r"berichtete|berichtet|fügte|kündigte|twitterte|postete|rief|bestellte|reklamierte|kaufte|wohnt|arbeitet|"
    r"gewann|verlor|traf|spielte|heiratete|starb|wurde geboren)\b"
)
_NAMES_FOLLOW = expression(
    rf"(?:^|[^\w@.\-]) (?: {_ROLES} | ich[ ]heiße | mein[ ]name[ ]ist | (?:name|vorname|nachname|kontakt|empfänger|"
    rf"absender|ansprechpartner(?:in)?)[ ]?: |"
    r" grüß(?:e|en),?\s | gr(?:uß|uss),? | liebe[rs]? | hallo | hi | hey | gez\. | i\.[ ]?[av]\. ) \s* $",
    any_case=True,
)
_PREPOSITION = as_written(
    r"(?i)(?:^|[^\w])(?:von|mit|an|bei|für|laut|durch|gegen|über|und|hat|ist|sind|war|dass|sie|haben|wie|als) $"
)
_DETERMINER = as_written(
    r"(?i)(?:^|[^\w])(?:der|die|das|den|dem|des|ein|eine|einen|einem|einer|kein|keine|mein|meine|sein|seine|ihr|"
    r"ihre|unser|unsere|dies\w+|jede\w*|\w+e[rsnm]?) $"
)
_THING = as_written(r"(?i)(?:^|[^\p{L}])(\p{L}+) [\"„»]?$")
_QUOTED = as_written(r"[„\"»«‚]$")
_FIRM = expression(
    r"^ (?:['’]s)? [ ]? (?: GmbH | AG\b | KG\b | e\.?[ ]?K | OHG | mbH | UG\b | SE\b | &[ ] | \+[ ] |"
    r" und[ ](?:Söhne|Partner|Co)\b | Inc | Ltd | [®™] | [\-][A-Za-z] )"
)
_STREET = as_written(
    r"(?i)(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|ring|ufer|brücke|schule|preis|haus|stiftung|park|halle|stadion|gymnasium|klinik|kirche|universität|denkmal|orden)$"
)
_NOUN = as_written(
    r".{3,}(?:ung|ungen|heit|keit|schaft|tion|tionen|tät|ismus|nis|tum|ment|ling|chen|lein|stoff|zeug|werk|ware|karte|service|nummer|preis|paket|gerät|straße|markt|laden)s?$"
)
_WITH_INITIAL = expression(rf"(?<![\w.]) \p{{Lu}}\. [ ]? (?:\p{{Lu}}\. [ ]?)? (?P<name>{_WORD}) (?!\w)")
_LOWER = as_written(
    r"(?i)(?<!\w)(?:herrn?|frau|ich heiße|mein name ist|ich bin|hallo|liebe[r]?|hier ist) ([a-zäöüß]{3,})(?: ([a-zäöüß\-]{3,}))?"
)
_LOWER_WORDS = as_written(r"(?<![\w@.#/])[a-zäöüß]{3,}(?:-[a-zäöüß]{2,})?(?![\w@])")


@cache
def _given() -> frozenset[str]:
    return gazetteer.given_names(gazetteer.LATIN_LOCALES) - GERMAN_NOT_NAMES - gazetteer.common_words("de_DE")


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
    for sequence in _SEQUENCE.finditer(text):
        tokens = [(_written(match[0]), *match.span()) for match in _TOKEN.finditer(text, *sequence.span())]
        for first, last, score in _persons(text, tokens):
            found.append(Finding(Kind.PERSON, tokens[first][1], tokens[last][2], score))
            if score >= BESIDE and (last > first or score == TITLED):
                named.add(_base(tokens[last][0]))
        left += tokens
    found += _with_initials(text, found)
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


def _with_initials(text: str, found: Sequence[Finding]) -> list[Finding]:
    """Surnames behind an initial, and given names before one: M. Müller, Petra M."""
    persons = []
    for match in _WITH_INITIAL.finditer(text):
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
    return word in GERMAN_NOT_NAMES or word in gazetteer.common_words("de_DE") or _NOUN.match(word) is not None


def _persons(text: str, tokens: list[_Token]) -> Iterator[tuple[int, int, float]]:
    before = text[max(0, tokens[0][1] - 32) : tokens[0][1]]
    said, titled, place = _SAID.search(before) is not None, _TITLE.search(before) is not None, 0
    while place < len(tokens):
        word, start, _ = tokens[place]
        if _IS_TITLE.match(word):
            titled, said, place = _TITLE.search(" " + word) is not None, True, place + 1
            continue
        ahead = text[max(0, start - 32) : start]
        score, taken = _judge(text, tokens, place, ahead, said=said, titled=titled)
        last = place + taken
        if score and not titled and (_is_thing(tokens, place, ahead) or _is_street(tokens[last][0], alone=taken == 0)):
            score = 0.0
        if titled and f"dr {word}".casefold() in BRANDS:
            score = 0.0
        if score and (_FIRM.match(text[tokens[last][2] : tokens[last][2] + 12]) or _is_brand(tokens, place, last)):
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
            if known or _is_usual(word) or said or (_is_listed(word) and not _DETERMINER.search(ahead)):
                return (BOTH if known and (_is_usual(word) or said) else BESIDE), taken + 1
        if said:
            return TITLED if titled else BESIDE, 0
        if _is_usual(word) and (place == 0 or not _is_noun(tokens[place - 1][0])):
            return GIVEN, 0
        return (GIVEN, 0) if _is_usual(word) else (0.0, 0)
    if titled:
        more = 1 if rest and (_is_surname(rest[0]) or not _is_noun(rest[0])) else 0
        return TITLED, more
    if said and not _is_noun(word) and (place > 0 or _NAMES_FOLLOW.search(ahead)):
        more = 1 if rest and not _is_noun(rest[0]) else 0
        return (BESIDE if _is_surname(word) or more else SPOKE), more
    if rest and not _is_noun(word) and _is_surname(rest[0]) and not _is_noun(rest[0]) and _PREPOSITION.search(ahead):
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
    end = tokens[place][2]
    if (
        not rest
        and _SPOKE.match(text[end : end + 20])
        and not _is_noun(word)
        and not _DETERMINER.search(ahead)
        and place == 0
        and len(word) > 3
    ):
        return SPOKE, 0
    return 0.0, 0


def _is_street(word: str, *, alone: bool) -> bool:
    """Whether a word is a street or house called after somebody: Karl-Marx-Platz; Brinkhaus behind a given name is a surname."""
    return (alone or "-" in word) and _STREET.search(word) is not None


def _comma_free(text: str, tokens: list[_Token], place: int) -> bool:
    return "," not in text[tokens[place][2] : tokens[place + 1][1]]


def _is_thing(tokens: list[_Token], place: int, ahead: str) -> bool:
    """Whether the word before says that a thing is called so, or quotes stand before."""
    if _QUOTED.search(ahead):
        return True
    match = _THING.search(ahead)
    return match is not None and match[1].lower() in GERMAN_PRODUCTS


def _is_brand(tokens: list[_Token], first: int, last: int) -> bool:
    return in_brand([token[0] for token in tokens], first, last)


def _uncapitalised(text: str) -> Iterator[Finding]:
    """Persons in a text without capitals: behind a title or a saying, and usual given names with surnames."""
    for match in _LOWER.finditer(text):
        first, second = match[1].title(), (match[2] or "").title()
        titled = text[match.start() : match.start() + 4].lower() in {"herr", "frau"}
        if _is_given(first) or (titled and first not in GERMAN_NOT_NAMES and not _is_noun(first)):
            yield Finding(
                Kind.PERSON, match.start(1), match.end(2) if second and _is_surname(second) else match.end(1), BESIDE
            )
    words = list(_LOWER_WORDS.finditer(text))
    for one, two in pairwise(words):
        if (
            two.start() - one.end() == 1
            and _is_usual(one[0].title())
            and _is_surname(two[0].title())
            and not _is_noun(two[0].title())
        ):
            yield Finding(Kind.PERSON, one.start(), two.end(), BESIDE)
