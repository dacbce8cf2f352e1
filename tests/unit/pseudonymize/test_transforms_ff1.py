"""Format-preserving encryption is NIST's FF1, on columns."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from pseudonymize.transforms import ff1, ff1_exact
from pseudonymize.transforms.blocks import BlockCipher
from pseudonymize.transforms.errors import (
    CharacterOutsideAlphabet,
    ColumnTypeUnsupported,
    DomainTooSmall,
    KeyLengthInvalid,
    RadixInvalid,
)

KEYS = [
    bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"),
    bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f"),
    bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94"),
]
KEY = KEYS[2]
DIGITS_TWEAK = bytes.fromhex("39383736353433323130")
TEXT_TWEAK = bytes.fromhex("3737373770717273373737")

# NIST's nine FF1 samples (csrc.nist.gov, FF1samples.pdf): three inputs under each of three keys.
SAMPLES = [
    (0, 10, b"", "0123456789", "2433477484"),
    (0, 10, DIGITS_TWEAK, "0123456789", "6124200773"),
    (0, 36, TEXT_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (1, 10, b"", "0123456789", "2830668132"),
    (1, 10, DIGITS_TWEAK, "0123456789", "2496655549"),
    (1, 36, TEXT_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (2, 10, b"", "0123456789", "6657667009"),
    (2, 10, DIGITS_TWEAK, "0123456789", "1001623463"),
    (2, 36, TEXT_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


def numerals(chance: random.Random, radix: int, rows: int, longest: int) -> list[str | None]:
    alphabet, shortest = ff1_exact.ALPHABET[:radix], ff1.shortest(radix)
    lengths = [chance.randint(shortest, max(shortest, longest)) for _ in range(rows)]
    return [None if chance.random() < 0.1 else "".join(chance.choices(alphabet, k=length)) for length in lengths]


@pytest.mark.parametrize(("key", "radix", "tweak", "plain", "expected"), SAMPLES)
def test_nists_samples(key: int, radix: int, tweak: bytes, plain: str, expected: str) -> None:
    assert ff1.encrypt(pa.array([plain]), KEYS[key], tweak, radix).to_pylist() == [expected]
    assert ff1.decrypt(pa.array([expected]), KEYS[key], tweak, radix).to_pylist() == [plain]
    assert ff1_exact.encrypt_one(BlockCipher(KEYS[key]), tweak, radix, plain) == expected
    assert ff1_exact.decrypt_one(BlockCipher(KEYS[key]), tweak, radix, expected) == plain


@pytest.mark.parametrize("radix", range(2, 37))
def test_the_fast_path_equals_the_exact_one_at_every_radix_and_length(radix: int) -> None:
    chance = random.Random(radix)
    tweak = chance.randbytes(chance.choice([0, 1, 7, 11, 16, 40]))
    values = numerals(chance, radix, 60, longest=130 if radix == 2 else 45)
    encrypted = ff1.encrypt(pa.array(values, pa.string()), KEY, tweak, radix)
    encrypted.validate(full=True)
    cipher = BlockCipher(KEY)
    assert encrypted.to_pylist() == [
        None if value is None else ff1_exact.encrypt_one(cipher, tweak, radix, value) for value in values
    ]
    assert ff1.decrypt(encrypted, KEY, tweak, radix).to_pylist() == values


@pytest.mark.parametrize("value", ["0" * 16, "9" * 16, "0" * 35, "9" * 36, "9" * 37, "9" * 38, "0" * 19 + "9" * 19])
def test_the_ends_of_the_number_range_go_there_and_back(value: str) -> None:
    encrypted = ff1.encrypt(pa.array([value]), KEY).to_pylist()[0]
    assert encrypted == ff1_exact.encrypt_one(BlockCipher(KEY), b"", 10, value)
    assert ff1.decrypt(pa.array([encrypted]), KEY).to_pylist() == [value]


def test_batches_layouts_and_repeats_do_not_show() -> None:
    plain = [f"{number * 7919 % 10**9:09d}" for number in range(20_000)]
    expected = ff1.encrypt(pa.array(plain), KEY)
    cipher = BlockCipher(KEY)
    for row in (0, 8_191, 8_192, 16_384, 19_999):
        assert expected[row].as_py() == ff1_exact.encrypt_one(cipher, b"", 10, plain[row])
    for layout in (pa.large_string(), pa.string_view()):
        assert ff1.encrypt(pa.array(plain, layout), KEY).to_pylist() == expected.to_pylist()
    assert ff1.encrypt(pa.array(plain).dictionary_encode(), KEY).to_pylist() == expected.to_pylist()
    assert ff1.encrypt(pa.chunked_array([plain[:5], plain[5:]]), KEY).to_pylist() == expected.to_pylist()
    assert ff1.encrypt(pa.array(plain).slice(100, 5), KEY).to_pylist() == expected.to_pylist()[100:105]


def test_a_numeral_of_twenty_thousand_digits_goes_there_and_back() -> None:
    value = "7" * 20_001
    encrypted = ff1.encrypt(pa.array([value, None]), KEY)
    assert len(encrypted[0].as_py()) == 20_001
    assert encrypted[0].as_py() != value
    assert ff1.decrypt(encrypted, KEY).to_pylist() == [value, None]


def test_distinct_values_stay_distinct() -> None:
    column = pa.array([f"{number:06d}" for number in range(0, 1_000_000, 17)])
    assert len(set(ff1.encrypt(column, KEY).to_pylist())) == len(column)


def test_key_and_tweak_both_matter() -> None:
    column = pa.array(["1234567890"])
    answers = [ff1.encrypt(column, key, tweak)[0].as_py() for key in KEYS for tweak in (b"", b"a", b"b", bytes(16))]
    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize(("radix", "shortest"), [(2, 20), (3, 13), (10, 6), (26, 5), (36, 4)])
def test_domains_below_one_million_are_refused(radix: int, shortest: int) -> None:
    assert ff1.shortest(radix) == shortest
    assert radix**shortest >= 1_000_000 > radix ** (shortest - 1)
    with pytest.raises(DomainTooSmall) as refused:
        ff1.encrypt(pa.array(["1" * shortest, None, "1" * (shortest - 1)]), KEY, b"", radix)
    assert refused.value.row == 2


def test_the_empty_value_is_too_small_and_a_null_is_not() -> None:
    assert ff1.encrypt(pa.array([None, None], pa.string()), KEY).to_pylist() == [None, None]
    assert ff1.encrypt(pa.nulls(2), KEY).to_pylist() == [None, None]
    assert ff1.encrypt(pa.array([], pa.string()), KEY).to_pylist() == []
    with pytest.raises(DomainTooSmall):
        ff1.encrypt(pa.array([""]), KEY)


@pytest.mark.parametrize(
    "bad", ["12345-78", "1234567a", "1234567/", "1234567:", "12345 78", "123456\x00", "１２３４５６"]
)
@pytest.mark.parametrize("length", [0, 40])
def test_a_foreign_character_names_its_row(bad: str, length: int) -> None:
    with pytest.raises(CharacterOutsideAlphabet) as refused:
        ff1.encrypt(pa.array(["123456", "12345678", bad + "1" * length, "1234x678"]), KEY)
    assert refused.value.row == 2
    assert bad not in str(refused.value)


@pytest.mark.parametrize("bad", ["ABCDEF", "abcde{", "abcde`", "abcdé", "abcd|ef"])
def test_upper_case_is_outside_the_alphabet(bad: str) -> None:
    with pytest.raises(CharacterOutsideAlphabet):
        ff1.encrypt(pa.array([bad]), KEY, b"", 36)


def test_a_digit_of_a_larger_radix_is_outside_the_alphabet() -> None:
    with pytest.raises(CharacterOutsideAlphabet):
        ff1.encrypt(pa.array(["12345678"]), KEY, b"", 8)
    with pytest.raises(CharacterOutsideAlphabet):
        ff1.encrypt(pa.array(["1" * 199 + "2"]), KEY, b"", 2)


@pytest.mark.parametrize("radix", [-1, 0, 1, 37, 256])
def test_other_radices_are_refused(radix: int) -> None:
    with pytest.raises(RadixInvalid):
        ff1.encrypt(pa.array(["123456"]), KEY, b"", radix)


@pytest.mark.parametrize("length", [0, 15, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeyLengthInvalid):
        ff1.encrypt(pa.array(["123456"]), bytes(length))


def test_binary_has_no_format_to_keep() -> None:
    with pytest.raises(ColumnTypeUnsupported):
        ff1.encrypt(pa.array([b"123456"]), KEY)
