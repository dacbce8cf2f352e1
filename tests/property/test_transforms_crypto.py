"""Any column, in any layout: tokens and ciphertexts are those of the standards, and decryption gives back the column."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymize.transforms import ff1, ff1_exact, mac, siv
from pseudonymize.transforms.blocks import BlockCipher

often = settings(max_examples=int(os.environ.get("ZGODA_EXAMPLES", "150")))
KEY = bytes(range(64))
VALUES = st.lists(st.none() | st.binary(max_size=80), max_size=60)
LAYOUTS = st.sampled_from([pa.binary(), pa.large_binary(), pa.binary_view()])


@st.composite
def columns(draw: Any) -> tuple[pa.Array | pa.ChunkedArray, list[bytes | None]]:
    """A column in a random layout (chunks, slices, dictionaries) and its values."""
    values = draw(VALUES)
    array = pa.array(values, draw(LAYOUTS))
    low = draw(st.integers(0, len(values)))
    high = draw(st.integers(low, len(values)))
    match draw(st.sampled_from(["plain", "slice", "chunks", "dictionary", "dictionaries"])):
        case "slice":
            return array.slice(low, high - low), values[low:high]
        case "chunks":
            return pa.chunked_array([array.slice(0, low), array.slice(low, 0), array.slice(low)]), values
        case "dictionary" if array.type == pa.binary():
            return array.dictionary_encode().slice(low, high - low), values[low:high]
        case "dictionaries" if values:  # one a chunk, with nulls, values twice and values that no row uses
            places = draw(st.lists(st.none() | st.integers(0, len(values) - 1), max_size=20))
            one = pa.DictionaryArray.from_arrays(pa.array(places, pa.int16()), array)
            other = pa.DictionaryArray.from_arrays(pa.array([0], pa.int16()), array.slice(low - 1 if low else 0, 1))
            used = [None if place is None else values[place] for place in places]
            return pa.chunked_array([one.slice(0, 0), one, other]), [*used, values[low - 1 if low else 0]]
        case _:
            return array, values


@given(column=columns())
@often
def test_tokens_are_cmac_row_by_row(column: tuple[pa.Array, list[bytes | None]]) -> None:
    array, values = column
    expected = [None if value is None else mac.cmac_one(KEY[:32], value).hex() for value in values]
    assert mac.tokens(array, KEY[:32]).to_pylist() == expected


@given(
    column=columns(),
    associated=st.lists(st.binary(max_size=40), max_size=4),
    key_bytes=st.sampled_from([32, 48, 64]),
)
@often
def test_siv_is_the_librarys_and_opens_again(
    column: tuple[pa.Array, list[bytes | None]], associated: list[bytes], key_bytes: int
) -> None:
    array, values = column
    library = AESSIV(KEY[:key_bytes])
    sealed = siv.encrypt(array, KEY[:key_bytes], associated)
    assert sealed.to_pylist() == [None if value is None else library.encrypt(value, associated) for value in values]
    assert siv.decrypt(sealed, KEY[:key_bytes], associated).to_pylist() == values


@given(data=st.data(), radix=st.integers(2, 36), tweak=st.binary(max_size=35))
@often
def test_ff1_columns_equal_the_standard_step_by_step_and_open_again(data: Any, radix: int, tweak: bytes) -> None:
    shortest = ff1.shortest(radix)
    numerals = st.text(st.sampled_from(ff1_exact.ALPHABET[:radix]), min_size=shortest, max_size=max(shortest, 44))
    values = data.draw(st.lists(st.none() | numerals, max_size=20))
    encrypted = ff1.encrypt(pa.array(values, pa.string()), KEY[:32], tweak, radix)
    cipher = BlockCipher(KEY[:32])
    expected = [None if value is None else ff1_exact.encrypt_one(cipher, tweak, radix, value) for value in values]
    assert encrypted.to_pylist() == expected
    assert ff1.decrypt(encrypted, KEY[:32], tweak, radix).to_pylist() == values
