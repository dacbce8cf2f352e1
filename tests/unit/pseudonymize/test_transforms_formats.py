"""Numbers that keep their format: what is kept stays, the check digit is right, and there is a way back."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from pseudonymize.transforms import formats
from pseudonymize.transforms.errors import ParameterInvalid
from pseudonymize.transforms.formats import Format

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def digits(value: str) -> str:
    return "".join(character for character in value if character.isdigit())


def luhn(value: str) -> bool:
    total = 0
    for place, character in enumerate(reversed(digits(value))):
        number = int(character) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def card(chance: random.Random, length: int) -> str:
    body = "".join(chance.choice("0123456789") for _ in range(length - 1))
    return next(body + str(check) for check in range(10) if luhn(body + str(check)))


def test_a_card_number_stays_one_that_machines_accept() -> None:
    chance = random.Random(7)
    values = [card(chance, length) for length in range(12, 20) for _ in range(40)]
    values += ["4111 1111 1111 1111", "5555-5555-5555-4444", None]
    form = Format(last=4, luhn=True)
    done = formats.encrypt(pa.array(values), KEY, form)

    assert not done.too_short.any()
    assert not done.unchecked.any()
    for before, after in zip(values[:-1], done.values.to_pylist()[:-1], strict=True):
        assert luhn(after)
        assert digits(after)[-4:] == digits(before)[-4:]
        assert [c if not c.isdigit() else "0" for c in after] == [c if not c.isdigit() else "0" for c in before]
        assert after != before
    assert formats.decrypt(done.values, KEY, form).values.to_pylist() == values
    assert formats.decrypt(done.values, OTHER, form).values.to_pylist() != values


def test_what_has_too_few_digits_or_a_wrong_check_digit_is_named_and_left_out() -> None:
    values = pa.array(["", "no digits", "1234", None, "4111111111111112", "4111111111111111", "411111111"])
    done = formats.encrypt(values, KEY, Format(last=4, luhn=True))
    assert done.too_short.tolist() == [True, True, True, False, False, False, True]
    assert done.unchecked.tolist() == [False, False, False, False, True, False, False]
    assert [value is None for value in done.values.to_pylist()] == [True, True, True, True, True, False, True]


def test_a_country_code_stays_and_the_rest_of_the_number_does_not() -> None:
    values = ["+48601000103", "+12025550101", "+4915112345678", "+35812345678", "601000103", "+48601"]
    done = formats.encrypt(pa.array(values), KEY, Format(country_code=True))
    found = done.values.to_pylist()
    for value, after, code in zip(values[:4], found[:4], ("+48", "+1", "+49", "+358"), strict=True):
        assert after.startswith(code)
        assert len(after) == len(value)
        assert after != value
    assert done.too_short.tolist() == [False, False, False, False, False, True]
    assert formats.decrypt(done.values, KEY, Format(country_code=True)).values.to_pylist()[:4] == values[:4]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_every_layout_gives_the_same(kind: pa.DataType) -> None:
    values = ["12345678", None, "98765432", "12345678"]
    plain = formats.encrypt(pa.array(values), KEY, Format(first=1)).values.to_pylist()
    column = pa.array(values, kind) if not pa.types.is_dictionary(kind) else pa.array(values).dictionary_encode()
    assert formats.encrypt(column, KEY, Format(first=1)).values.to_pylist() == plain
    assert formats.encrypt(column[1:3], KEY, Format(first=1)).values.to_pylist() == plain[1:3]
    chunked = pa.chunked_array([column[:2], column[2:]])
    assert formats.encrypt(chunked, KEY, Format(first=1)).values.to_pylist() == plain
    assert len(formats.encrypt(column[:0], KEY, Format(first=1)).values) == 0


def test_a_format_that_makes_no_sense_is_refused() -> None:
    for wrong in (
        {"first": -1},
        {"min_domain": 10},
        {"country_code": True, "luhn": True},
        {"country_code": True, "first": 2},
    ):
        with pytest.raises(ParameterInvalid):
            Format(**wrong)
