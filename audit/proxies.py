"""The register of proxies: features that stand for a special category of data (Art. 9) although their names do not say so.

A model that may not use somebody's origin finds it again in a postcode, a pregnancy in a shopping basket (CJEU C-184/20: data that
reveal a special category indirectly are of that category). Known proxies are refused by name; ``association`` finds those that nobody
has named yet, where a sample with the protected attribute may be used to look for them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SUSPICIOUS: Final = 0.3
"""Cramér's V from which on a feature counts as a proxy until somebody has looked."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A kind of feature: the words in its name that give it away, what it stands for, and why."""

    words: tuple[str, ...]
    stands_for: str
    because: str


REGISTER: Final[tuple[Proxy, ...]] = (
    Proxy(
        ("postcode", "postal_code", "zip_code", "zipcode", "zip", "kod_pocztowy", "neighbourhood", "neighborhood", "district", "dzielnica"),
        "ethnic origin", "People of one origin live together in many places.",
    ),
    Proxy(
        ("surname", "last_name", "first_name", "given_name", "nazwisko", "imie", "accent"),
        "ethnic origin", "Names carry origin, and first names sex.",
    ),
    Proxy(
        ("nationality", "citizenship", "birth_country", "birthplace", "country_of_birth", "mother_tongue", "native_language",
         "obywatelstwo", "miejsce_urodzenia"),
        "ethnic origin", "Where somebody was born or what they speak at home.",
    ),
    Proxy(
        ("pharmacy", "medicine", "medication", "drugstore", "clinic", "hospital", "insulin", "diabetic", "gluten_free", "wheelchair",
         "apteka", "lek", "leki", "szpital", "przychodnia"),
        "health", "What is bought against an illness tells of it.",
    ),
    Proxy(
        ("baby", "diaper", "nappy", "maternity", "folic", "unscented_lotion", "pieluchy", "niemowle"),
        "health (pregnancy)", "Baskets tell a pregnancy before the person does.",
    ),
    Proxy(
        ("kosher", "halal", "ramadan", "lent", "christmas_mass", "church", "mosque", "synagogue", "parish",
         "koszerne", "parafia", "kosciol"),
        "religious belief", "Food and calendars follow beliefs.",
    ),
    Proxy(("union_fee", "union_member", "skladka_zwiazkowa"), "trade-union membership", "A fee is a membership."),
    Proxy(("donation_party", "campaign_donor", "newspaper_leaning"), "political opinion", "Money and reading take sides."),
    Proxy(("dating", "gay", "lesbian", "pride"), "sexual orientation", "Where somebody looks for company."),
)  # fmt: skip
_PARTS: Final = re.compile(r"[^a-z0-9]+")


def known(feature: str) -> Proxy | None:
    """The entry of the register that the feature's name falls under, by whole words of it; None when there is none."""
    name = "_" + "_".join(part for part in _PARTS.split(feature.lower()) if part) + "_"
    for proxy in REGISTER:
        if any(f"_{word}_" in name or f"_{word}s_" in name for word in proxy.words):
            return proxy
    return None


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
