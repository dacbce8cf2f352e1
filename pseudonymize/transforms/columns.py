"""Arrow columns as bytes: one view for every text and binary type, and work done once per distinct value.

A *column* is anything that speaks Arrow: ``pa.Array``, ``pa.ChunkedArray``, or an object with the Arrow C data interface
(a Polars series, for example). Text counts as its UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms.errors import ColumnTypeUnsupported, RowError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OFFSET_LIMIT = 2**31 - 1  # Arrow's 32-bit offsets; above it the large_ types are used
_SAMPLE = 16_384
_SAMPLE_FROM = 65_536  # below this, a dictionary costs about as much as it saves


@dataclass(frozen=True)
class ByteColumn:
    """``data[starts[i] : starts[i] + lengths[i]]`` are the bytes of row i; a null row has length 0 and ``valid`` False."""

    data: Bytes
    starts: Ints
    lengths: Ints
    valid: Flags | None  # None: no nulls

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def bitmap(self) -> pa.Buffer | None:
        """The validity bitmap as Arrow wants it, or None without nulls."""
        return None if self.valid is None else pa.py_buffer(np.packbits(self.valid, bitorder="little"))

    @property
    def null_count(self) -> int:
        return 0 if self.valid is None else len(self) - int(self.valid.sum())


def is_text(type_: pa.DataType) -> bool:
    """Whether the type is one of Arrow's text types."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def is_bytes(type_: pa.DataType) -> bool:
    """Whether the type is one of Arrow's binary types."""
    return bool(
        pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_fixed_size_binary(type_)
        or pa.types.is_binary_view(type_)
    )


def as_arrow(column: Any) -> pa.Array | pa.ChunkedArray:
    """The column as Arrow. Raises ColumnTypeUnsupported for what does not speak Arrow (a list, a pandas series)."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column
    if hasattr(column, "__arrow_c_stream__"):
        return pa.chunked_array(column)
    if hasattr(column, "__arrow_c_array__"):
        return pa.array(column)
    raise ColumnTypeUnsupported(f"not an Arrow column: {type(column).__name__}")


def plain(column: Any) -> pa.Array:
    """The column as one array without chunks or dictionary, for what is worked row by row in vectors."""
    arrow = as_arrow(column)
    if isinstance(arrow, pa.ChunkedArray):
        arrow = pa.concat_arrays(unified(arrow).chunks) if arrow.num_chunks else pa.array([], arrow.type)
    return _unviewed(arrow.dictionary).take(arrow.indices) if pa.types.is_dictionary(arrow.type) else arrow


def unified(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries made one for all chunks; where Arrow knows no way (a null or views in a dictionary), the column without any."""
    try:
        return column.unify_dictionaries()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([_unviewed(chunk.dictionary).take(chunk.indices) for chunk in column.chunks])


def _unviewed(array: pa.Array) -> pa.Array:
    """The array without a view layout, which Arrow's ``take`` does not know."""
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    return array.cast(pa.large_binary()) if pa.types.is_binary_view(array.type) else array


def text_of(array: pa.Array) -> pa.Array:
    """The array if it is text (a view as large text, which more of Arrow's functions take), else ColumnTypeUnsupported."""
    if not is_text(array.type):
        raise ColumnTypeUnsupported(f"this transform is of text, not of {array.type}")
    return _unviewed(array)


def as_bytes(array: pa.Array) -> ByteColumn:
    """A view (no copy, slices included) of a text or binary array that is neither chunked nor dictionary-encoded."""
    array = _unviewed(array)
    type_ = array.type
    n = len(array)
    valid: Flags | None = None
    if array.null_count:
        valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if pa.types.is_fixed_size_binary(type_):
        width = type_.byte_width
        data = _buffer(array.buffers()[1], np.uint8)
        starts = (np.arange(n, dtype=np.int64) + array.offset) * width
        lengths = np.full(n, width, dtype=np.int64)
    elif is_text(type_) or is_bytes(type_):
        wide = pa.types.is_large_string(type_) or pa.types.is_large_binary(type_)
        _, offsets_buffer, data_buffer = array.buffers()
        offsets = _buffer(offsets_buffer, np.int64 if wide else np.int32)[array.offset : array.offset + n + 1]
        edges = offsets.astype(np.int64) if n else np.zeros(1, dtype=np.int64)
        data, starts, lengths = _buffer(data_buffer, np.uint8), edges[:-1], np.diff(edges)
    else:
        raise ColumnTypeUnsupported(f"{type_} has no bytes of its own: cast it to text or binary first")
    if valid is not None:
        lengths = np.where(valid, lengths, 0)
    return ByteColumn(data, starts, lengths, valid)


