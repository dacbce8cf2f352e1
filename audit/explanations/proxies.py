"""The register of proxies: features that stand for a special category of data (Art. 9) although their names do not say so.

A model that may not use somebody's origin finds it again in a postcode, a pregnancy in a shopping basket (CJEU C-184/20: data that
reveal a special category indirectly are of that category). Known proxies are refused by name; ``association`` finds those that nobody
has named yet, where a sample with the protected attribute may be used to look for them. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SUSPICIOUS: Final = 0.3
"""Cramér's V from which on a feature counts as a proxy until somebody has looked."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A kind of feature: the words in its name that give it away (``aptek*``: any that begins so), what it stands for, and why."""

    words: tuple[str, ...]
    stands_for: str
    because: str


REGISTER: Final[tuple[Proxy, ...]] = (
    Proxy(
        ("postcode", "postal_code", "zip_code", "zipcode", "zip", "kod_pocztowy", "neighbourhood", "neighborhood", "district",
         "dzielnic*"),
        "ethnic origin", "People of one origin live together in many places.",
    ),
    Proxy(
        ("surname", "last_name", "first_name", "given_name", "nazwisk*", "imie", "imienia", "accent"),
        "ethnic origin", "Names carry origin, and first names sex.",
    ),
    Proxy(
        ("nationality", "citizenship", "birth_country", "birthplace", "country_of_birth", "mother_tongue", "native_language",
         "obywatelstw*", "narodowosc*", "miejsce_urodzenia", "kraj_urodzenia", "jezyk_ojczysty"),
        "ethnic origin", "Where somebody was born or what they speak at home.",
    ),
    Proxy(
        ("pharmacy", "medicine", "medication", "drugstore", "clinic", "hospital", "insulin", "diabetic", "gluten_free", "wheelchair",
         "aptek*", "lek", "leki", "lekow", "szpital*", "przychodni*", "insulin*"),
        "health", "What is bought against an illness tells of it.",
    ),
    Proxy(
        ("baby", "diaper", "nappy", "maternity", "folic", "unscented_lotion", "pieluch*", "pielusz*", "niemowl*"),
        "health (pregnancy)", "Baskets tell a pregnancy before the person does.",
    ),
    Proxy(
        ("kosher", "halal", "ramadan", "lent", "christmas_mass", "church", "mosque", "synagogue", "parish",
         "koszern*", "parafi*", "kosciol*", "kosciel*"),
        "religious belief", "Food and calendars follow beliefs.",
    ),
    Proxy(("union_fee", "union_member", "skladka_zwiazkowa"), "trade-union membership", "A fee is a membership."),
    Proxy(("donation_party", "campaign_donor", "newspaper_leaning"), "political opinion", "Money and reading take sides."),
    Proxy(("dating", "gay", "lesbian", "pride"), "sexual orientation", "Where somebody looks for company."),
)  # fmt: skip
# Where one word of a name ends and the next begins, beside what is no letter: homeZip, zip5, 2ndParish.
_SEAMS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_PARTS: Final = re.compile(r"[^a-z0-9]+")
# What names a special category itself (Art. 9(1)), in English and Polish: parts of words, and words that stand alone.
_SPECIAL: Final = re.compile(
    r"health|illness|disab|pregnan|religio|ethnic|racial|politic|trade union|sexual|sex life|orientation|genetic|biometric|diagnos"
    r"|zdrow|chorob|niepelnospr|ciaz[aeoy]|wyznani|religij|etniczn|rasow|polityczn|zwiaz[a-z]* zawodow|seksualn|genetyczn|biometryczn"
    r"|\b(?:race|races|rasa|rasy|faith|hiv|aids|cancer)\b"
)


@lru_cache(maxsize=4_096)  # the names of a model's features, asked again for every page
def known(feature: str) -> Proxy | None:
    """The entry of the register that a name or a text falls under, by whole words of it; None when there is none."""
    name = f"_{'_'.join(_words(feature))}_"
    for proxy in REGISTER:
        if any(_stands_in(word, name) for word in proxy.words):
            return proxy
    return None


@lru_cache(maxsize=4_096)
def special(text: str) -> bool:
    """Whether a name or a text speaks of a special category of data."""
    return _SPECIAL.search(" ".join(_words(text))) is not None


def _words(text: str) -> list[str]:
    """The words of a name or a text in small letters without accents: the same of ``home_zip``, ``homeZip`` and ``Home ZIP5``."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    parted = _SEAMS.sub(" ", plain.replace("ł", "l").replace("Ł", "L"))
    return [part for part in _PARTS.split(parted.lower()) if part]


def _stands_in(word: str, name: str) -> bool:
    if word.endswith("*"):
        return f"_{word[:-1]}" in name
    return f"_{word}_" in name or f"_{word}s_" in name


def association(feature: NDArray[Any], protected: NDArray[Any]) -> float:
    """How far a feature (its bins or categories) tells a protected attribute: Cramér's V with the correction of Bergsma (2013), from 0
    (nothing) to 1 (all). Aligned columns of discrete values."""
    count = len(feature)
    _, rows = np.unique(feature, return_inverse=True)
    _, columns = np.unique(protected, return_inverse=True)
    height, width = int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1
    if count < 2 or height < 2 or width < 2:
        return 0.0
    table = np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / count
    phi = float(((table - expected) ** 2 / expected).sum()) / count
    corrected = max(0.0, phi - (height - 1) * (width - 1) / (count - 1))
    fewest = min(height - (height - 1) ** 2 / (count - 1), width - (width - 1) ** 2 / (count - 1)) - 1
    return float(np.sqrt(corrected / fewest)) if fewest > 0 else 0.0


def suspects(features: Mapping[str, NDArray[Any]], protected: NDArray[Any]) -> dict[str, float]:
    """The features that tell the protected attribute better than ``SUSPICIOUS``, strongest first."""
    found = {name: association(column, protected) for name, column in features.items()}
    return {name: value for name, value in sorted(found.items(), key=lambda one: -one[1]) if value >= SUSPICIOUS}
