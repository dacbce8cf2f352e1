"""Rows in groups: quasi-identifiers become integers, a row's combination one integer, and a group-by one count over it.

Null is a value like any other, and so is NaN. Groups that a later step compares are counted, never listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
_DENSE = 1 << 22
"""Up to how many possible combinations are counted in an array with a place for each."""
_WIDEST = 2**62
_PACKED = 8
"""Bytes of a text that fits into an integer."""


@dataclass(frozen=True, repr=False, slots=True)
class Codes:
    """A column as integers: `of[row]` is 0 to `size` - 1; equal values have equal codes."""

    of: Ints
    size: int


@dataclass(frozen=True, repr=False, slots=True)
class Groups:
    """The group of each row (0 to `len(sizes)` - 1) and the number of rows of each group. Every group has at least one row."""

    of: Ints
    sizes: Ints

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.of)

    @property
    def smallest(self) -> int:
        """The size of the smallest group; 0 without rows."""
        return int(self.sizes.min()) if len(self.sizes) else 0


@dataclass(frozen=True, repr=False, slots=True)
class Cells:
    """How often each value of a column is in each group: only what is there, by group and then by value."""

    group: Ints
    value: Ints
    count: Ints
    values: int


def column(table: Any, name: str) -> pa.Array:
    """One column of an Arrow table, or of anything that speaks Arrow. Raises KeyError without it."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    found = arrow.column(name).combine_chunks()
    return pa.chunked_array(found.chunks).combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def encode(values: pa.Array) -> Codes:
    """A column of any plain type as integers, in order of first appearance."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()  # its dictionary may have values twice, or that no row uses
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    elif pa.types.is_string(values.type):
        values = _packed(values)
    elif not pa.types.is_primitive(values.type) and not pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    encoded = values.dictionary_encode(null_encoding="encode")
    return Codes(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary))


def _packed(values: pa.Array) -> pa.Array:
    """Texts that all have the same few bytes (a sex, a year, a postcode) as integers, which are found faster; others as they are."""
    rows = len(values)
    if not rows or values.null_count:
        return values
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32, count=rows + 1, offset=4 * values.offset)
    width = int(offsets[1] - offsets[0])
    if not 1 <= width <= _PACKED or not (np.diff(offsets) == width).all():
        return values
    data = np.frombuffer(values.buffers()[2], dtype=np.uint8, count=rows * width, offset=int(offsets[0]))
    place = 1 << (width - 1).bit_length()
    if place != width:
        padded = np.zeros((rows, place), dtype=np.uint8)
        padded[:, :width] = data.reshape(rows, width)
        data = padded.reshape(-1)
    return pa.array(data.view(f"<u{place}"))


def encode_ordered(values: pa.Array) -> Codes:
    """As `encode`, with codes in the order of the values; nulls come first."""
    first = encode(values)
    plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    _, starts = np.unique(first.of, return_index=True)
    distinct = plain.take(pa.array(starts))
    order = pc.array_sort_indices(distinct, null_placement="at_start").to_numpy()
    rank = np.empty(first.size, dtype=np.int64)
    rank[order] = np.arange(first.size)
    return Codes(rank[first.of], first.size)


def group(table: Any, quasi: Sequence[str]) -> Groups:
    """The rows of a table in groups of equal quasi-identifiers; without any, all rows are one group. Raises KeyError."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    return combine([encode(column(arrow, name)) for name in quasi], len(arrow))


def combine(columns: Sequence[Codes], rows: int) -> Groups:
    """Groups of rows that agree in all of these columns."""
    key, size = np.zeros(rows, dtype=np.int64), 1
    for codes in columns:
        if size * codes.size >= _WIDEST:
            dense = _compressed(key, size)
            key, size = dense.of, len(dense.sizes)
        key, size = key * codes.size + codes.of, size * codes.size
    return _compressed(key, size)


def _compressed(key: Ints, size: int) -> Groups:
    """The keys that there are, numbered from 0."""
    if not len(key):
        return Groups(key, np.zeros(0, dtype=np.int64))
    if size <= _DENSE:
        counts = np.bincount(key, minlength=size)
        there = counts > 0
        if there.all():
            return Groups(key, counts)
        return Groups((np.cumsum(there) - 1)[key], counts[there])
    encoded = pa.array(key).dictionary_encode()
    of = encoded.indices.to_numpy().astype(np.int64)
    return Groups(of, np.bincount(of, minlength=len(encoded.dictionary)))


def cells(groups: Groups, codes: Codes) -> Cells:
    """Count the values of a column in each group."""
    size = len(groups.sizes) * codes.size
    key = groups.of * codes.size + codes.of
    if size <= _DENSE:
        counts = np.bincount(key, minlength=size)
        there = np.flatnonzero(counts)
        found = counts[there]
    else:
        there, found = np.unique(key, return_counts=True)
    return Cells(there // codes.size if codes.size else there, there % max(1, codes.size), found, codes.size)
