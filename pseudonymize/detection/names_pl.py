"""Persons in Polish texts: what Morfeusz's dictionary says of each capitalised word, and what stands around it.

There is no free Polish model to install. The dictionary knows given names and surnames in all their cases, and that most surnames are
words, places or adjectives too; so a surname counts beside a given name, after a title, or where it is nothing else. A name that is
not in the dictionary counts only beside one that is, after a title, or by the ending of a surname.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pseudonymize.detection.brands import in_brand
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.morphology_pl import Word, is_finite_verb, word
from pseudonymize.detection.patterns import as_written, expression
from pseudonymize.detection.words import POLISH_NOT_NAMES, POLISH_PRODUCTS, POLISH_TOWNS, POLISH_WORDS

BOTH, AGAIN, TITLED, BESIDE, GIVEN, SHAPED = 0.9, 0.85, 0.8, 0.75, 0.65, 0.55

_PART = r"\p{Lu}(?:['’]\p{Lu})?[\p{Ll}\p{M}]+(?:\p{Lu}[\p{Ll}\p{M}]+)?"
_WORD = rf"{_PART}(?:[\-‐‑–]{_PART})?|\p{{Lu}}[\p{{Lu}}\p{{M}}]+(?:[\-‐‑–]\p{{Lu}}+)?"
_SEQUENCE = expression(
    rf"(?<![\w@./#]) (?:{_WORD}) (?: [ \u00a0]+ (?:\p{{Lu}}\.[ ]*)? (?:(?:van|von|de|da|di|el|al|bin|"
    rf"vel)[ ]+)? (?:{_WORD}) ){{0,5}} (?![\w@])"
)
_TOKEN = as_written(rf"(?:{_WORD})")
_TITLES = (
    r"pan(?:a|i|u|ą|em|ie|ią|ią|ów|om)?|państw[oau]?|dr|doktora?|prof|profesor(?:a|owi|em|ze)?|mgr|inż|mec|mecenas(?:a|owi|em)?|"
    r"ks|ksi[ąę]dz[aue]?m?|siostr[ao]|lek|dyr|dyrektor(?:a|ce|ka|ki|kę|ką|owi|em)?|prezes(?:a|owi|em|ka|ki)?|kierownik\w*|"
    r"klient(?:a|ka|ki|kę|ką|owi|em|ce)?|pacjent(?:a|ka|ki|kę|ką|owi|em|ce)?|redaktor\w*|adwokat\w*|sędzi\w*|komisarz\w*|hrabi\w*"
)
_RELATIONS = (
    r"mąż|męż[ae]\w*|żon[aęyąie]+|syn(?:a|em|owi)?|córk[aięą]|córce|brat(?:a|em|u)?|siostr[aęyą]|siostrze|mam[aęyąo]|tat[aęyąo]|cioci[aęąi]|"
    r"wuj(?:ek|ka|kiem)|babci[aęąi]|dziad(?:ek|ka|kiem|ziu)|koleżank[aięą]|koleżance|koleg[aięą]|koledze|przyjaci(?:el|ela|elem|ółk[aięą])|"
    r"przyjaciółce|sąsiad(?:a|em|ka|ki|ką)?|doradc[aęyąo]|konsultant(?:a|em|ka|ki|kę|ką|owi)?|sprzedawc[aęyą]|pracowni(?:k|ka|kiem|ca|cę|cy|cą)|"
    r"kurier(?:a|em|owi)?|asystent\w*|specjalist\w*|opiekun\w*|właściciel\w*|autor(?:a|em|ka|ki|ką)?|aktor(?:a|em|ka|ki|ką)?|użytkownik\w*|"
    r"subskrybent\w*|odbiorc\w*|nadawc\w*|zamawiając\w*|kupując\w*|posiadacz\w*|uczestni\w*|laureat\w*|zwyci\w*|partner\w*|narzeczon\w*"
)
_SAYINGS = (
    r"nazywam[ ]+się | podpisan[oay][,:]? | imię[ ]+i[ ]+nazwisko[ ]*:? | (?:imię|nazwisko|odbiorca|nadawca|klient|klientka|kontakt|osoba|"
    r"zamawiający|właściciel|autor|podpis)[ ]*: | mam[ ]+na[ ]+imię | na[ ]+imię | jestem | tu | p\. | (?:z[ ]+)?poważaniem[,.]?\s | "
    r"pozdrawiam[,.]?(?:[ ]+serdecznie[,.]?)?\s | (?<!\w)(?:cześć|hej|witaj|drog[ai]|kochan[ay]|szanown[ay]|dzięki)[,]?"
)
_BEFORE = expression(rf"(?:^|[^\w@.\-]) (?: (?:{_TITLES}|{_RELATIONS}) \.? | {_SAYINGS} ) \s* $", any_case=True)
_IS_TITLE = expression(rf"^(?:{_TITLES}|{_RELATIONS})$", any_case=True)
_GREETING = expression(
    r"^(?:cześć|hej|witaj|drog[ai]|kochan[ay]|szanown[ayi]|szanowny|witam|dzięki|pozdrawiam|z|od|dla|do|u|przez)$",
    any_case=True,
)
_PLACES = (
    r"ul\.?|ulic\w*|al\.?|alej\w*|plac\w*|pl\.|os\.?|osiedl\w*|rond\w*|skwer\w*|park\w*|most\w*|bulwar\w*|im\.?|imieni[ae]|pomnik\w*|szkoł\w*|"
    r"liceum|uniwersytet\w*|hotel\w*|pensjonat\w*|restauracj\w*|kawiarni\w*|galeri\w*|sklep\w*|mark[aięą]|marce|firm\w*|spółk\w*|model\w*|kolekcj\w*|"
    r"lini[aięą]|seri[aięą]|wieś|wsi|gmin\w*|miejscowoś\w*|mieście|miasto|miasta|dzielnic\w*|święt\w+|św\.?|stadion\w*|kościo\w*|parafi\w*|szpital\w*|"
    r"klub\w*|drużyn\w*|powieś\w*|książk\w*|film\w*|serial\w*|piosenk\w*|album\w*|gr[aęy]|hurtowni\w*|producent\w*|apartament\w*|centrum|stacj\w*|"
    r"przystan\w*|tramwaj\w*|dworzec\w*|dworc\w*|nagrod\w*|order\w*|fundacj\w*|bank\w*|apte\w*|odmian\w*|huragan\w*|orkan\w*|burz\w*|statek|prom"
)
_PLACE = expression(rf"(?:^|[^\w]) (?:{_PLACES}) [ ]* [„\"'«]? $", any_case=True)
_QUOTED = as_written(r"[„\"«'‚][ ]?$")
_FIRM = expression(
    r"^ [ ]* (?: Sp\.? [ ]? z | S\.A | SA\b | s\.c | sp\.j | Sp\.j | sp\.[ ]k | &[ ] | i[ ](?:Synowie|Wspólnicy|"
    r"S-ka) | GmbH | Ltd | Inc | [®™] )"
)
_DAY = as_written(r"\d\.?[ ]$")
_LAST_WORD = as_written(r"(?:^|[^\p{L}])([\p{L}]+)[ ]+$")
_SHAPE = as_written(
    r".{2,}(?:[sc]|dz)k(?:i|iego|iemu|im|ich|imi|a|iej|ą|o)$|.{2,}(?:[eo]wicz)(?:a|owi|em|u|owie|ów|om|ami|owa|owej|ową)?$"
    r"|.{3,}czyk(?:a|owi|iem|u|owie|ów|om)?$|.{3,}(?:czak|iak|szczak)(?:a|owi|iem|u|owie|ów|om)?$"
    r"|.{3,}(?:czuk|niuk|szuk|enko|eńko)(?:a|owi|iem|u|i|ę|ą)?$"
)
# Shaped like surnames, and adjectives all the same (nationalities, towns, months): only beside a name or after a title.
_ADJECTIVES = as_written(
    r"^(?:Pol|Niemiec|Angiel|Francu|Włos|Rosyj|Hiszpań|Ukraiń|Cze|Szwedz|Europej|Warszaw|Krakow|Gdań|Poznań|Śląs|Mazowiec|Pomor|"
    r"Małopol|Wielkopol|Wrocław|Łódz|Lubel|Miej|Morz|Królew|Wojsk|Boż|Amerykań|Brytyj|Białos|Bałtyc|Katolic|Miejs|Politechnicz|Nauczyciel|"
    r"Norwes|Duńs|Fińs|Greck|Turec|Chińs|Japoń|Koreań|Holender|Portugal|Litew|Słowac|Węgier|Szwajcar|Austriac|Irlandz|Szkoc|Zachodniopomor|"
    r"Podkarpac|Dolnośląs|Kujaws|Świętokrzys|Opols|Toruńs|Szczeciń|Katowic|Gdyńs|Olsztyń|Rzeszow|Bydgos|Kielec|Tatrzań|Zakopiań|Podhalań|Klasycz)"
)
_LABELS = frozenset(
    (
        "Nazwisko",
        "Imię",
        "Adres",
        "Telefon",
        "Tel",
        "Email",
        "Mail",
        "Nip",
        "Pesel",
        "Firma",
        "Data",
        "Numer",
        "Klient",
        "Adresat",
    )
)
_WITH_INITIAL = expression(
    rf"(?<![\w.]) (?: \p{{Lu}}\. [ ]? (?:\p{{Lu}}\. [ ]?)? (?P<name>{_WORD}) | (?P<name>{_WORD}) [ ] \p{{Lu}}\. ) (?!\w)"
)
_LOWER = as_written(
    r"(?i)(?<!\w)(?:pan(?:a|i|u|ą|em|ie|ią)?|nazywam się|mam na imię|tu|jestem|p\.) ([\p{Ll}]+)(?: ([\p{Ll}\-]+))?"
)


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    word: Word
    shouted: bool


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
    return (known.given or known.surname or bool(_SHAPE.match(form))) and not (known.common or known.place)


def _find(text: str) -> list[Finding]:
    if text.islower():
        return list(_uncapitalised(text))
    found: list[Finding] = []
    bases: set[str] = set()
    left: list[_Token] = []
    for sequence in _SEQUENCE.finditer(text):
        tokens = [_token(match[0], *match.span()) for match in _TOKEN.finditer(text, *sequence.span())]
        for first, last, score in _persons(text, tokens):
            found.append(Finding(Kind.PERSON, tokens[first].start, tokens[last].end, score))
            if score >= TITLED:
                bases |= {base for token in tokens[first : last + 1] for base in token.word.bases}
        left += tokens
    found += _with_initials(text, found)
    if bases:
        found += _again(left, bases, found)
    return found


def _with_initials(text: str, found: Sequence[Finding]) -> list[Finding]:
    """Surnames with an initial: J. Nowak, Kowalski J."""
    persons = []
    for match in _WITH_INITIAL.finditer(text, overlapped=True):
        token = _token(match["name"], *match.span("name"))
        sure = token.word.usual_surname or _SHAPE.match(token.text) or (token.word.surname and not token.word.place)
        start, end = match.span()
        free = not any(person.start < end < person.end or person.start < start < person.end for person in found)
        before = text[max(0, match.start() - 32) : match.start()]
        if sure and free and not _PLACE.search(before) and not _ADJECTIVES.match(token.text):
            persons.append(Finding(Kind.PERSON, match.start(), match.end(), BESIDE))
    return persons


def _token(written: str, start: int, end: int) -> _Token:
    """A token as the dictionary writes it: KOWALSKI is Kowalski."""
    parts = written.replace("‐", "-").replace("‑", "-").replace("–", "-").split("-")
    plain = "-".join(part.capitalize() if len(part) > 1 and part.isupper() else part for part in parts)
    return _Token(start, end, plain, word(plain), written.isupper())


def _again(tokens: Sequence[_Token], bases: set[str], found: Sequence[Finding]) -> Iterator[Finding]:
    """Words of a name that was found, where they stand alone elsewhere in the text, in any case."""
    for token in tokens:
        name = token.word
        meant = name.bases & bases and not (name.common and token.text not in name.bases)
        if meant and not any(person.start < token.end and token.start < person.end for person in found):
            yield Finding(Kind.PERSON, token.start, token.end, AGAIN)


def _persons(text: str, tokens: list[_Token]) -> Iterator[tuple[int, int, float]]:
    """(first, last, score) for each person among capitalised words that stand together."""
    before = text[max(0, tokens[0].start - 32) : tokens[0].start]
    titled = _BEFORE.search(before) is not None
    opens = _opens_sentence(before)
    named = _PLACE.search(before) is not None or _QUOTED.search(before) is not None or _DAY.search(before) is not None
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if _IS_TITLE.match(token.text) and len(tokens) > place + 1 and not token.word.usual_given:
            titled, opens, named, place = True, False, False, place + 1
            continue
        if opens and _GREETING.match(token.text) and not token.word.usual_given:
            opens, place = False, place + 1
            continue
        if place and _PLACE.search(" " + tokens[place - 1].text.lower() + " "):
            named = True
        score, taken = _judge(tokens, place, titled=titled, opens=opens)
        last = place + taken
        if score and (_FIRM.match(text[tokens[last].end : tokens[last].end + 12]) or (named and not titled)):
            score = 0.0
        if score and taken == 0 and not titled and _is_thing(text, token, before, tokens, opens=opens):
            score = 0.0
        if score and not _is_brand(tokens, place, last):
            yield place, last, score
        titled, opens = False, False
        named = named and not score
        place = last + 1


def _opens_sentence(before: str) -> bool:
    before = before.rstrip(" \t\"'„”(–-*•")
    return not before or before[-1] in ".!?\n:;"


def _judge(tokens: list[_Token], place: int, *, titled: bool, opens: bool) -> tuple[float, int]:
    """(score, how many of the following words belong to the person); score 0: nobody."""
    token = tokens[place]
    name, rest = token.word, tokens[place + 1 :]
    if token.text in POLISH_NOT_NAMES and not (rest and name.surname and rest[0].word.usual_given):
        return 0.0, 0
    if name.given:
        taken = _name_behind(token, rest)
        if taken:
            last = rest[taken - 1]
            agrees = not last.word.surname or not name.given_cases.isdisjoint(last.word.surname_cases)
            sure = agrees and (name.usual_given or not name.common)
            if sure and (_is_surname(last) or name.usual_given):
                return (BOTH if _is_surname(last) else BESIDE), taken
            if titled or name.usual_given:
                return BESIDE, taken
        elif titled:
            return TITLED, 0
        elif token.text not in POLISH_TOWNS and _is_given_alone(token, opens=opens):
            return GIVEN, 0
    if (
        rest
        and _is_surname(token)
        and token.text.lower() not in POLISH_PRODUCTS
        and rest[0].word.usual_given
        and not name.surname_cases.isdisjoint(rest[0].word.given_cases)
    ):
        return BOTH, 1
    if (
        name.unknown
        and rest
        and len(token.text) > 2
        and (rest[0].word.usual_surname or _SHAPE.match(rest[0].text))
        and not opens
    ):
        return BESIDE, 1
    if titled and not name.firm and (_is_surname(token) or name.unknown) and not (name.place and not name.surname):
        more = 1 if rest and (rest[0].word.unknown or _is_surname(rest[0])) and not rest[0].word.place else 0
        return TITLED, more
    return (SHAPED, 0) if _is_surname_alone(token, opens=opens, between=place > 0) else (0.0, 0)


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
    if token.text in _LABELS:
        return False
    if name.surname or _SHAPE.match(token.text):
        return True
    if token.text in POLISH_NOT_NAMES:
        return False
    return name.unknown or not (name.common or name.place or name.firm or name.adjective)


def _is_surname(token: _Token) -> bool:
    return token.word.surname or bool(_SHAPE.match(token.text))


def _is_given_alone(token: _Token, *, opens: bool) -> bool:
    """Whether a given name without a surname, a title or a saying counts."""
    name = token.word
    if name.usual_given:
        return token.text not in POLISH_TOWNS and not (opens and token.text in POLISH_WORDS)
    return not (name.common or name.firm or (name.place and opens) or (name.surname and opens))


def _is_surname_alone(token: _Token, *, opens: bool, between: bool) -> bool:
    """Whether a surname without anything that says so counts: in the middle of a sentence, and where it is hardly another word."""
    name = token.word
    if opens or name.common or name.firm or token.shouted or _ADJECTIVES.match(token.text):
        return False
    if name.usual_surname:
        return not between or not name.adjective
    if name.place or name.ordinary or between:
        return False
    if name.adjective:
        return bool(_SHAPE.match(token.text))
    return name.surname or (name.unknown and bool(_SHAPE.match(token.text)))


def _is_thing(text: str, token: _Token, before: str, tokens: list[_Token], *, opens: bool) -> bool:
    """Whether a single name is what a thing is called: sofa Marta, krem Anna, 8 Marta."""
    if opens:
        behind = text[token.end : token.end + 30].lstrip(" ").split(" ", 1)[0].strip(".,!?")
        return token.word.common and not token.word.usual_given and not is_finite_verb(behind)
    place = tokens.index(token)
    match = _LAST_WORD.search(before if place == 0 else tokens[place - 1].text.lower() + " ")
    if match is None or not match[1].islower():
        return False
    nominative = any(case.endswith(" nom") for case in token.word.given_cases | token.word.surname_cases)
    genitive = any(case.endswith((" gen", " acc", " dat", " inst", " loc")) for case in token.word.given_cases)
    return nominative and (not genitive or token.text in token.word.bases) and match[1] in POLISH_PRODUCTS


def _is_brand(tokens: list[_Token], first: int, last: int) -> bool:
    """Whether these words, some of them, or with their neighbours, are a brand that is called like a person."""
    return in_brand([token.text for token in tokens], first, last)


def _uncapitalised(text: str) -> Iterator[Finding]:
    """Persons in a text without capitals: what stands behind a title or a saying, and given names with surnames."""
    for match in _LOWER.finditer(text):
        first, second = word(match[1].capitalize()), word((match[2] or "").capitalize()) if match[2] else None
        if (
            second is not None
            and (first.given or first.surname)
            and (second.surname or second.given or _SHAPE.match(match[2]))
        ):
            yield Finding(Kind.PERSON, match.start(1), match.end(2), TITLED)
        elif (first.given or first.surname) and not first.other:
            yield Finding(Kind.PERSON, match.start(1), match.end(1), GIVEN)
    words = list(_LOWER_WORDS.finditer(text))
    for one, two in pairwise(words):
        if two.start() - one.end() != 1:
            continue
        given, surname = word(one[0].capitalize()), word(two[0].capitalize())
        usual = given.usual_given and not given.common
        if usual and (surname.usual_surname or (_SHAPE.match(two[0]) and surname.surname)):
            yield Finding(Kind.PERSON, one.start(), two.end(), BESIDE)


_LOWER_WORDS = as_written(r"(?<![\w@.#/])\p{Ll}{3,}(?:-\p{Ll}{2,})?(?![\w@])")
