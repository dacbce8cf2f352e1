"""Values that look real and are nobody's: names, addresses, places, the same one for equal values under one key.

Which one is drawn is decided by a keyed MAC of the value, so a person keeps their stand-in over columns, files and runs, and without
the key nobody finds out whose it is. Several people may share one: a stand-in is for reading and testing, a token is for joining.
The lists are Faker's (MIT); another version of it draws other values, so manifests name the version.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version as _version
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms import mac
from pseudonymize.transforms.blocks import gather
from pseudonymize.transforms.columns import as_bytes, per_distinct
from pseudonymize.transforms.errors import ParameterInvalid

LANGUAGES = ("en", "pl", "de", "ru")
_LOCALES = {"en": "en_US", "pl": "pl_PL", "de": "de_DE", "ru": "ru_RU"}
# RFC 2606: nobody has these.
_MAIL_DOMAINS = ("example.com", "example.net", "example.org")
_LATIN = str.maketrans({"ł": "l", "ß": "ss", "ø": "o", "æ": "ae", "đ": "d"})
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya".replace("_", "\0").split(" "),
        strict=True,
    )
)

Words = npt.NDArray[np.uint64]


class Stand(StrEnum):
    """What a stand-in is."""

    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    CITY = "city"
    STREET = "street"


def lists_version() -> str:
    """Which lists are drawn from, for manifests."""
    return f"Faker {_version('Faker')}"


def replace(column: Any, kind: str, language: str, key: bytes) -> pa.Array:
    """A stand-in for every value of a text column, text. Nulls stay null; the empty string stays empty, for it says nothing.

    ``kind``: of Stand. ``language``: en, pl, de or ru. ``key``: 32 bytes of its own kind. Raises ParameterInvalid,
    KeyLengthInvalid, ColumnTypeUnsupported, and ModuleNotFoundError without the package Faker.
    """
    if language not in LANGUAGES:
        raise ParameterInvalid(f"stand-ins are in {', '.join(LANGUAGES)}, not in {language!r}")
    make, lists = _MAKERS[Stand(kind)], _lists(language)

    def work(values: pa.Array) -> pa.Array:
        tags = as_bytes(mac.tags(values, key))
        words = np.zeros((len(tags), 2), dtype=np.uint64)
        present = np.arange(len(tags)) if tags.valid is None else np.flatnonzero(tags.valid)
        words[present] = gather(tags.data, tags.starts[present]).byteswap()
        made = make(lists, words)
        made = pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar("", made.type), made)
        return pc.if_else(pc.is_valid(values), made, pa.scalar(None, made.type))

    return per_distinct(column, work, pa.string(), pays_from=1)


@dataclass(frozen=True)
class _Lists:
    """What a language draws from. Women and men apart, so that a name agrees with itself."""

    first: tuple[pa.Array, pa.Array]
    last: tuple[pa.Array, pa.Array]
    cities: pa.Array
    streets: pa.Array


@lru_cache(maxsize=len(LANGUAGES))
def _lists(language: str) -> _Lists:
    person = import_module(f"faker.providers.person.{_LOCALES[language]}").Provider
    address = import_module(f"faker.providers.address.{_LOCALES[language]}").Provider
    first = (_array(person.first_names_female), _array(person.first_names_male))
    if language == "pl":
        unisex, men = list(person.unisex_last_names), list(person.male_last_names)
        women = [f"{name[:-1]}a" if name.endswith("i") else name for name in men]
        # Some of the list's unisex names are not: a woman is Kowalska, a man Kowalski.
        hers = [name for name in unisex if not name.endswith(("ski", "cki", "dzki"))]
        his = [name for name in unisex if not name.endswith(("ska", "cka", "dzka"))]
        last = (_array(women + hers), _array(men + his))
        return _Lists(first, last, _array(address.cities), _array(f"ul. {name}" for name in address.streets))
    if language == "ru":
        last = (_array(person.last_names_female), _array(person.last_names_male))
        streets = _array(f"ул. {name}" for name in address.street_titles_noflex)
        return _Lists(first, last, _array(address.city_names), streets)
    last = (_array(person.last_names), _array(person.last_names))
    if language == "de":
        return _Lists(first, last, _array(address.cities), _array(f"{name}straße" for name in person.last_names))
    towns = _array(f"{name}{suffix}" for name in person.last_names for suffix in address.city_suffixes)
    return _Lists(first, last, towns, _array(f"{name} Street" for name in person.last_names))


def _array(words: Any) -> pa.Array:
    return pa.array(sorted(set(words)), pa.string())


def _draw(words: pa.Array, numbers: Words) -> pa.Array:
    """64 bits modulo a list of some thousand: no word is likelier by more than one part in 2^50."""
    return words.take(pa.array((numbers % np.uint64(len(words))).astype(np.int64)))


def _either(lists: tuple[pa.Array, pa.Array], words: Words, numbers: Words) -> pa.Array:
    """Of the women's or the men's list, as one bit of the value's MAC says: the same bit for first and last name."""
    woman = pa.array((words[:, 0] >> np.uint64(63)).astype(np.bool_))
    return pc.if_else(woman, _draw(lists[0], numbers), _draw(lists[1], numbers))


def _first(lists: _Lists, words: Words) -> pa.Array:
    return _either(lists.first, words, words[:, 0] & np.uint64(2**62 - 1))


def _last(lists: _Lists, words: Words) -> pa.Array:
    return _either(lists.last, words, words[:, 1])


def _name(lists: _Lists, words: Words) -> pa.Array:
    return pc.binary_join_element_wise(_first(lists, words), _last(lists, words), " ")


def _city(lists: _Lists, words: Words) -> pa.Array:
    return _draw(lists.cities, words[:, 0])


def _street(lists: _Lists, words: Words) -> pa.Array:
    number = pa.array((words[:, 1] % np.uint64(199) + np.uint64(1)).astype(np.int64)).cast(pa.string())
    return pc.binary_join_element_wise(_draw(lists.streets, words[:, 0]), number, " ")


def _email(lists: _Lists, words: Words) -> pa.Array:
    plain = _Lists(
        (_ascii(lists.first[0]), _ascii(lists.first[1])), (_ascii(lists.last[0]), _ascii(lists.last[1])), *_NONE
    )
    local = pc.binary_join_element_wise(_first(plain, words), _last(plain, words), ".")
    number = pa.array((words[:, 1] >> np.uint64(40)) % np.uint64(10_000)).cast(pa.string())
    domain = _draw(pa.array(_MAIL_DOMAINS), words[:, 1] >> np.uint64(20))
    return pc.binary_join_element_wise(pc.binary_join_element_wise(local, number, ""), domain, "@")


_NONE = (pa.array([], pa.string()), pa.array([], pa.string()))


def _ascii(words: pa.Array) -> pa.Array:
    return pa.array([_ascii_word(word) for word in words.to_pylist()], pa.string())


@lru_cache(maxsize=20_000)
def _ascii_word(word: str) -> str:
    text = "".join(_CYRILLIC.get(character, character) for character in word.lower()).translate(_LATIN)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if c.isascii() and c.isalnum())


_MAKERS = {
    Stand.NAME: _name,
    Stand.FIRST_NAME: _first,
    Stand.LAST_NAME: _last,
    Stand.EMAIL: _email,
    Stand.CITY: _city,
    Stand.STREET: _street,
}
