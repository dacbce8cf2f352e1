"""Made-up identifiers with right check digits, written in the ways people write them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from pseudonymize.detection import checks
from pseudonymize.transforms import checksums

_GAPS = ("", " ", "-", "\u00a0", "\u2011", "\u2013")


def _digits(chance: random.Random, size: int) -> str:
    return "".join(chance.choices("0123456789", k=size))


def _until(make: Callable[[], str], check: Callable[[str], bool]) -> str:
    """Draw until the check digit fits."""
    while not check(number := make()):
        pass
    return number


def apart(chance: random.Random, number: str, *shapes: Sequence[int]) -> str:
    """The number in one of these groupings, or together; with any blank or dash."""
    shape = chance.choice([(len(number),), *shapes])
    gap, parts, place = chance.choice(_GAPS[1:]), [], 0
    for size in shape:
        parts.append(number[place : place + size])
        place += size
    return gap.join(parts)


def make(kind: str, chance: random.Random) -> str:
    """An identifier of a kind, as a person would write it."""
    return _MAKERS[kind](chance)


def _pesel(chance: random.Random) -> str:
    def one() -> str:
        year, month, day = chance.randint(30, 99), chance.randint(1, 12), chance.randint(1, 28)
        return f"{year:02d}{month:02d}{day:02d}{_digits(chance, 5)}"

    return apart(chance, _until(one, checksums.pesel), (6, 5), (2, 2, 2, 5))


def _nip(chance: random.Random) -> str:
    number = _until(lambda: "5" + _digits(chance, 9), checksums.nip)
    return chance.choice(["", "", "PL", "PL "]) + apart(chance, number, (3, 3, 2, 2), (3, 2, 2, 3), (3, 2, 3, 2))


def _nip_dashed(chance: random.Random) -> str:
    number = _until(lambda: "7" + _digits(chance, 9), checksums.nip)
    return f"{number[:3]}-{number[3:6]}-{number[6:8]}-{number[8:]}"


def _regon(chance: random.Random) -> str:
    return apart(chance, _until(lambda: _digits(chance, 9), checksums.regon), (3, 3, 3))


def _id_card(chance: random.Random) -> str:
    number = _until(
        lambda: "".join(chance.choices("ABCDEFGHKLMNPRSTUWXYZ", k=3)) + _digits(chance, 6), checksums.polish_id_card
    )
    number = apart(chance, number, (3, 6), (3, 3, 3))
    return number.lower() if chance.random() < 0.1 else number


def _passport(chance: random.Random) -> str:
    number = _until(
        lambda: "".join(chance.choices("ABCDEFGHKLMNPRSTUWXYZ", k=2)) + _digits(chance, 7), checksums.polish_passport
    )
    return apart(chance, number, (2, 7))


def _iban(country: str, size: int) -> Callable[[random.Random], str]:
    def of(chance: random.Random) -> str:
        account = _digits(chance, size)
        check = next(f"{n:02d}" for n in range(2, 99) if checksums.iban(f"{country}{n:02d}{account}"))
        number = f"{country}{check}{account}"
        gap = chance.choice(["", " ", " ", "-", "\u00a0"])
        return gap.join(number[place : place + 4] for place in range(0, len(number), 4))

    return of


def _polish_phone(chance: random.Random) -> str:
    number = chance.choice("5678") + _digits(chance, 8)
    gap = chance.choice([" ", "-", "\u00a0", "", "."])
    grouped = gap.join((number[:3], number[3:6], number[6:]))
    return chance.choice(["", "", "+48 ", "+48", "0048 ", "(+48) "]) + grouped


def _plate(chance: random.Random) -> str:
    region = chance.choice(["WA", "KR", "PO", "GD", "DW", "WX", "SK", "LU", "RZ", "KRA", "WPR", "GWE"])
    return (
        f"{region} {_digits(chance, 5)}"
        if len(region) == 2
        else f"{region} {_digits(chance, 2)}{chance.choice('ABCEF')}{_digits(chance, 1)}"
    )


def _german_plate(chance: random.Random) -> str:
    return f"{chance.choice(['B', 'M', 'HH', 'K', 'DD', 'LB'])}-{''.join(chance.choices('ABCDEKLMX', k=2))} {chance.randint(10, 9999)}"


def _german_phone(chance: random.Random) -> str:
    number = _digits(chance, 7)
    return chance.choice([
        f"030 / {number}", f"030 {number}", f"0171-{number}", f"+49 171 {number}", f"+49 (0)40 {number}", f"0049 89 {number}",
        f"(089) {number}", f"0221 {number[:3]} {number[3:]}", f"01512{number}",
    ])  # fmt: skip


def _social(chance: random.Random) -> str:
    def one() -> str:
        day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(30, 99)
        return f"{chance.randint(10, 89)}{day:02d}{month:02d}{year:02d}{chance.choice('ABCDEFGHKLMNPRSTW')}{_digits(chance, 3)}"

    number = _until(one, checks.german_social_security)
    return chance.choice([number, f"{number[:2]} {number[2:8]} {number[8]} {number[9:]}"])


def _german_document(first: str) -> Callable[[random.Random], str]:
    def of(chance: random.Random) -> str:
        serial = chance.choice(first) + "".join(chance.choices("CFGHJKLMNPRTVWXYZ0123456789", k=8))
        number = next(f"{serial}{digit}" for digit in range(10) if checks.german_document(f"{serial}{digit}"))
        return chance.choice([number, serial])

    return of


def _russian_phone(chance: random.Random) -> str:
    area, number = f"9{_digits(chance, 2)}", _digits(chance, 7)
    spread = f"{number[:3]}-{number[3:5]}-{number[5:]}"
    return chance.choice(
        [
            f"+7 ({area}) {spread}",
            f"8 ({area}) {spread}",
            f"+7{area}{number}",
            f"8{area}{number}",
            f"8-{area}-{spread}",
            f"+7 {area} {spread}",
        ]
    )


def _snils(chance: random.Random) -> str:
    number = _until(lambda: _digits(chance, 11), checks.snils)
    return chance.choice(
        [
            number,
            f"{number[:3]}-{number[3:6]}-{number[6:9]} {number[9:]}",
            f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}",
        ]
    )


def _email(chance: random.Random) -> str:
    name = chance.choice(["anna.k", "jan_nowak", "info+promo", "k.wisniewska", "biuro", "a-b.c"])
    return f"{name}{chance.randint(1, 99)}@{chance.choice(['example.com', 'poczta.example.pl', 'firma.example.de', 'mail.example.ru'])}"


def _address(chance: random.Random) -> str:
    street = chance.choice(
        ["ul. Długa", "ul. 3 Maja", "al. Jana Pawła II", "os. Kolorowe", "ulica Kwiatowa", "pl. Wolności"]
    )
    house, town = (
        f"{chance.randint(1, 120)}{chance.choice(['', 'a', '/5', ' m. 12'])}",
        chance.choice(["Warszawa", "Kraków", "Łódź"]),
    )
    return f"{street} {house}, {chance.randint(10, 99)}-{_digits(chance, 3)} {town}"


def _german_address(chance: random.Random) -> str:
    street = chance.choice(["Hauptstraße", "Lindenweg", "Berliner Allee", "Am Markt", "Goethestr.", "Alter Markt"])
    house, town = (
        f"{chance.randint(1, 120)}{chance.choice(['', 'a', ' b'])}",
        chance.choice(["Berlin", "Köln", "Bad Homburg"]),
    )
    return f"{street} {house}, {chance.randint(10_000, 99_999)} {town}"


def _russian_address(chance: random.Random) -> str:
    street = chance.choice(["ул. Ленина", "проспект Мира", "ул. 8 Марта", "Невский проспект", "пер. Садовый"])
    return f"{chance.choice(['г. Москва, ', ''])}{street}, д. {chance.randint(1, 99)}, кв. {chance.randint(1, 99)}"


def _russian_plate(chance: random.Random) -> str:
    letters = chance.choices("АВЕКМНОРСТУХ", k=3)
    return f"{letters[0]}{_digits(chance, 3)}{letters[1]}{letters[2]}{chance.choice(['77', '178', '16'])}"


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "pl pesel": _pesel, "pl nip": _nip, "pl nip_dashed": _nip_dashed, "pl regon": _regon, "pl id_card": _id_card,
    "pl passport": _passport, "pl iban": _iban("PL", 24), "pl phone": _polish_phone, "pl plate": _plate, "pl email": _email,
    "pl address": _address,
    "de tax_id": lambda chance: apart(chance, _until(lambda: _digits(chance, 11), checks.german_tax_id), (2, 3, 3, 3)),
    "de social": _social, "de id_card": _german_document("LMNPRTVWXY"), "de passport": _german_document("CFGHJK"),
    "de iban": _iban("DE", 18), "de phone": _german_phone, "de plate": _german_plate, "de email": _email, "de address": _german_address,
    "ru inn": lambda chance: _until(lambda: _digits(chance, chance.choice([10, 12])), checks.inn), "ru snils": _snils,
    "ru passport": lambda chance: chance.choice(["{} {}", "{} № {}"]).format(chance.choice(["45 08", "4510", "77 12"]), _digits(chance, 6)),
    "ru ogrn": lambda chance: _until(lambda: "1" + _digits(chance, 12), checks.ogrn), "ru phone": _russian_phone,
    "ru plate": _russian_plate, "ru email": _email, "ru address": _russian_address,
}  # fmt: skip

KINDS = {
    "pesel": "PL_PESEL", "nip": "PL_NIP", "nip_dashed": "PL_NIP", "regon": "PL_REGON", "iban": "IBAN", "phone": "PHONE", "email": "EMAIL",
    "plate": "LICENSE_PLATE", "address": "ADDRESS", "tax_id": "DE_TAX_ID", "social": "DE_SOCIAL_SECURITY", "inn": "RU_INN",
    "snils": "RU_SNILS", "ogrn": "RU_OGRN", "pl id_card": "PL_ID_CARD", "pl passport": "PL_PASSPORT", "de id_card": "DE_ID_CARD",
    "de passport": "DE_PASSPORT", "ru passport": "RU_PASSPORT",
}  # fmt: skip
