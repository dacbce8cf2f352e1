"""Canonical forms are idempotent for any text, and do not depend on the Unicode encoding of what they are given."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pseudonymize.transforms import canonical
from pseudonymize.transforms.errors import NoCanonicalForm

ANY_TEXT = st.text(max_size=60)
LETTERS = st.text(st.characters(categories=["L", "M", "N", "Zs", "Pd", "Cf"]), max_size=40)
ADDRESSES = st.builds("{}@{}.{}".format, LETTERS, LETTERS, st.sampled_from(["org", "pl", "РФ", "中国", "co.uk"]))
NUMBERS = st.from_regex(r"[+(]?[0-9０-９][0-9 ()./x-]{3,24}", fullmatch=True)


def once(version: str, value: str) -> str | None:
    try:
        return canonical.form(version, region="PL")(value)
    except NoCanonicalForm:
        return None


@pytest.mark.parametrize("version", sorted(canonical.FORMS))
@given(value=ANY_TEXT | LETTERS | ADDRESSES | NUMBERS)
@example(value="ǰ\u0327@example.org")
@example(value="\u1e9b\u0323 \u0345")
@example(value="İ@İstanbul.example")
@example(value="ΑΣ@example.org")
@settings(max_examples=120)
def test_a_canonical_form_is_its_own_canonical_form(version: str, value: str) -> None:
    form = once(version, value)
    assert form is None or once(version, form) == form


@pytest.mark.parametrize("version", ["email@1", "email@2", "name@1", "customer_id@1", "national_id@1"])
@given(value=LETTERS | ADDRESSES)
@settings(max_examples=120)
def test_unicode_normal_forms_of_one_text_have_one_canonical_form(version: str, value: str) -> None:
    assert len({once(version, unicodedata.normalize(form, value)) for form in ("NFC", "NFD", "NFKC", "NFKD")}) == 1
