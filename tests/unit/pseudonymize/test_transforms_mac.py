"""Keyed tokens are AES-256-CMAC, whatever the layout of the column."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from pseudonymize.transforms import mac
from pseudonymize.transforms.columns import as_bytes, repeats
from pseudonymize.transforms.errors import ColumnTypeUnsupported, KeyLengthInvalid

KEY = hashlib.sha256(b"a domain").digest()
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


def one(value: bytes | str | None, key: bytes = KEY) -> str | None:
    """The token of one value, by the library."""
    if value is None:
        return None
    context = CMAC(algorithms.AES(key))
    context.update(value.encode() if isinstance(value, str) else value)
    return context.finalize().hex()


def some_bytes(seed: int, rows: int, longest: int = 300, nulls: float = 0.1) -> list[bytes | None]:
    chance = random.Random(seed)
    return [None if chance.random() < nulls else chance.randbytes(chance.randint(0, longest)) for _ in range(rows)]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "028962f61b7bf89efc6b551f4667d983"),
        (16, "28a7023f452e8f82bd4bf28d8c37c35c"),
        (40, "aaf3d8f1de5640c232f5b169b9c911e6"),
        (64, "e1992190549f6ed5696a2c056c315410"),
    ],
)
def test_tokens_are_the_examples_of_sp_800_38b(length: int, expected: str) -> None:
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert mac.tokens(pa.array([MESSAGE[:length]]), key).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_the_machinery_gives_the_examples_of_rfc_4493_under_a_short_key(length: int, expected: str) -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert mac.cmac(as_bytes(pa.array([MESSAGE[:length]])), key).tobytes().hex() == expected


@pytest.mark.parametrize("rows", [0, 1, 2, 8191, 8192, 8193, 30_000])
def test_every_row_equals_the_library_for_random_lengths_and_nulls(rows: int) -> None:
    values = some_bytes(rows, rows)
    answer = mac.tokens(pa.array(values, pa.binary()), KEY)
    answer.validate(full=True)
    assert answer.type == pa.string()
    assert answer.to_pylist() == [one(value) for value in values]


def test_lengths_around_every_border_equal_the_library() -> None:
    values = [bytes([length % 251]) * length for length in [*range(70), *range(1008, 1042), 4096, 100_001]]
    random.Random(1).shuffle(values)
    assert mac.tokens(pa.array(values), KEY).to_pylist() == [one(value) for value in values]


def test_one_huge_value_among_small_ones_costs_one_library_call() -> None:
    values = [b"a", b"x" * 20_000_000, None, b"b" * 33]
    assert mac.tokens(pa.array(values), KEY).to_pylist() == [one(value) for value in values]


@pytest.mark.parametrize(
    "type_",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()],
    ids=str,
)
def test_every_text_and_binary_layout_gives_the_same_tokens(type_: pa.DataType) -> None:
    texts = ["", "a", None, "józef@przykład.pl", "x" * 40, None, "Ω" * 9]
    values = texts if "string" in str(type_) else [None if t is None else t.encode() for t in texts]
    array = pa.array(values, type_)
    assert mac.tokens(array, KEY).to_pylist() == [one(text) for text in texts]
    assert mac.tokens(array.slice(2, 3), KEY).to_pylist() == [one(text) for text in texts[2:5]]


def test_fixed_size_binary_and_its_slices_have_tokens_too() -> None:
    array = pa.array([b"1234567", None, b"7654321"], pa.binary(7))
    assert mac.tokens(array, KEY).to_pylist() == [one(b"1234567"), None, one(b"7654321")]
    assert mac.tokens(array.slice(1), KEY).to_pylist() == [None, one(b"7654321")]


def test_chunks_are_one_column() -> None:
    chunks = pa.chunked_array([["a", None], [], ["b" * 50], pa.array(["z", "c"]).slice(1)])
    assert mac.tokens(chunks, KEY).to_pylist() == [one("a"), None, one("b" * 50), one("c")]
    assert mac.tokens(pa.chunked_array([], pa.string()), KEY).to_pylist() == []


def test_a_dictionary_column_gives_plain_text_and_ignores_words_that_no_row_uses() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1, 3]), pa.array(["a", "b", "never", None]))
    answer = mac.tokens(array, KEY)
    assert answer.type == pa.string()
    assert answer.to_pylist() == [one("b"), None, one("a"), one("b"), None]
    assert mac.tokens(array.slice(1, 2), KEY).to_pylist() == [None, one("a")]


def test_chunks_with_different_dictionaries_are_unified() -> None:
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()])
    assert mac.tokens(chunks, KEY).to_pylist() == [one("a"), one("b"), one("b"), one("c")]


def test_a_column_that_repeats_gives_what_its_rows_give_one_by_one() -> None:
    values = [f"customer-{number % 1000}" if number % 11 else None for number in range(100_000)]
    column = pa.array(values)
    assert repeats(column)
    distinct = {value: one(value) for value in set(values)}
    assert mac.tokens(column, KEY).to_pylist() == [distinct[value] for value in values]


def test_sorted_runs_and_scattered_repeats_are_both_seen_and_distinct_values_are_not_taken_for_repeats() -> None:
    numbers = np.arange(200_000)
    assert repeats(pa.array((numbers // 20).astype(str)))
    assert repeats(pa.array((numbers * 7919 % 40_000).astype(str)))
    assert not repeats(pa.array(numbers.astype(str)))


def test_a_null_column_stays_null_and_the_empty_string_is_a_value() -> None:
    assert mac.tokens(pa.nulls(3), KEY).to_pylist() == [None, None, None]
    assert mac.tokens(pa.array([None, None], pa.string()), KEY).to_pylist() == [None, None]
    assert mac.tokens(pa.array([""]), KEY).to_pylist() == [one(b"")]


def test_bytes_under_a_null_do_not_reach_the_answer() -> None:
    text = pa.array(["secret-1", "secret-2"])
    masked = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x01"), *text.buffers()[1:]])
    answer = mac.tokens(masked, KEY)
    assert answer.to_pylist() == [one("secret-1"), None]
    assert bytes(answer.buffers()[2])[32:64] == bytes(32)


def test_a_few_rows_of_a_big_dictionary_cost_only_their_own_words() -> None:
    for layout in (pa.string(), pa.large_string(), pa.string_view()):
        words = pa.array([f"word {number}" for number in range(1_000)], layout)
        array = pa.DictionaryArray.from_arrays(pa.array([7, None, 999]), words)
        assert mac.tokens(array, KEY).to_pylist() == [one("word 7"), None, one("word 999")]


def test_a_polars_series_is_a_column() -> None:
    assert mac.tokens(pl.Series(["a", "a", None], dtype=pl.Categorical), KEY).to_pylist() == [one("a"), one("a"), None]
    assert mac.tokens(pl.Series(["a", None]), KEY).to_pylist() == [one("a"), None]


def test_another_key_gives_unrelated_tokens() -> None:
    column = pa.array(["a", "b"])
    other = hashlib.sha256(b"another domain").digest()
    assert not set(mac.tokens(column, KEY).to_pylist()) & set(mac.tokens(column, other).to_pylist())


def test_tags_are_the_tokens_bits() -> None:
    column = pa.array(["a", None, "b" * 99])
    bits = mac.tags(column, KEY)
    assert bits.type == pa.binary()
    assert [None if tag is None else tag.hex() for tag in bits.to_pylist()] == mac.tokens(column, KEY).to_pylist()


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeyLengthInvalid):
        mac.tokens(pa.array(["a"]), bytes(length))


@pytest.mark.parametrize("column", [pa.array([1, 2]), pa.array([1.5]), pa.array([["a"]]), ["a"], "a"], ids=str)
def test_what_has_no_bytes_is_refused(column: object) -> None:
    with pytest.raises(ColumnTypeUnsupported):
        mac.tokens(column, KEY)
