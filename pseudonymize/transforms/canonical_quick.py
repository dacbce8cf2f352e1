"""Canonical forms of the values that most columns are made of, as column operations: plain addresses, numbers that are E.164 already.

Each function here says the forms of the values that it is sure about, and which these are; the others take the way of `canonical.py`, one
by one. Sure means that both ways give the same answer, which property tests hold against every form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from unicodedata import normalize

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

Quick = tuple[pa.Array, pa.Array]
"""The forms, and for each value whether its form is sure. Null is not sure."""

_PRINTABLE = r"^[!-~]+(?: [!-~]+)*$"
_LOCAL = r"[!#$%&'*+\-./0-9=?A-Z^_`a-z{|}~]+"
_DOMAIN = r"(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z0-9]{2,}"
_ADDRESS = rf"^{_LOCAL}@{_DOMAIN}$"
_LONGEST_ADDRESS = 64  # so its local part and each label are within their own bounds
_CODE = r"^[A-Za-z0-9]+(?:[ ./-][A-Za-z0-9]+)*$"
_POSTCODE = r"^[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)*$"


def _trimmed(text: pa.Array) -> pa.Array:
    return pc.ascii_trim(text, " ")


def _sure(text: pa.Array, pattern: str, longest: int, shortest: int = 1) -> pa.Array:
    size = pc.binary_length(text)
    fits = pc.and_(pc.less_equal(size, longest), pc.greater_equal(size, shortest))
    return pc.fill_null(pc.and_(fits, pc.match_substring_regex(text, pattern)), False)


def email(text: pa.Array) -> Quick:
    """Plain ASCII addresses: lower case is all there is to do."""
    text = _trimmed(text)
    return pc.ascii_lower(text), _sure(text, _ADDRESS, _LONGEST_ADDRESS)


def mailbox(text: pa.Array, providers: Mapping[str, tuple[str, bool, str]]) -> Quick:
    """The same; at providers with several spellings of a mailbox, their one spelling."""
    forms, sure = email(text)
    domains = "|".join(re.escape(domain) for domain in providers)
    several = pc.and_(sure, pc.fill_null(pc.match_substring_regex(forms, f"@(?:{domains})$"), False))
    if not pc.any(several).as_py():
        return forms, sure
    some = forms.filter(several)
    local = pc.replace_substring_regex(some, pattern=r"(?:\+.*)?@.*$", replacement="", max_replacements=1)
    domain = pc.replace_substring_regex(some, pattern=r"^[^@]*@", replacement="")
    names, dotless = (
        [provider[0] for provider in providers.values()],
        [not provider[1] for provider in providers.values()],
    )
    place = pc.index_in(domain, value_set=pa.array(list(providers), domain.type))
    undotted = pc.replace_substring(local, ".", "")
    local = pc.if_else(pa.array(dotless).take(place), undotted, local)
    spelt = pc.binary_join_element_wise(local, pa.array(names, local.type).take(place), pa.scalar("@", local.type))
    forms = pc.replace_with_mask(forms, several, spelt.cast(forms.type))
    empty = pc.equal(pc.binary_length(local), 0)
    return forms, pc.replace_with_mask(sure, several, pc.invert(empty))


def phone(text: pa.Array) -> Quick:
    """International numbers of a length that their country has, without what looks like a national prefix."""
    bare = pc.replace_substring_regex(_trimmed(text), pattern=r"([0-9])[ -]([0-9])", replacement=r"\1\2")
    bare = pc.replace_substring_regex(bare, pattern=r"([0-9])[ -]([0-9])", replacement=r"\1\2")
    accept, refuse = _countries()
    sure = _sure(bare, accept, 16)
    return bare, pc.and_(sure, pc.invert(pc.fill_null(pc.match_substring_regex(bare, refuse), False)))


@lru_cache(maxsize=1)
def _countries() -> tuple[str, str]:
    """Two expressions over E.164 numbers: those of a possible length by country, and those that begin with a national prefix."""
    accept, refuse = [], []
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        prefix = metadata.national_prefix_for_parsing
        if metadata.national_prefix_transform_rule or (prefix and re.match(f"(?:{prefix})", "")):
            continue
        if prefix:
            refuse.append(f"{code}(?:{prefix})")
        lengths = [length for length in metadata.general_desc.possible_length if length > 1]
        accept += [f"{code}[1-9][0-9]{{{length - 1}}}" for length in lengths]
    return rf"^\+(?:{'|'.join(accept)})$", rf"^\+(?:{'|'.join(refuse)})"


def name(text: pa.Array) -> Quick:
    """Letters whose lower case is their folded form, in words with one blank, hyphen or apostrophe between."""
    text = _trimmed(text)
    return pc.utf8_lower(text), _sure(text, _names(), 500)


@lru_cache(maxsize=1)
def _names() -> str:
    """Latin and Cyrillic letters that normalisation and folding leave alone but for their case."""
    ranges = (range(0x41, 0x5B), range(0x61, 0x7B), range(0xC0, 0x180), range(0x400, 0x460))
    letters = [chr(code) for block in ranges for code in block if _steady(chr(code))]
    word = f"[{''.join(letters)}]+"
    return f"^{word}(?:[ '-]{word})*$"


def _steady(letter: str) -> bool:
    lower = letter.lower()
    return (
        letter.isalpha()
        and len(lower) == 1
        and letter.casefold() == lower
        and lower.casefold() == lower
        and normalize("NFKC", letter) == letter
        and normalize("NFKC", lower) == lower
    )


def customer_id(text: pa.Array) -> Quick:
    """Printable ASCII with single blanks is its own form."""
    text = _trimmed(text)
    return text, _sure(text, _PRINTABLE, 1_000)


def national_id(text: pa.Array) -> Quick:
    """ASCII letters and digits between single separators."""
    text = _trimmed(text)
    bare = pc.ascii_upper(pc.replace_substring_regex(text, pattern="[ ./-]", replacement=""))
    size = pc.binary_length(bare)
    shaped = pc.and_(_sure(text, _CODE, 60), pc.fill_null(pc.match_substring_regex(bare, "[0-9]"), False))
    return bare, pc.and_(shaped, pc.fill_null(pc.and_(pc.greater_equal(size, 5), pc.less_equal(size, 20)), False))


def postcode(text: pa.Array) -> Quick:
    """ASCII letters and digits between single blanks or hyphens."""
    text = _trimmed(text)
    bare = pc.ascii_upper(pc.replace_substring_regex(text, pattern="[ -]", replacement=""))
    size = pc.binary_length(bare)
    fits = pc.fill_null(pc.and_(pc.greater_equal(size, 2), pc.less_equal(size, 12)), False)
    return bare, pc.and_(_sure(text, _POSTCODE, 24), fits)


def birth_date(text: pa.Array) -> Quick:
    """ISO 8601 dates that the calendar has."""
    text = _trimmed(text)
    shaped = _sure(text, r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$", 10)
    parsed = pc.strptime(
        pc.if_else(shaped, text, None).cast(pa.string()), format="%Y-%m-%d", unit="s", error_is_null=True
    )
    written = parsed.cast(pa.date32()).cast(pa.string())
    return text, pc.and_(shaped, pc.fill_null(pc.equal(written, text.cast(pa.string())), False))


FORMS: Mapping[str, Callable[[pa.Array], Quick]] = {
    "email@1": email,
    "phone@1": phone,
    "e164@1": phone,
    "name@1": name,
    "customer_id@1": customer_id,
    "id@1": customer_id,
    "national_id@1": national_id,
    "birth_date@1": birth_date,
    "postcode@1": postcode,
}
