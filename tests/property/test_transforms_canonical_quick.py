"""The two ways to a canonical form agree: column operations on plain values, and one value at a time."""

from __future__ import annotations

import os
import string

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymize.transforms import canonical
from pseudonymize.transforms.errors import NoCanonicalForm

often = settings(max_examples=int(os.environ.get("ZGODA_EXAMPLES", "60")))
_PIECES = {
    "email": [
        "a",
        "B",
        "1",
        ".",
        "-",
        "--",
        "+",
        "@",
        " ",
        "é",
        "gmail.com",
        "GoogleMail.com",
        "pm.me",
        "x.org",
        "ab--c.de",
        "x" * 40,
    ],
    "phone": [
        "+",
        "48",
        "1",
        "44",
        "0",
        "7",
        "9",
        "54",
        "52",
        "39",
        "601",
        "000",
        "12025550",
        " ",
        "-",
        "(",
        ")",
        "x",
        "  ",
    ],
    "name": [
        "a",
        "Ł",
        "ß",
        "İ",
        "ſ",
        " ",
        "-",
        "'",
        "’",
        "  ",
        "Ń",
        "e\u0301",
        "ĳ",
        "Ё",
        "и\u0306",
        "1",
        "\u00ad",
        "Ǆ",
    ],
    "id": ["a", "B", " ", "  ", "1", "-", "\t", "é", "ﬁ", "\x00", "\u00a0"],
    "date": ["1987", "-", "03", "02", "30", "31", "29", "0000", "2024-02-29", "2023-02-29", ".", " "],
}
_FORMS = {
    "email@1": "email",
    "email@2": "email",
    "phone@1": "phone",
    "name@1": "name",
    "id@1": "id",
    "national_id@1": "id",
    "postcode@1": "id",
    "birth_date@1": "date",
}


def one_by_one(version: str, values: list[str]) -> list[str | None]:
    form, answers = canonical.form(version), []
    for value in values:
        try:
            answers.append(form(value))
        except NoCanonicalForm:
            answers.append(None)
    return answers


@pytest.mark.parametrize("version", sorted(_FORMS))
@often
@given(data=st.data())
def test_whole_columns_and_single_values_have_the_same_forms(version: str, data: st.DataObject) -> None:
    pieces = st.sampled_from(_PIECES[_FORMS[version]])
    values = data.draw(st.lists(st.lists(pieces, max_size=9).map("".join), max_size=40))
    column = pa.array(values, pa.string())
    assert canonical.canonicalise(column, version, on_error="null").to_pylist() == one_by_one(version, values)


@often
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
            st.text(string.digits, min_size=4, max_size=13),
        ),
        max_size=60,
    )
)
def test_numbers_of_every_country_have_the_form_that_the_library_gives(numbers: list[tuple[int, str]]) -> None:
    values = [f"+{code}{rest}" for code, rest in numbers]
    forms = canonical.canonicalise(pa.array(values, pa.string()), "e164@1", on_error="null")
    assert forms.to_pylist() == one_by_one("e164@1", values)


def test_common_values_take_the_quick_way() -> None:
    from pseudonymize.transforms import canonical_quick

    plain = {
        "email@1": ["Anna.Nowak+news@Mail.example.org", "x_1@a-b.co"],
        "phone@1": ["+48601000103", "+1 202-555-0125", "+49 151 12345678"],
        "name@1": ["Łukasz Żółć-Nowak", "O'Neill", "Иван Петров"],
        "id@1": ["C-000123", "two words"],
        "birth_date@1": ["1987-03-09"],
    }
    for version, values in plain.items():
        _, sure = canonical_quick.FORMS[version](pa.array(values))
        assert sure.to_pylist() == [True] * len(values), version
