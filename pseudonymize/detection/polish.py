"""Polish identifiers, with their check digits, and Polish ways to write phones, plates and addresses.

Identifiers are looked for in texts of every language: an English note about a Polish customer holds a PESEL too.
"""

from __future__ import annotations

from pseudonymize.detection.folding import fold
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import Pattern, expression, words_near
from pseudonymize.detection.writing import (
    BEGIN,
    BLANKS,
    DASHES,
    END,
    GAP,
    GAPS,
    ORDERS,
    SERIALS,
    SPLIT,
    digits,
    groups,
    hint,
)
from pseudonymize.transforms import checksums

_WORD = r"[A-ZĄĆĘŁŃÓŚŹŻ][\w'’\-]*"
_STREET_WORDS = r"ulic[ayęąi]|alej[aeiąę]|osiedl[aeu]|plac(?:u|em)?|skwer(?:u|em)?|rond[aoe]"
_STREET = (
    rf"(?: (?: (?i:{_STREET_WORDS}) \s+ | (?i:ul|al|os|pl) (?:\.\s*|\s+) )"
    rf" (?: (?:{_WORD}|\d{{1,2}}|i|gen\.|ks\.|św\.|im\.) \s+ ){{0,4}} {_WORD} | Rynek ) \s+"
)
_NUMBER = r"\d{1,4}[A-Za-z]? (?![\w@]) (?: \s? (?:/|m\.?|lok\.?|mieszk\w*\.?) \s? \d{1,4}[A-Za-z]? (?!\w) )?"
_TOWN = rf"\d{{2}}[{DASHES}]\d{{3}} [{BLANKS}] {_WORD} (?: [ \-] {_WORD} )?"
_TAX_NUMBER_GROUPS = "|".join(
    groups(*sizes, gap=rf"[{BLANKS}]?[{BLANKS}{DASHES}][{BLANKS}]?")
    for sizes in ((3, 3, 2, 2), (3, 2, 2, 3), (3, 2, 3, 2), (3, 3, 4))
)
_MEASURE = rf"[{BLANKS}]?(?:zł|PLN|EUR|USD|€|\$|%|km|kg|szt)(?![^\W_])"
_COMPANY = (
    "nip", "n i p", "podatnik", "podatkow", "tax", "vat", "faktur", "firm", "spółk", "nabywc", "sprzedawc", "kontrahent", "działalno",
)  # fmt: skip
_CALL = (
    "tel", "kom", "fon", "numer", "nr tel", "nr kom", "pod nr", "dzwoń", "dzwon", "zadzwoń", "oddzwo", "sms", "whatsapp", "kontakt",
    "infolini", "komór", "mobile", "phone", "call", "odezw", "połącz", "rejestrac", "blik", "wiadomoś", "proszę o",
)  # fmt: skip
# The first letters of plates: the voivodeship; the second and third, of the district, are not told apart here.
_PLATE = r"[BCDEFGKLNOPRSTWZ][A-Z]{1,2}"
_CAR = (
    "rejestracj",
    "rejestracyj",
    "tablic",
    "auto",
    "aut",
    "samoch",
    "pojazd",
    "nr rej",
    "numer rej",
    "rej.",
    "blachy",
    "plate",
    "wóz",
)


def _nip(number: str) -> bool:
    number = number.removeprefix("PL")
    return number[:1] != "0" and checksums.nip(number)  # no tax office has a code from 000 to 099


