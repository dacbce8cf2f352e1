"""Given names and surnames, from the locale lists of Faker (MIT): small, lawful in origin, and far from complete.

A list is no language model. It finds what is on it, in the forms that the simple rules below give; who is not on it is found
only by a title, a neighbour that is on it, or the shape of a surname.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache

GERMAN_LOCALES = ("de_DE", "de_AT", "de_CH")
LATIN_LOCALES = (
    "cs_CZ", "da_DK", "de_DE", "en_GB", "en_US", "es_ES", "et_EE", "fi_FI", "fr_FR", "hr_HR", "hu_HU", "is_IS", "it_IT",
    "lt_LT", "lv_LV", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE", "tr_TR",
)  # fmt: skip


@cache
def given_names(locales: tuple[str, ...]) -> frozenset[str]:
    """Given names of the locales, each a single word as it is written."""
    return frozenset(_collected(locales, "first_names"))


@cache
def surnames(locales: tuple[str, ...]) -> frozenset[str]:
    """Surnames of the locales, each a single word (hyphens allowed) as it is written."""
    return frozenset(_collected(locales, "last_names"))


@cache
def common_words(locale: str) -> frozenset[str]:
    """A few hundred frequent words of a language, as they are written."""
    return frozenset(importlib.import_module(f"faker.providers.lorem.{locale}").Provider.word_list)


def _collected(locales: Iterable[str], what: str) -> Iterable[str]:
    for locale in locales:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            if what in attribute:
                names = getattr(provider, attribute)
                if isinstance(names, Iterable) and not isinstance(names, str):
                    yield from (name for name in names if len(name) > 2 and name.replace("-", "").isalpha())
