"""Canonical forms: one spelling for what is one thing, before it is tokenised, indexed or compared.

"José" in two Unicode encodings gives two tokens, so a person would be two people. Every form has a name and a version
(``email@1``); a version never changes its output, an improvement is a new version. A form is idempotent:
``form(form(x)) == form(x)``. Vault, import, suppression and policies share these functions and one file of vectors,
``tests/unit/pseudonymize/canonical_vectors.json``.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import idna
import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms import canonical_quick, checksums
from pseudonymize.transforms.columns import per_distinct, text_of
from pseudonymize.transforms.errors import (
    NoCanonicalForm,
    NotCanonical,
    UnknownCanonicaliser,
)

_PAYS_FROM = 4  # rows a value, where a column operation makes most of the forms
LONGEST = 1_000  # characters; no identifier is longer, and normalisation takes time
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u00b4`"), "'")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_PLAIN_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:(?!-)(?!..--)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)(?!..--)[a-z0-9-]{2,63}(?<!-)\Z"
)
_LOCAL_PART = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+\Z")
_SEPARATORS = re.compile(r"[\s./\-]+")
_EXTENSION = re.compile(r";ext=")
_DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\Z"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})\Z"),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\Z"),
)
# Providers that document that these spellings reach one mailbox: (aliases of the domain, dots count, tag character).
_MAILBOXES: Mapping[str, tuple[str, bool, str]] = {
    "gmail.com": ("gmail.com", False, "+"),
    "googlemail.com": ("gmail.com", False, "+"),
    "outlook.com": ("outlook.com", True, "+"),
    "hotmail.com": ("hotmail.com", True, "+"),
    "icloud.com": ("icloud.com", True, "+"),
    "me.com": ("icloud.com", True, "+"),
    "fastmail.com": ("fastmail.com", True, "+"),
    "protonmail.com": ("proton.me", True, "+"),
    "proton.me": ("proton.me", True, "+"),
    "pm.me": ("proton.me", True, "+"),
}


def _cleaned(value: str, kind: str) -> str:
    """NFKC without invisible characters and outer white space. Raises NoCanonicalForm when nothing is left."""
    if len(value) > LONGEST:
        raise NoCanonicalForm(kind)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).translate(_INVISIBLE)).strip()
    if not text or "\x00" in text:
        raise NoCanonicalForm(kind)
    return text


def _settled(text: str, step: Callable[[str], str]) -> str:
    """``step`` and NFKC until nothing changes: folding can undo normalisation and the other way round."""
    for _ in range(8):
        after = unicodedata.normalize("NFKC", step(text)).strip()
        if after == text:
            break
        text = after
    return text


def _ascii_digits(text: str) -> str:
    """Decimal digits of every script as 0-9."""
    return "".join(str(unicodedata.decimal(character, character)) for character in text)


def email(value: str) -> str:
    """email@1: lower case, NFKC, domain as A-labels (IDNA 2008, UTS 46) without a final dot. Dots and tags are kept.

    Raises NoCanonicalForm for what is no address. Only RFC 5321's plain form is one: no quotes, comments or IP literals.
    """
    text = _settled(_cleaned(value, "email"), str.lower)
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.match(local) or len(local.encode()) > 64:
        raise NoCanonicalForm("email")
    return f"{local}@{_domain(domain)}"


def _domain(domain: str) -> str:
    domain = domain.removesuffix(".")
    if _PLAIN_DOMAIN.match(domain):
        return domain
    try:
        encoded = idna.encode(domain, uts46=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError) as error:
        raise NoCanonicalForm("email") from error
    if "." not in encoded:
        raise NoCanonicalForm("email")
    return encoded


def mailbox(value: str) -> str:
    """email@2: email@1, and for the large providers that say so, one spelling per mailbox (no tag; no dots at Gmail)."""
    address = email(value)
    local, _, domain = address.rpartition("@")
    if domain not in _MAILBOXES:
        return address
    name, dots_count, tag = _MAILBOXES[domain]
    plain = local.partition(tag)[0]
    if not dots_count:
        plain = plain.replace(".", "")
    return f"{plain}@{name}" if plain else f"{local}@{name}"


def phone(value: str, region: str | None = None) -> str:
    """phone@1: E.164, with ``;ext=`` for an extension. ``region``: where a number without a country code is dialled (ISO 3166).

    Raises NoCanonicalForm when the number cannot exist there (wrong length), or has no country code and no region was said.
    """
    text = _cleaned(value, "phone")
    if len(text) > 60:
        raise NoCanonicalForm("phone")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise NoCanonicalForm("phone") from error
    if not phonenumbers.is_possible_number(number):
        raise NoCanonicalForm("phone")
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{dialled};ext={number.extension}" if number.extension else str(dialled)


def name(value: str) -> str:
    """name@1: case-folded, one kind of apostrophe, hyphen and space. Accents are kept: Łukasz is not Lukasz."""
    text = _settled(_cleaned(value, "name"), _folded_name)
    if not any(character.isalpha() for character in text):
        raise NoCanonicalForm("name")
    return text


def _folded_name(text: str) -> str:
    folded = text.casefold().translate(_APOSTROPHES).translate(_HYPHENS).translate(_INVISIBLE)
    return " ".join(re.sub(r"\s*-\s*", "-", folded).split())


def customer_id(value: str) -> str:
    """customer_id@1: NFKC, inner white space as one blank. Upper and lower case stay different."""
    return _settled(_cleaned(value, "customer_id"), lambda text: " ".join(text.split()))


def national_id(value: str) -> str:
    """national_id@1: upper case letters and digits of any country's number, without separators, 5 to 20 characters.

    No check digits: an import may hold a number with a slip, and it must still be found. ``pesel`` and ``ssn`` do check.
    """
    text = _SEPARATORS.sub("", _ascii_digits(_settled(_cleaned(value, "national_id"), str.upper)).translate(_HYPHENS))
    if not (5 <= len(text) <= 20 and text.isascii() and text.isalnum() and any(map(str.isdigit, text))):
        raise NoCanonicalForm("national_id")
    return text


def pesel(value: str) -> str:
    """pesel@1: 11 digits with a real date and the right check digit."""
    return _checked(value, "pesel", checksums.pesel)


def ssn(value: str) -> str:
    """ssn@1: nine digits of a US Social Security number that can have been issued."""
    return _checked(value, "ssn", checksums.ssn)


def nip(value: str) -> str:
    """nip@1: ten digits of a Polish tax number, an EU prefix PL dropped."""
    return _checked(value, "nip", checksums.nip, drop="PL")


def iban(value: str) -> str:
    """iban@1: upper case, no blanks, right check digits."""
    return _checked(value, "iban", checksums.iban)


def _checked(value: str, kind: str, fits: Callable[[str], bool], drop: str = "") -> str:
    text = _SEPARATORS.sub("", _ascii_digits(_cleaned(value, kind)).upper().translate(_HYPHENS)).removeprefix(drop)
    if not fits(text):
        raise NoCanonicalForm(kind)
    return text


def birth_date(value: str) -> str:
    """birth_date@1: ISO 8601. Reads 1987-03-09, 19870309 and 09.03.1987; slashes are refused, for they mean two things."""
    text = _ascii_digits(_cleaned(value, "birth_date")).translate(_HYPHENS)
    for pattern in _DATES:
        if found := pattern.match(text):
            try:
                return dt.date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
            except ValueError:
                break
    raise NoCanonicalForm("birth_date")


def postcode(value: str) -> str:
    """postcode@1: upper case letters and digits without blanks or hyphens."""
    text = _SEPARATORS.sub("", _ascii_digits(_settled(_cleaned(value, "postcode"), str.upper)).translate(_HYPHENS))
    if not (2 <= len(text) <= 12 and text.isascii() and text.isalnum()):
        raise NoCanonicalForm("postcode")
    return text


FORMS: Mapping[str, Callable[[str], str]] = {
    "email@1": email,
    "email@2": mailbox,
    "phone@1": phone,
    "e164@1": phone,
    "name@1": name,
    "customer_id@1": customer_id,
    "id@1": customer_id,
    "national_id@1": national_id,
    "pesel@1": pesel,
    "ssn@1": ssn,
    "nip@1": nip,
    "iban@1": iban,
    "birth_date@1": birth_date,
    "postcode@1": postcode,
}
REGIONAL = frozenset({"phone@1", "e164@1"})


def form(version: str, *, region: str | None = None) -> Callable[[str], str]:
    """The function behind a name such as ``email@1``. Raises UnknownCanonicaliser."""
    try:
        found = FORMS[version]
    except KeyError as error:
        raise UnknownCanonicaliser(f"there is no canonical form {version!r}; known: {', '.join(FORMS)}") from error
    return (lambda value: phone(value, region)) if version in REGIONAL else found


def canonicalise(
    column: Any, version: str, *, region: str | None = None, on_error: Literal["raise", "null"] = "raise"
) -> pa.Array:
    """The canonical form of every value of a text column; each distinct value is worked once. Nulls stay null.

    ``version``: a name in FORMS. ``region``: for phone numbers without a country code. What has no canonical form raises
    NotCanonical with its row, or becomes null with ``on_error="null"`` (compare null counts to quarantine). Raises
    UnknownCanonicaliser and, for columns that are no text, ColumnTypeUnsupported.
    """
    apply = form(version, region=region)
    quick = _quick(version)
    pays_from = _PAYS_FROM if quick else 1
    return per_distinct(
        column, lambda array: _canonical_array(array, apply, quick, on_error), pa.string(), pays_from=pays_from
    )


def _quick(version: str) -> Callable[[pa.Array], canonical_quick.Quick] | None:
    if version == "email@2":
        return lambda text: canonical_quick.mailbox(text, _MAILBOXES)
    return canonical_quick.FORMS.get(version)


def _canonical_array(
    array: pa.Array,
    apply: Callable[[str], str],
    quick: Callable[[pa.Array], canonical_quick.Quick] | None,
    on_error: Literal["raise", "null"],
) -> pa.Array:
    text = text_of(array)
    if quick is None or not len(text):
        return _one_by_one(text, range(len(text)), apply, on_error)
    forms, sure = quick(text)
    rest = np.flatnonzero(~np.asarray(sure.to_numpy(zero_copy_only=False), dtype=np.bool_))
    if not len(rest):
        return forms
    answers = _one_by_one(text.take(pa.array(rest)), rest.tolist(), apply, on_error)
    return pc.replace_with_mask(forms, pc.invert(sure), answers.cast(forms.type))


def _one_by_one(
    array: pa.Array, rows: Sequence[int], apply: Callable[[str], str], on_error: Literal["raise", "null"]
) -> pa.Array:
    # Names and addresses need Python's Unicode tables: this is the one loop per (distinct) value of the folder.
    answers: list[str | None] = []
    for row, value in zip(rows, array.to_pylist(), strict=True):
        try:
            answers.append(None if value is None else apply(value))
        except NoCanonicalForm as refused:
            if on_error == "raise":
                raise NotCanonical(row, refused.kind) from None
            answers.append(None)
    return pa.array(answers, pa.string())
