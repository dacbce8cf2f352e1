"""What is no column, no key and no parameter: each a typed error; and every column of bytes against the library, however large."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.cmac import CMAC

from pseudonymize.transforms import ff1, ff1_exact, mac, siv
from pseudonymize.transforms.errors import DomainTooSmall, TransformError

KEY, LONG_KEY = bytes(range(32)), bytes(range(64))
MOST_ROWS = int(os.environ.get("ZGODA_COLUMN_ROWS", "2000"))
"""Rows of the largest column that is compared with the library; the acceptance run has a million."""
NUMBERS = pa.array(["1234567", None, "7654321"])

NOT_COLUMNS = {
    "a list": ["a"],
    "a word": "a",
    "nothing": None,
    "NumPy": np.array(["a"]),
    "a scalar": pa.scalar("a"),
    "numbers": pa.array([1, 2]),
    "numbers in a dictionary": pa.array([1, 2]).dictionary_encode(),
    "flags": pa.array([True]),
    "lists": pa.array([["a"]]),
    "structures": pa.array([{"a": 1}]),
    "a table": pa.table({"a": ["x"]}),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["x"])),
    "an extension": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"a" * 16], pa.binary(16))),
}
ON_COLUMNS: dict[str, Callable[[Any], pa.Array]] = {
    "tokens": lambda column: mac.tokens(column, KEY),
    "siv": lambda column: siv.encrypt(column, LONG_KEY, [b"x"]),
    "siv back": lambda column: siv.decrypt(column, LONG_KEY, [b"x"]),
    "ff1": lambda column: ff1.encrypt(column, KEY),
    "ff1 back": lambda column: ff1.decrypt(column, KEY),
}


@pytest.mark.parametrize("work", ON_COLUMNS.values(), ids=ON_COLUMNS)
@pytest.mark.parametrize("column", NOT_COLUMNS.values(), ids=NOT_COLUMNS)
def test_what_has_no_bytes_is_refused_by_type(work: Callable[[Any], pa.Array], column: Any) -> None:
    with pytest.raises(TransformError):
        work(column)


@pytest.mark.parametrize("work", ON_COLUMNS.values(), ids=ON_COLUMNS)
@pytest.mark.parametrize(
    "column",
    [
        pa.nulls(3),
        pa.nulls(0),
        pa.array([], pa.string()),
        pa.array([None] * 3, pa.large_string()),
        pa.array([None] * 3, pa.string_view()),
        pa.chunked_array([], pa.string()),
        pa.chunked_array([pa.nulls(2), pa.nulls(1)]),
        pa.array([None] * 3, pa.dictionary(pa.int8(), pa.string())),
        pa.DictionaryArray.from_arrays(pa.array([None] * 3, pa.int32()), pa.array([], pa.null())),
        pl.Series([None] * 3, dtype=pl.String),
    ],
    ids=str,
)
def test_a_column_without_a_value_has_an_answer_without_one(work: Callable[[Any], pa.Array], column: Any) -> None:
    assert work(column).to_pylist() == [None] * len(column)


WRONG: dict[str, Callable[[], pa.Array]] = {
    **{
        f"tokens under {key!r}"[:40]: lambda key=key: mac.tokens(NUMBERS, key)
        for key in (b"", b"a", KEY[:31], LONG_KEY)
    },
    **{
        f"siv under {key!r}"[:40]: lambda key=key: siv.encrypt(NUMBERS, key, [])
        for key in (b"", KEY[:31], LONG_KEY + b"x")
    },
    **{f"ff1 under {key!r}"[:40]: lambda key=key: ff1.encrypt(NUMBERS, key) for key in (b"", KEY[:15], LONG_KEY)},
    **{f"tokens under {type(key)}": lambda key=key: mac.tokens(NUMBERS, key) for key in ("a" * 32, None, 32, [0] * 32)},
    **{f"siv under {type(key)}": lambda key=key: siv.decrypt(NUMBERS, key, []) for key in ("a" * 64, None, 64)},
    **{f"ff1 under {type(key)}": lambda key=key: ff1.decrypt(NUMBERS, key) for key in ("a" * 32, None, 32)},
    **{
        f"bound to {part!r}": lambda part=part: siv.encrypt(NUMBERS, LONG_KEY, part)
        for part in (None, 3, b"ab", "ab", ["a"])
    },
    "bound to too much": lambda: siv.encrypt(NUMBERS, LONG_KEY, [b""] * 127),
    **{f"tweak {tweak!r}": lambda tweak=tweak: ff1.encrypt(NUMBERS, KEY, tweak) for tweak in (None, "ab", 7)},
    **{
        f"radix {radix!r}": lambda radix=radix: ff1.encrypt(NUMBERS, KEY, b"", radix)
        for radix in (0, 1, -1, 37, 2.0, "10", None)
    },
    "bytes as text": lambda: siv.decrypt(siv.encrypt(pa.array([b"\xff"]), LONG_KEY, []), LONG_KEY, [], text=True),
}


@pytest.mark.parametrize("work", WRONG.values(), ids=WRONG)
def test_keys_and_parameters_that_are_none_are_refused_by_type(work: Callable[[], pa.Array]) -> None:
    with pytest.raises(TransformError):
        work()


@pytest.mark.parametrize("radix", range(2, 37))
def test_every_radix_takes_its_shortest_length_and_no_shorter(radix: int) -> None:
    alphabet, least = ff1_exact.ALPHABET[:radix], ff1.shortest(radix)
    assert radix ** (least - 1) < 1_000_000 <= radix**least
    value = (alphabet * 20)[:least]
    column = pa.array([value, value[::-1], None, (alphabet * 40)[: least * 7]])
    assert ff1.decrypt(ff1.encrypt(column, KEY, b"t", radix), KEY, b"t", radix).equals(column)
    with pytest.raises(DomainTooSmall) as short:
        ff1.encrypt(pa.array([value, value[1:]]), KEY, b"", radix)
    assert short.value.row == 1


def random_column(rows: int, seed: int) -> pa.Array:
    """Values of 0 to 300 bytes, a tenth of them null, some of them often."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(0, 301, rows)
    data = chance.bytes(int(lengths.sum()))
    edges = np.concatenate([[0], np.cumsum(lengths)])
    values = [data[low:high] for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    again = chance.integers(0, max(rows, 1), rows // 4)
    for row in again.tolist():
        values[row] = values[row // 100]
    return pa.array(values, pa.binary(), mask=chance.random(rows) < 0.1)


def compared(column: pa.Array, key_bytes: int) -> None:
    library, bound = AESSIV(LONG_KEY[:key_bytes]), [b"domain", b"column"]
    plain = column.to_pylist()
    sealed = siv.encrypt(column, LONG_KEY[:key_bytes], bound)
    assert sealed.equals(pa.array([None if v is None else library.encrypt(v, bound) for v in plain], sealed.type))
    assert siv.decrypt(sealed, LONG_KEY[:key_bytes], bound).cast(column.type).equals(column)
    assert mac.tokens(column, KEY).equals(pa.array([None if v is None else cmac(v) for v in plain], pa.string()))


def cmac(value: bytes) -> str:
    context = CMAC(algorithms.AES(KEY))
    context.update(value)
    return context.finalize().hex()


@pytest.mark.parametrize(
    "rows", sorted({0, 1, 2, 17, 999, *(10**n for n in range(2, 7) if 10**n <= MOST_ROWS), MOST_ROWS})
)
def test_columns_of_every_size_equal_the_library_byte_for_byte(rows: int) -> None:
    for key_bytes in (32, 48, 64) if rows <= 1_000 else (64,):
        compared(random_column(rows, rows + key_bytes), key_bytes)
