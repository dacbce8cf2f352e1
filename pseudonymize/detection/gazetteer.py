"""Given names and surnames, from the locale lists of Faker (MIT): small, lawful in origin, and far from complete.

A list is no language model. It finds what is on it, in the forms that the simple rules below give; who is not on it is found
only by a title, a neighbour that is on it, or the shape of a surname.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache

GERMAN_LOCALES = ("de_DE", "de_AT", "de_CH")
LATIN_LOCALES = (
    "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "en_GB", "en_IE", "en_IN", "en_KE", "en_NG", "en_NZ", "en_PK", "en_US", "es_AR",
    "es_CL", "es_CO", "es_ES", "es_MX", "et_EE", "fi_FI", "fr_CA", "fr_CH", "fr_FR", "ga_IE", "ha_NG", "hr_HR", "hu_HU", "id_ID",
    "ig_NG", "is_IS", "it_IT", "lt_LT", "lv_LV", "nl_BE", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sk_SK", "sl_SI",
    "sv_SE", "sw", "tr_TR", "tw_GH", "uz_UZ", "yo_NG", "zu_ZA",
)  # fmt: skip
_SAME = dict(zip("абвгдезиклмнопрстуфыэіґйьъ'", [*"abvgdeziklmnoprstufyeigi", "", "", ""], strict=True))
_ENGLISH = _SAME | {
    "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "є": "ye", "ї": "i", "ё": "e",
}  # fmt: skip
_POLISH = _SAME | {
    "в": "w", "ж": "ż", "х": "ch", "ц": "c", "ч": "cz", "ш": "sz", "щ": "szcz", "й": "j", "ю": "ju", "я": "ja", "є": "je", "ї": "ji",
    "ё": "jo",
}  # fmt: skip
_GERMAN = _SAME | {
    "в": "w", "ж": "sch", "х": "ch", "ц": "z", "ч": "tsch", "ш": "sch", "щ": "schtsch", "ю": "ju", "я": "ja", "з": "s", "ё": "jo",
}  # fmt: skip
_UKRAINIAN = {"г": "h", "и": "y"}
_PASSPORT = {"й": "i", "ю": "iu", "я": "ia", "є": "ie"}
# How names in Cyrillic stand in texts in other languages, and in passports (ICAO 9303; the Ukrainian rules of 2010).
_SPELLINGS = {
    "ru_RU": (_ENGLISH | {"й": "y"}, _ENGLISH | _PASSPORT, _POLISH, _GERMAN, _GERMAN | {"ий": "i", "^е": "je"}),
    "uk_UA": (_ENGLISH | _UKRAINIAN | {"й": "y"}, _ENGLISH | _UKRAINIAN | _PASSPORT, _POLISH | _UKRAINIAN),
}


@cache
def given_names(locales: tuple[str, ...]) -> frozenset[str]:
    """Given names of the locales, each a single word as it is written."""
    return frozenset(_collected(locales, "first_names"))


@cache
def surnames(locales: tuple[str, ...]) -> frozenset[str]:
    """Surnames of the locales, each a single word (hyphens allowed) as it is written."""
    return frozenset(_collected(locales, "last_names"))


@cache
def from_cyrillic() -> frozenset[str]:
    """Russian and Ukrainian given names as they are spelt in Latin letters: Dmytro, Oleksandr, Jewgeni."""
    return frozenset(
        _spelt(name, spelling)
        for locale, spellings in _SPELLINGS.items()
        for name in given_names((locale,))
        for spelling in spellings
    )


def _spelt(name: str, spelling: Mapping[str, str]) -> str:
    """A name by a table of letters, of pairs of them, and of first letters (``^``)."""
    name = name.lower()
    first = spelling.get(f"^{name[0]}", spelling.get(name[0], name[0]))
    rest, last = (name[1:-2], spelling[name[-2:]]) if name[-2:] in spelling else (name[1:], "")
    return (first + "".join(spelling.get(letter, letter) for letter in rest) + last).capitalize()


@cache
def german_places() -> frozenset[str]:
    """Towns, states and countries in German, each a single word."""
    found: set[str] = set()
    for locale in GERMAN_LOCALES:
        provider = importlib.import_module(f"faker.providers.address.{locale}").Provider
        for names in (
            provider.cities,
            provider.countries,
            getattr(provider, "states", ()),
            getattr(provider, "cantons", ()),
        ):
            found.update(name if isinstance(name, str) else name[-1] for name in names)
    return frozenset(
        part for name in found for part in name.replace("(", " ").split() if len(part) > 3 and part[0].isupper()
    )


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
