"""Identities for the households: made up, the same at every run, about two thirds American and one third Polish.

The shopping is real and the people are not. National numbers have right check digits, or come from ranges that are never issued;
mail addresses end in domains reserved for examples (RFC 2606).
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from faker import Faker

from pseudonymize.vault import IdentifierKind, Identity

_SEED = 20170101
_POLISH_SHARE = 1 / 3
_AGE_BRACKETS = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 90),
}
_ANY_AGE = (19, 90)
_OBSERVED_ON = date(2017, 1, 1)
_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
# 555-0100 to 555-0199 are kept for fiction in every area code of the North American plan.
_AREA_CODES = (
    "202",
    "203",
    "212",
    "213",
    "214",
    "215",
    "303",
    "305",
    "312",
    "404",
    "412",
    "415",
    "503",
    "512",
    "617",
    "702",
    "718",
    "808",
)
_NOTES = {
    "en": (
        "{name} called about a missing coupon, call back at {phone}.",
        "Asked to send the receipt to {email} and not to the old address.",
        "Mr or Mrs {surname} prefers deliveries after 6 pm.",
        "Complained about the opening hours.",
        "",
    ),
    "pl": (
        "{name} dzwoni w sprawie kuponu, prosi o telefon: {phone}.",
        "Prosi o wysłanie paragonu na {email}.",
        "Numer PESEL podany przy reklamacji: {national_id}.",
        "Skarży się na kolejki przy kasie.",
        "",
    ),
}


def identities(households: Sequence[int], ages: dict[int, str]) -> list[Identity]:
    """One identity a household, aligned with `households`. `ages` gives the bracket of those that told it."""
    fakers = {"en": Faker("en_US"), "pl": Faker("pl_PL")}
    return [_identity(household, ages.get(household), fakers) for household in households]


def _identity(household: int, age: str | None, fakers: dict[str, Faker]) -> Identity:
    chance = random.Random(_SEED + household)  # noqa: S311 - repeatable on purpose, and nobody's secret
    language = "pl" if chance.random() < _POLISH_SHARE else "en"
    faker = fakers[language]
    faker.seed_instance(_SEED + household)
    female = chance.random() < 0.5
    given, surname = (
        (faker.first_name_female(), faker.last_name_female())
        if female
        else (faker.first_name_male(), faker.last_name_male())
    )
    born = _birth_date(age, chance)
    values = {
        "name": f"{given} {surname}",
        "surname": surname,
        "email": f"{_ascii(given)}.{_ascii(surname)}.{household}@{'example.org' if language == 'pl' else 'example.com'}",
        "phone": _polish_phone(household) if language == "pl" else _american_phone(household),
        "national_id": _pesel(born, household, female) if language == "pl" else _never_issued_ssn(household),
    }
    note = chance.choice(_NOTES[language]).format(**values)
    kinds = IdentifierKind
    return Identity(
        {
            kinds.CUSTOMER_ID: str(household),
            kinds.NAME: values["name"],
            kinds.EMAIL: values["email"],
            kinds.PHONE: values["phone"],
            kinds.NATIONAL_ID: values["national_id"],
            kinds.BIRTH_DATE: born.isoformat(),
            kinds.ADDRESS: faker.address().replace("\n", ", "),
            kinds.LANGUAGE: language,
            **({kinds.NOTE: note} if note else {}),
        }
    )


def _birth_date(age: str | None, chance: random.Random) -> date:
    youngest, oldest = _AGE_BRACKETS.get(age or "", _ANY_AGE)
    return _OBSERVED_ON - timedelta(days=round(chance.uniform(youngest, oldest + 0.99) * 365.25))


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().replace("ł", "l")).encode("ascii", "ignore").decode()
    return "".join(character for character in plain if character.isalnum())


def _american_phone(household: int) -> str:
    block, line = divmod(household, 100)
    exchange = 555 if block < len(_AREA_CODES) else 200 + block
    return f"+1{_AREA_CODES[block % len(_AREA_CODES)]}{exchange}01{line:02d}"


def _polish_phone(household: int) -> str:
    return f"+4860{household:07d}"


def _never_issued_ssn(household: int) -> str:
    """Area numbers 900 to 999 are never assigned to a social security number."""
    area, rest = divmod(household * 7919, 990_000)
    group, serial = divmod(rest, 10_000)
    return f"{900 + area % 100}-{1 + group % 99:02d}-{1 + serial % 9999:04d}"


def _pesel(born: date, household: int, female: bool) -> str:
    """Date (month + 20 from the year 2000 on), four digits of which the last says the sex, check digit."""
    month = born.month + (20 if born.year >= 2000 else 0)
    serial = (household % 1000) * 10 + (household // 1000 * 2 + (0 if female else 1)) % 10
    digits = f"{born.year % 100:02d}{month:02d}{born.day:02d}{serial:04d}"
    return digits + str(-sum(int(digit) * weight for digit, weight in zip(digits, _PESEL_WEIGHTS, strict=True)) % 10)