def _buffer(buffer: pa.Buffer | None, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.empty(0, dtype=dtype) if buffer is None else np.frombuffer(buffer, dtype=dtype)


def fixed_width(data: Bytes, width: int, like: ByteColumn, *, text: bool) -> pa.Array:
    """An array of values of one width, laid end to end in ``data``, null where ``like`` is null."""
    n = len(like)
    large = n * width > OFFSET_LIMIT
    offsets = np.arange(n + 1, dtype=np.int64 if large else np.int32) * width
    return _array(_variable_type(text=text, large=large), n, like, offsets, data)


def variable_width(data: Bytes, edges: Ints, like: ByteColumn, *, text: bool) -> pa.Array:
    """An array whose row i is ``data[edges[i] : edges[i + 1]]``, null where ``like`` is null."""
    large = int(edges[-1]) > OFFSET_LIMIT
    offsets = edges if large else edges.astype(np.int32)
    return _array(_variable_type(text=text, large=large), len(like), like, offsets, data[: int(edges[-1])])


def _variable_type(*, text: bool, large: bool) -> pa.DataType:
    if text:
        return pa.large_string() if large else pa.string()
    return pa.large_binary() if large else pa.binary()


def _array(type_: pa.DataType, n: int, like: ByteColumn, offsets: npt.NDArray[Any], data: Any) -> pa.Array:
    buffers = [like.bitmap, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(type_, n, buffers, null_count=like.null_count)


def per_distinct(
    column: Any, transform: Callable[[pa.Array], pa.Array], result: pa.DataType, *, pays_from: int = 2
) -> pa.Array:
    """Apply a deterministic row-wise ``transform`` to a column, once per distinct value where values repeat.

    ``transform`` gets a plain (not chunked, not dictionary-encoded) array and returns one of equal length. ``result`` is the
    type of an empty or all-null answer. ``pays_from``: how many rows must share a value, on average, before finding the
    distinct ones is cheaper than working every row; 1 finds them always. A RowError keeps its meaning: its row counts in the
    column as passed.
    """
    arrow = as_arrow(column)
    if pa.types.is_null(arrow.type.value_type if pa.types.is_dictionary(arrow.type) else arrow.type):
        return pa.nulls(len(arrow), result)
    array = _one_array(arrow)
    if isinstance(array, pa.ChunkedArray):  # more than 2 GiB of text: one chunk at a time
        return _by_chunk(array, transform, pays_from)
    encoded = _encoded(array, pays_from)
    if encoded is None:
        return transform(array)
    indices, values = encoded
    try:
        answers = transform(values)
    except RowError:
        # Find the first row that uses a refused value; a value that no row uses refuses nothing.
        return transform(values.take(indices))
    if len(answers) and answers.nbytes // len(answers) * len(indices) > OFFSET_LIMIT:
        answers = answers.cast(pa.large_string() if is_text(answers.type) else pa.large_binary())
    return answers.take(indices)


def _one_array(arrow: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(arrow, pa.Array):
        return arrow
    if arrow.num_chunks == 1:
        return arrow.chunk(0)
    if pa.types.is_dictionary(arrow.type):
        arrow = unified(arrow)
    if not pa.types.is_dictionary(arrow.type) and arrow.nbytes > OFFSET_LIMIT:
        return arrow
    return pa.concat_arrays(arrow.chunks) if arrow.num_chunks else pa.array([], arrow.type)


def _by_chunk(arrow: pa.ChunkedArray, transform: Callable[[pa.Array], pa.Array], pays_from: int) -> pa.Array:
    done, parts = 0, []
    for chunk in arrow.chunks:
        try:
            parts.append(per_distinct(chunk, transform, arrow.type, pays_from=pays_from))
        except RowError as refused:
            raise refused.moved_to(done + refused.row) from None
        done += len(chunk)
    if sum(part.nbytes for part in parts) > OFFSET_LIMIT:
        large = pa.large_string() if is_text(parts[0].type) else pa.large_binary()
        parts = [part.cast(large) for part in parts]
    return pa.concat_arrays(parts)


def _encoded(array: pa.Array, pays_from: int) -> tuple[pa.Array, pa.Array] | None:
    """(indices, distinct values), or None where working on every row is cheaper."""
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) <= len(array):
            return array.indices, _unviewed(array.dictionary)
        array = plain(array)  # a few rows of a big dictionary: only what they use
    elif not (is_text(array.type) or is_bytes(array.type)):
        return None
    elif pays_from == 1:
        array = _unviewed(array)
    elif len(array) < _SAMPLE_FROM or not repeats(array, pays_from):
        return None
    encoded = array.dictionary_encode()
    return encoded.indices, encoded.dictionary


def repeats(array: pa.Array, pays_from: int = 2) -> bool:
    """A guess from 2 x 16,384 rows whether a value is shared by at least ``pays_from`` rows on average.

    Of m sampled rows with d distinct values, the m - d repeats estimate the number of distinct values D as m^2 / 2(m - d)
    (the birthday bound). One sample is drawn at random places, always the same ones, for they decide about speed only; the
    other is a block, for sorted columns.
    """
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        return False
    n = len(array)
    spread = array.take(pa.array(np.random.default_rng(0).integers(n, size=_SAMPLE)))
    block = array.slice(n // 2, _SAMPLE)
    for sample in (spread, block):
        again = len(sample) - pc.count_distinct(sample, mode="all").as_py()
        if again and len(sample) ** 2 / (2 * again) <= n / pays_from:
            return True
    return False