IDENTIFIERS = (
    Pattern(
        Kind.PL_PESEL,
        expression(
            rf"(?: (?<![+＋]) {BEGIN} | (?<=(?i:pesel)) ) (?: \d{{11}} | {groups(6, 5, gap=SPLIT)} | {groups(2, 2, 2, 5, gap=SPLIT)}"
            rf" | {groups(3, 3, 3, 2, gap=SPLIT)} | {groups(4, 4, 3, gap=SPLIT)} | {groups(5, 6, gap=SPLIT)}"
            rf" | {groups(3, 4, 4, gap=SPLIT)} ) {END}"
        ),
        score=0.0,
        hints=hint(11),
        check=checksums.pesel,
        context=words_near(["pesel"], denials=(*ORDERS, *SERIALS)),
    ),
    Pattern(  # however it is written, where the word says so
        Kind.PL_PESEL,
        expression(rf"{BEGIN} {digits(11, GAPS)} {END}"),
        score=0.0,
        hints=hint(11),
        check=checksums.pesel,
        checked=0.3,
        context=words_near(["pesel", "p e s e l"]),
    ),
    Pattern(
        Kind.PL_NIP,
        expression(rf"{BEGIN} (?:(?i:PL)[{BLANKS}{DASHES}]?)? (?:{_TAX_NUMBER_GROUPS}) {END}"),
        score=0.0,
        hints=hint(10),
        check=_nip,
        checked=0.95,
        context=words_near(_COMPANY, ORDERS),
    ),
    Pattern(  # with the country code it is the number for trade in the Union
        Kind.PL_NIP,
        expression(rf"{BEGIN} (?i:PL)[{BLANKS}]? \d{{10}} {END}"),
        score=0.0,
        hints=(r"pl[^a-z0-9]?\d{10}",),
        check=_nip,
    ),
    Pattern(
        Kind.PL_NIP,
        expression(rf"(?: {BEGIN} | (?<=(?i:nip)) ) {digits(10, GAPS)} {END}"),
        score=0.0,
        hints=hint(10),
        check=_nip,
        checked=0.3,  # one number of ten digits in eleven fits by chance: without a word near it, it is no finding
        context=words_near(_COMPANY, ORDERS),
    ),
    Pattern(
        Kind.PL_REGON,
        expression(rf"(?: {BEGIN} | (?<=(?i:regon)) ) (?: {digits(14)} | {digits(9)} ) {END}"),
        score=0.0,
        hints=hint(9),
        check=checksums.regon,
        checked=0.3,
        context=words_near(["regon", "gus", "statystyczn"], ORDERS),
    ),
    Pattern(
        Kind.PL_ID_CARD,
        expression(rf"{BEGIN} [A-Za-z]{{3}}[{BLANKS}{DASHES}]?\d{{3}}{GAP}\d{{3}} {END}"),
        score=0.0,
        hints=(r"[a-z]{3}[^a-z0-9]?\d{3}[^a-z0-9]?\d{3}",),
        check=checksums.polish_id_card,
        checked=0.55,
        context=words_near(
            [
                "dowód",
                "dowod",
                "dowo\u0301d",
                "osobist",
                "seria",
                "serii",
                "legitym",
                "tożsamo",
                "dokument",
                "id card",
                "identity card",
                "nr do",
            ]
        ),
    ),
    Pattern(
        Kind.PL_PASSPORT,
        expression(rf"{BEGIN} [A-Za-z]{{2}}[{BLANKS}{DASHES}]?\d{{3}}{GAP}\d{{2}}{GAP}\d{{2}} {END}"),
        score=0.0,
        hints=(r"[a-z]{2}[^a-z0-9]?\d{3}[^a-z0-9]?\d{2}[^a-z0-9]?\d{2}",),
        check=checksums.polish_passport,
        checked=0.45,
        context=words_near(["paszport", "passport", "dokument"]),
    ),
    Pattern(
        Kind.IBAN,
        expression(
            rf"{BEGIN} [A-Za-z]{{2}}[{BLANKS}]?\d{{2}} (?:{GAP}[A-Za-z0-9]{{4}}){{2,7}} (?:{GAP}[A-Za-z0-9]{{1,3}})? {END}"
        ),
        score=0.0,
        hints=(r"[a-z]{2}[^a-z0-9\n]?\d{2}[^a-z0-9\n]?[a-z0-9]{4}[^a-z0-9\n]?[a-z0-9]{4}",),
        check=checksums.iban,
    ),
    Pattern(  # a Polish account number without its country code
        Kind.IBAN,
        expression(rf"{BEGIN} \d{{2}} (?:{GAPS}\d{{4}}){{6}} {END}"),
        score=0.0,
        hints=hint(26),
        check=lambda number: checksums.iban("PL" + number),
    ),
)

