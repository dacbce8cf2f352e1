"""Russian identifiers, with their check digits, and Russian ways to write phones, plates and addresses."""

from __future__ import annotations

from pseudonymize.detection import checks
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import Pattern, expression, words_near
from pseudonymize.detection.writing import BEGIN, BLANKS, DASHES, END, GAPS, NO_YEAR, ORDERS, digits, groups, hint

_LETTERS = "АВЕКМНОРСТУХABEKMHOPCTYX"  # of plates: those that both alphabets have
_WORD = r"\p{Lu}[\p{L}\p{M}\-]*"
_STREET_WORDS = (
    r"(?i:ул\.?|улиц[аеуы]|пр-?т\.?|просп\.?|проспект[аеу]?|пер\.?|переул(?:ок|ке|ка)|бул\.?|б-р|бульвар[еау]?|ш\.|шоссе|наб\.?|"
    r"набережн(?:ая|ой)|пл\.?|площад[ьи]|проезд[еа]?|туп\.?|мкр\.?)"
)
_HOUSE = r"(?: (?:д\.?|дом[ае]?) \s* )? \d{1,4}[а-яА-Я]? (?![^\W_]) (?: \s?/\s?\d{1,4} )?"
_UNIT = r"(?: ,?\s* (?: (?i:к\.|корп\.?|корпус|стр\.?|кв\.?|квартира|офис|оф\.?|под\.?|подъезд) ) \s* \d{1,4} )"
_CALL = (
    "тел", "моб", "звон", "позвон", "перезвон", "номер", "смс", "sms", "whatsapp", "ватсап", "вотсап", "телеграм", "контакт", "связ",
    "phone", "call", "факс",
)  # fmt: skip

IDENTIFIERS = (
    Pattern(
        Kind.RU_INN,
        expression(rf"{BEGIN} (?: \d{{10}} | {groups(4, 4, 2)} | {groups(4, 6)} ) {END}"),
        score=0.0,
        hints=hint(10),
        check=checks.inn,
        checked=0.3,
        context=words_near(["инн", "налог", "inn", "реквизит"], ORDERS),
    ),
    Pattern(  # of people: two check digits
        Kind.RU_INN,
        expression(rf"{BEGIN} (?: \d{{12}} | {groups(4, 4, 4)} | {groups(4, 6, 2)} ) {END}"),
        score=0.0,
        hints=hint(12),
        check=checks.inn,
        checked=0.8,
        context=words_near(["инн", "налог", "inn"], ORDERS),
    ),
    Pattern(
        Kind.RU_SNILS,
        expression(
            rf"{BEGIN} (?: \d{{3}}[{BLANKS}{DASHES}]\d{{3}}[{BLANKS}{DASHES}]\d{{3}}[{BLANKS}{DASHES}]?\d{{2}} ) {END}"
        ),
        score=0.0,
        hints=hint(11),
        check=checks.snils,
    ),
    Pattern(
        Kind.RU_SNILS,
        expression(rf"{BEGIN} {digits(11, GAPS)} {END}"),
        score=0.0,
        hints=hint(11),
        check=checks.snils,
        checked=0.35,
        context=words_near(["снилс", "пенсион", "страхов", "snils"]),
    ),
    Pattern(
        Kind.RU_PASSPORT,
        expression(
            rf"{BEGIN} \d{{2}}[{BLANKS}]?\d{{2}} (?: [{BLANKS}]?[№N#]?[{BLANKS}]? | [{BLANKS},]{{0,2}}(?:номер|"
            rf"№)[{BLANKS}]? ) \d{{6}} {END}"
        ),
        score=0.1,
        hints=(r"\d{2} ?\d{2}.{0,9}\d{6}",),
        context=words_near(["паспорт", "серия", "серии", "passport", "документ"], ("инн", "заказ", "тел")),
    ),
    Pattern(
        Kind.RU_OGRN,
        expression(rf"{BEGIN} (?: \d{{13}} | \d{{15}} ) {END}"),
        score=0.0,
        hints=(r"\d{13}",),
        check=checks.ogrn,
        checked=0.35,
        context=words_near(["огрн", "ogrn", "реестр", "егрю", "егри"]),
    ),
)

PLATES = (
    Pattern(
        Kind.LICENSE_PLATE,
        expression(rf"{BEGIN} (?i:[{_LETTERS}][ ]?\d{{3}}[ ]?[{_LETTERS}]{{2}}[ ]?\d{{2,3}}) (?:[ ]?RUS)? {END}"),
        score=0.75,
        hints=(r"[a-z] ?\d{3} ?[a-z]{2} ?\d{2}",),
    ),
)

PHONES = (
    Pattern(
        Kind.PHONE,
        expression(
            rf"(?<![\w+]) (?= (?:\D{{0,3}}\d){{11}} ) (?: [+＋]7 | [78] ) {GAPS} (?: \(\d{{3,5}}\) | [3489]\d{{2,4}} )"
            rf" (?: {GAPS}\d ){{5,7}} (?!\d|[\-]\d)"
        ),
        score=0.75,
        hints=(r"[78][^a-z0-9\n]{0,4}\d{3}[^a-z0-9\n]{0,4}\d",),
    ),
    Pattern(
        Kind.PHONE,
        expression(
            rf"(?<![\w+.,\-/]) (?: \(?9\d{{2}}\)? {GAPS} {groups(3, 2, 2, gap=GAPS)} |"
            rf" {groups(3, 2, 2, gap=f'[{DASHES} ]')} ) (?!\w|[.,\-]\d)"
        ),
        score=0.2,
        hints=hint(7),
        context=words_near(_CALL, ORDERS),
    ),
)

ADDRESSES = (
    Pattern(  # г. Москва, ул. Ленина, д. 5, кв. 12
        Kind.ADDRESS,
        expression(
            rf"(?<![^\W_]) (?: \d{{6}},?\s+ )? (?: (?:г\.|город[е]?|гор\.) \s* {_WORD} (?:[ ]{_WORD})? ,?\s+ )?"
            rf" (?: {_STREET_WORDS} \s* (?:{_WORD}|\d{{1,3}}(?!\d)-?[а-я]{{0,3}}) (?: [ ] (?:{_WORD}|\d{{1,3}}) ){{0,3}}"
            rf" | (?:{_WORD}[ ]){{1,2}} {_STREET_WORDS} ) ,?\s* {NO_YEAR} {_HOUSE} {_UNIT}{{0,3}}"
        ),
        score=0.88,
        hints=(r"x[^a-z0-9]{0,3}\d",),
    ),
)
