"""What detection says: kinds of personal data, and one finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of personal data in a text. Its value is what ``redact`` writes between angle brackets."""

    PERSON = "PERSON"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    LOCATION = "LOCATION"
    DATE_TIME = "DATE_TIME"
    NRP = "NRP"  # nationality, religious or political group: often a special category (Art. 9)
    URL = "URL"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    UUID = "UUID"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    CRYPTO = "CRYPTO"
    PL_PESEL = "PL_PESEL"
    PL_NIP = "PL_NIP"
    PL_REGON = "PL_REGON"
    PL_ID_CARD = "PL_ID_CARD"
    PL_PASSPORT = "PL_PASSPORT"
    LICENSE_PLATE = "LICENSE_PLATE"
    DE_TAX_ID = "DE_TAX_ID"
    DE_SOCIAL_SECURITY = "DE_SOCIAL_SECURITY"
    DE_ID_CARD = "DE_ID_CARD"
    DE_PASSPORT = "DE_PASSPORT"
    DE_VAT_ID = "DE_VAT_ID"
    RU_INN = "RU_INN"
    RU_SNILS = "RU_SNILS"
    RU_PASSPORT = "RU_PASSPORT"
    RU_OGRN = "RU_OGRN"
    US_SSN = "US_SSN"
    US_ITIN = "US_ITIN"
    US_PASSPORT = "US_PASSPORT"
    US_DRIVER_LICENSE = "US_DRIVER_LICENSE"
    US_BANK_NUMBER = "US_BANK_NUMBER"
    MEDICAL_LICENSE = "MEDICAL_LICENSE"
    UK_NHS = "UK_NHS"
    QUARANTINED = "QUARANTINED"  # not examined to the end (too long, or out of time): the whole text must not pass


DIRECT = frozenset(Kind) - {Kind.LOCATION, Kind.DATE_TIME, Kind.NRP}
"""Kinds that point at one person or household by themselves; the others do so together."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``text[start:end]`` looks like personal data of a kind.

    ``score``: 1 where a check digit or registry confirms it, about 0.85 for a language model or a full pattern,
    0.4 to 0.7 for a shape with a word near it that says what it is. What scores less than 0.4 is not reported.
    """

    kind: Kind
    start: int
    end: int
    score: float


class LanguageNotSupported(ValueError):
    """There are no recognizers for this language; a text in it must not pass unexamined."""

    def __init__(self, language: str) -> None:
        self.language = language
        super().__init__(f"no recognizers for language {language!r}")


class OutOfTime(Exception):
    """A text took longer than its budget: it is quarantined."""
