"""Reversible tokens are AES-SIV, byte for byte, and a forged one never opens."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pseudonymize.transforms import siv
from pseudonymize.transforms.errors import AssociatedDataInvalid, ColumnTypeUnsupported, ForgedValue, KeyLengthInvalid
from tests.unit.pseudonymize.test_transforms_mac import some_bytes

KEY = bytes(range(64))
BOUND = [b"ml-churn", b"email"]


def library(values: list[bytes | None], key: bytes = KEY, associated: list[bytes] = BOUND) -> list[bytes | None]:
    return [None if value is None else AESSIV(key).encrypt(value, associated) for value in values]


def test_rfc_5297_example_a_1_deterministic() -> None:
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    associated = [bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")]
    plain = bytes.fromhex("112233445566778899aabbccddee")
    sealed = bytes.fromhex("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
    assert siv.encrypt(pa.array([plain]), key, associated).to_pylist() == [sealed]
    assert siv.decrypt(pa.array([sealed]), key, associated).to_pylist() == [plain]


def test_rfc_5297_example_a_2_with_two_headers_and_a_nonce() -> None:
    key = bytes.fromhex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")
    associated = [
        bytes.fromhex("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100"),
        bytes.fromhex("102030405060708090a0"),
        bytes.fromhex("09f911029d74e35bd84156c5635688c0"),
    ]
    plain = b"this is some plaintext to encrypt using SIV-AES"
    sealed = bytes.fromhex(
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
        "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"
    )
    assert siv.encrypt(pa.array([plain]), key, associated).to_pylist() == [sealed]
    assert siv.decrypt(pa.array([sealed]), key, associated).to_pylist() == [plain]


@pytest.mark.parametrize("key_bytes", [32, 48, 64])
@pytest.mark.parametrize("associated", [[], [b""], BOUND, [bytes(99)] * 126], ids=len)
def test_every_row_equals_the_library(key_bytes: int, associated: list[bytes]) -> None:
    values = some_bytes(key_bytes, 2_000)
    sealed = siv.encrypt(pa.array(values, pa.binary()), KEY[:key_bytes], associated)
    sealed.validate(full=True)
    assert sealed.type == pa.binary()
    assert sealed.to_pylist() == library(values, KEY[:key_bytes], associated)
    opened = siv.decrypt(sealed, KEY[:key_bytes], associated)
    opened.validate(full=True)
    assert opened.to_pylist() == values


@pytest.mark.parametrize("rows", [0, 1, 8191, 8192, 8193, 20_000])
def test_batches_do_not_show(rows: int) -> None:
    values = some_bytes(rows, rows, longest=60)
    sealed = siv.encrypt(pa.array(values, pa.binary()), KEY, BOUND)
    assert sealed.to_pylist() == library(values)
    assert siv.decrypt(sealed, KEY, BOUND).to_pylist() == values


def test_tiny_empty_null_and_huge_values_lie_beside_each_other_without_spilling() -> None:
    chance = random.Random(5)
    sizes = [0, 0, 1, 15, 16, 17, 31, 32, 33, 1023, 1024, 1025, 1040, 5_000, None, None]
    values = [None if size is None else chance.randbytes(size) for size in chance.choices(sizes, k=9_000)]
    values[4_000] = chance.randbytes(3_000_000)
    sealed = siv.encrypt(pa.array(values, pa.binary()), KEY, BOUND)
    assert sealed.to_pylist() == library(values)
    assert siv.decrypt(sealed, KEY, BOUND).to_pylist() == values


def test_text_comes_back_as_text_when_asked() -> None:
    column = pa.chunked_array([["józef@przykład.pl", None], ["", "a" * 90]])
    opened = siv.decrypt(siv.encrypt(column, KEY, BOUND), KEY, BOUND, text=True)
    assert opened.type == pa.string()
    assert opened.to_pylist() == column.to_pylist()


def test_slices_dictionaries_and_repeats_give_what_single_rows_give() -> None:
    plain = pa.array([f"household {number % 700}" if number % 13 else None for number in range(70_000)])
    expected = library([None if value is None else value.encode() for value in plain.to_pylist()])
    assert siv.encrypt(plain, KEY, BOUND).to_pylist() == expected
    assert siv.encrypt(plain.dictionary_encode(), KEY, BOUND).to_pylist() == expected
    sealed = siv.encrypt(plain.slice(100, 50), KEY, BOUND)
    assert sealed.to_pylist() == expected[100:150]
    assert siv.decrypt(sealed.slice(7, 9), KEY, BOUND, text=True).to_pylist() == plain.to_pylist()[107:116]


@pytest.mark.parametrize("byte", [0, 15, 16, -1])
@pytest.mark.parametrize("length", [1, 16, 40, 2_000])
def test_one_changed_bit_is_a_forgery_and_names_its_row(byte: int, length: int) -> None:
    values: list[bytes | None] = [b"first", None, bytes(length), b"last"]
    sealed = library(values)
    broken = bytearray(sealed[2] or b"")
    broken[byte] ^= 0x80
    column = pa.array([*sealed[:2], bytes(broken), sealed[3]])
    with pytest.raises(ForgedValue) as refused:
        siv.decrypt(column, KEY, BOUND)
    assert refused.value.row == 2


def test_the_first_of_several_forgeries_is_named_across_short_long_and_sorted_rows() -> None:
    chance = random.Random(9)
    values = some_bytes(9, 20_000, longest=2_000, nulls=0.3)
    sealed = library(values)
    for start in (0, 9_000, 19_000):
        column, forged = list(sealed), []
        for row in range(start, 20_000):
            value = column[row]
            if value is None or chance.random() > 0.01:
                continue
            forged.append(row)
            column[row] = chance.choice([b"", value[:15], value[:-1], value + b"x", bytes(len(value))])
        with pytest.raises(ForgedValue) as refused:
            siv.decrypt(pa.array(column, pa.binary()), KEY, BOUND)
        assert refused.value.row == forged[0]


def test_a_forged_dictionary_word_is_refused_only_where_a_row_uses_it() -> None:
    good, bad = library([b"good"])[0], bytes(30)
    words = pa.array([bad, good, bad[:20]])
    unused = pa.DictionaryArray.from_arrays(pa.array([1, 1, None, 1]), words)
    assert siv.decrypt(unused, KEY, BOUND).to_pylist() == [b"good", b"good", None, b"good"]
    used = pa.DictionaryArray.from_arrays(pa.array([1, 1, 2, 0]), words)
    with pytest.raises(ForgedValue) as refused:
        siv.decrypt(used, KEY, BOUND)
    assert refused.value.row == 2


def test_rows_are_counted_over_chunks() -> None:
    good = library([b"good"])[0]
    with pytest.raises(ForgedValue) as refused:
        siv.decrypt(pa.chunked_array([[good, good], [good, bytes(20)]]), KEY, BOUND)
    assert refused.value.row == 3


@pytest.mark.parametrize(
    ("key", "associated"),
    [(KEY[::-1], BOUND), (KEY, [b"ml-churn"]), (KEY, BOUND[::-1]), (KEY, [b"ml-churnemail"]), (KEY, [])],
)
def test_another_key_or_other_associated_data_opens_nothing(key: bytes, associated: list[bytes]) -> None:
    with pytest.raises(ForgedValue):
        siv.decrypt(siv.encrypt(pa.array(["a"]), KEY, BOUND), key, associated)


def test_an_error_never_shows_the_value() -> None:
    with pytest.raises(ForgedValue) as refused:
        siv.decrypt(pa.array([b"alice@example.org and more"]), KEY, BOUND)
    assert "alice" not in str(refused.value)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 65, 128])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeyLengthInvalid):
        siv.encrypt(pa.array(["a"]), bytes(length), BOUND)


def test_too_many_components_and_components_that_are_no_bytes_are_refused() -> None:
    with pytest.raises(AssociatedDataInvalid):
        siv.encrypt(pa.array(["a"]), KEY, [b""] * 127)
    with pytest.raises(AssociatedDataInvalid):
        siv.encrypt(pa.array(["a"]), KEY, b"domain")  # type: ignore[arg-type]
    with pytest.raises(AssociatedDataInvalid):
        siv.encrypt(pa.array(["a"]), KEY, ["domain"])  # type: ignore[list-item]


def test_numbers_are_refused() -> None:
    with pytest.raises(ColumnTypeUnsupported):
        siv.encrypt(pa.array([1]), KEY, BOUND)
