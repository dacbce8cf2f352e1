"""Check digits of national identifiers. Each function takes the bare characters (no separators) and says whether they fit."""

from __future__ import annotations

import datetime as dt

_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
_PESEL_CENTURIES = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}
_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)
_REGON9_WEIGHTS = (8, 9, 2, 3, 4, 5, 6, 7)
_REGON14_WEIGHTS = (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)
_ID_CARD_WEIGHTS = (7, 3, 1, 7, 3, 1, 7, 3)
_PASSPORT_WEIGHTS = (7, 3, 1, 7, 3, 1, 7, 3)


def _are_digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _weighted(text: str, weights: tuple[int, ...]) -> int:
    return sum(int(character, 36) * weight for character, weight in zip(text, weights, strict=True))


def pesel(text: str) -> bool:
    """Polish PESEL: 11 digits, a real birth date in the first six (century in the month), check digit modulo 10."""
    if not _are_digits(text, 11) or pesel_birth_date(text) is None:
        return False
    return (10 - _weighted(text[:10], _PESEL_WEIGHTS) % 10) % 10 == int(text[10])


def pesel_birth_date(text: str) -> dt.date | None:
    """The birth date that a PESEL's first six digits say, or None when there is no such day."""
    century, month = divmod(int(text[2:4]), 20)
    if century not in _PESEL_CENTURIES:
        return None
    try:
        return dt.date(_PESEL_CENTURIES[century] + int(text[:2]), month, int(text[4:6]))
    except ValueError:
        return None


def nip(text: str) -> bool:
    """Polish tax number: 10 digits, check digit modulo 11 (10 is never issued)."""
    return _are_digits(text, 10) and text != "0" * 10 and _weighted(text[:9], _NIP_WEIGHTS) % 11 == int(text[9])


def regon(text: str) -> bool:
    """Polish business register number: 9 or 14 digits, check digits modulo 11 where 10 counts as 0."""
    if _are_digits(text, 14):
        return regon(text[:9]) and _weighted(text[:13], _REGON14_WEIGHTS) % 11 % 10 == int(text[13])
    return _are_digits(text, 9) and text != "0" * 9 and _weighted(text[:8], _REGON9_WEIGHTS) % 11 % 10 == int(text[8])


def polish_id_card(text: str) -> bool:
    """Polish identity card: three letters and six digits, the first of them a check digit modulo 10 (A counts 10)."""
    letters, digits = text[:3], text[3:]
    if not (letters.isascii() and letters.isalpha() and _are_digits(digits, 6)):
        return False
    return _weighted(letters + digits[1:], _ID_CARD_WEIGHTS) % 10 == int(digits[0])


def polish_passport(text: str) -> bool:
    """Polish passport: two letters and seven digits, the first of them a check digit modulo 10 (A counts 10)."""
    letters, digits = text[:2], text[2:]
    if not (letters.isascii() and letters.isalpha() and _are_digits(digits, 7)):
        return False
    return _weighted(letters + digits[1:], _PASSPORT_WEIGHTS) % 10 == int(digits[0])


def iban(text: str) -> bool:
    """IBAN (ISO 13616): country, two check digits, 11 to 30 further characters; the whole is 1 modulo 97."""
    if not (15 <= len(text) <= 34 and text.isascii() and text.isalnum() and text.isupper()):
        return False
    if not (text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def luhn(text: str) -> bool:
    """Payment cards (ISO/IEC 7812): 12 to 19 digits, every second one doubled from the right, sum modulo 10."""
    if not (12 <= len(text) <= 19 and text.isascii() and text.isdigit()):
        return False
    digits = [int(character) for character in reversed(text)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def ssn(text: str) -> bool:
    """US Social Security number: 9 digits, no all-zero group, no area 000, 666 or 900 to 999. It has no check digit."""
    if not _are_digits(text, 9):
        return False
    area, group, serial = text[:3], text[3:5], text[5:]
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"