PLATES = (
    Pattern(
        Kind.LICENSE_PLATE,
        expression(
            rf"{BEGIN} {_PLATE}[ {DASHES}]? (?: \d{{5}} | \d{{4}}[A-Z] | \d{{3}}[A-Z]{{2}} | \d[A-Z]\d{{3}} | \d{{2}}[A-Z]\d{{2}}"
            rf" | \d[A-Z]{{2}}\d{{2}}"
            rf" | [A-Z]\d{{3}} | \d{{2}}[A-Z]{{2}} | \d[A-Z]\d{{2}} | \d{{2}}[A-Z]\d | \d[A-Z]{{2}}\d | [A-Z]{{2}}\d{{2}} | \d{{4}} ) {END}"
        ),
        score=0.25,
        hints=(
            (
                r"[bcdefgklnoprstwz][a-z]{1,2}[^a-z0-9]?(?:\d{4}|\d{3}[a-z]|\d[a-z]\d|\d{2}[a-z]\d|[a-z]\d{3}|\d{2}[a-z]{2}|\d[a-z]{2}\d"
                r"|[a-z]{2}\d{2})"
            ),
        ),
        context=words_near(_CAR),
    ),
)

PHONES = (
    Pattern(
        Kind.PHONE,
        expression(rf"(?<![\w+]) (?: [+＋]\(?48\)? | 0048 | \(\+?48\) ) (?: {GAPS}\(?\d\)? ){{9}} (?!\d|[\-]\d)"),
        score=0.9,
        hints=(r"48[^a-z0-9\n]{0,4}\d(?:[^a-z0-9\n]{0,4}\d){8}",),
    ),
    Pattern(  # the way people write mobile and land-line numbers
        Kind.PHONE,
        expression(
            rf"(?<![\w+.,\-/]) (?: (?:48[{BLANKS}])? [4-8]\d{{2}}[{BLANKS}{DASHES}]\d{{3}}[{BLANKS}{DASHES}]\d{{3}}"
            rf" | \(?0?[1-9]\d\)?[{BLANKS}{DASHES}]\d{{3}}[{BLANKS}{DASHES}]\d{{2}}[{BLANKS}{DASHES}]\d{{2}}"
            rf" | \(0?[1-9]\d\)[{BLANKS}]?\d{{3}}[{BLANKS}{DASHES}]?\d{{2}}[{BLANKS}{DASHES}]?\d{{2}} )"
            rf" (?![\d\-]|[.,]\d|[{BLANKS}]\d{{3}}\b|{_MEASURE})"
        ),
        score=0.5,
        hints=hint(9),
        context=words_near(_CALL, ORDERS, SERIALS),
    ),
    Pattern(
        Kind.PHONE,
        expression(
            rf"(?<![\w+,\-/]) (?: (?:48)?[1-9]\d{{8}} | \d{{3}}\.\d{{3}}\.\d{{3}} | [1-9]{digits(8, GAPS)} ) (?!\d|[\-]\d|[.,]\d)"
        ),
        score=0.1,
        hints=hint(9),
        context=words_near(_CALL, ORDERS, SERIALS),
    ),
)

ADDRESSES = (
    Pattern(
        Kind.ADDRESS,
        expression(rf"(?<![^\W_]) {_STREET} {_NUMBER} (?: \s*,?\s+ {_TOWN} )?"),
        score=0.88,
        hints=(rf"(?:{fold(_STREET_WORDS).decode()}|rynek|[^a-z0-9_](?:ul|al|os|pl)[\s.])",),
    ),
    Pattern(
        Kind.ADDRESS,
        expression(rf"(?<![\d\-]) {_TOWN}"),
        score=0.86,
        hints=(r"\d{2}-\d{3} [a-z]",),
    ),
)
