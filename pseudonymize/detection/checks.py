"""Check digits of German and Russian identifiers. Each takes the bare characters (no separators) and says whether they fit."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

_SOCIAL_SECURITY_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
_INN10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN12 = (3, *_INN11)


def _number(text: str, size: int) -> bool:
    return len(text) == size and text.isascii() and text.isdigit()


def _weighted(text: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(text, weights, strict=False))


def german_tax_id(text: str) -> bool:
    """Steuerliche Identifikationsnummer (section 139b AO): 11 digits, ISO 7064 MOD 11,10.

    Of the first ten digits, one comes two or three times and no other twice.
    """
    if not _number(text, 11) or text[0] == "0":
        return False
    repeats = sorted(Counter(text[:10]).values(), reverse=True)
    if repeats[0] not in {2, 3} or repeats[1] != 1:
        return False
    product = 10
    for digit in text[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(text[10])


def german_social_security(text: str) -> bool:
    """Versicherungsnummer (VKVV, section 4): area, day of birth, first letter of the name at birth, serial, check digit modulo 10."""
    text = text.upper()
    letter = text[8:9]
    if len(text) != 12 or not ("A" <= letter <= "Z") or not _number(text[:8] + text[9:], 11):
        return False
    day, month, year = int(text[2:4]), int(text[4:6]), int(text[6:8])
    try:
        dt.date(2000 + year, month, day)
    except ValueError:
        return False
    digits = f"{text[:8]}{ord(letter) - 64:02d}{text[9:11]}"
    products = (int(digit) * weight for digit, weight in zip(digits, _SOCIAL_SECURITY_WEIGHTS, strict=True))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(text[11])


def german_document(text: str) -> bool:
    """Serial number of an identity card or passport with its check digit (ICAO 9303, weights 7, 3, 1): ten characters."""
    text = text.upper()
    if len(text) != 10 or not text.isascii() or not text.isalnum() or not text[9].isdigit():
        return False
    return sum(int(c, 36) * (7, 3, 1)[place % 3] for place, c in enumerate(text[:9])) % 10 == int(text[9])


def german_vat_id(text: str) -> bool:
    """Umsatzsteuer-Identifikationsnummer: DE and nine digits, ISO 7064 MOD 11,10."""
    number = text.upper().removeprefix("DE")
    if not _number(number, 9) or number[0] == "0":
        return False
    product = 10
    for digit in number[:8]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(number[8])


def inn(text: str) -> bool:
    """Russian tax number: 10 digits (firms) or 12 (people), check digits modulo 11 modulo 10."""
    if _number(text, 10):
        return text != "0" * 10 and _weighted(text, _INN10) % 11 % 10 == int(text[9])
    if _number(text, 12) and text != "0" * 12:
        return _weighted(text, _INN11) % 11 % 10 == int(text[10]) and _weighted(text, _INN12) % 11 % 10 == int(text[11])
    return False


def snils(text: str) -> bool:
    """Russian pension insurance number: 9 digits and two check digits modulo 101, which numbers above 001-001-998 have."""
    if not _number(text, 11) or int(text[:9]) <= 1_001_998:
        return False
    return _weighted(text, range(9, 0, -1)) % 101 % 100 == int(text[9:])


def ogrn(text: str) -> bool:
    """Russian register number: of a firm (13 digits, modulo 11) or a sole trader (15 digits, modulo 13)."""
    if _number(text, 13):
        return text[0] in "15" and int(text[:12]) % 11 % 10 == int(text[12])
    return _number(text, 15) and text[0] == "3" and int(text[:14]) % 13 % 10 == int(text[14])
