"""Reading tables that strangers send, with a bound on what they may become: Arrow IPC streams, and Parquet and CSV files.

A few bytes can say that they are a terabyte: packed buffers, dictionaries of long values, views of one value, runs, columns of nulls. So
nothing is unpacked or decoded before its size is known, and what is known too late is bounded by what was let in.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from governance.kernel.errors import BodyTooLarge
from pseudonymize.errors import BodyUnreadable, TableUnreadable, TooMuchWork
from pseudonymize.storage import PLAIN, Storage
from pseudonymize.tables import parquet_pages

ARROW = "application/vnd.apache.arrow.stream"
_UNREADABLE = "The body is no Arrow IPC stream that can be read."
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2  # Message.fbs, MessageHeader


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a table may be: rows, columns, bytes as columns of Arrow, and distinct values of one column."""

    rows: int = 1_000_000
    columns: int = 500
    bytes: int = 512 * 1024 * 1024
    distinct: int = 1_000_000


def arrow_table(body: bytes, bounds: Bounds = Bounds()) -> pa.Table:
    """The table of an Arrow IPC stream. Raises BodyUnreadable, BodyTooLarge, TooMuchWork, TableUnreadable."""
    _require_bounded_buffers(body, bounds)
    try:
        with pa.ipc.open_stream(pa.BufferReader(body)) as stream:
            require_names(stream.schema, bounds)
            batches: list[pa.RecordBatch] = []
            rows = 0
            for batch in stream:
                rows += batch.num_rows
                if rows > bounds.rows:
                    raise TooMuchWork(f"A call is for at most {bounds.rows} rows.", limit=bounds.rows)
                require_size(pa.Table.from_batches([batch.select(_views(batch.schema))]), bounds)
                batch.validate(full=True)  # offsets that lead out of their buffers would be read as they are
                batches.append(batch)
            table = pa.Table.from_batches(batches, schema=stream.schema)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        # Arrow's messages quote what they read.
        raise BodyUnreadable(_UNREADABLE) from None
    require_size(table, bounds)
    return table


def require_names(schema: pa.Schema, bounds: Bounds) -> None:
    """Raise TableUnreadable for two columns of one name, for names that are no text, and for types with an inside; TooMuchWork."""
    if len(schema.names) > bounds.columns:
        raise TooMuchWork(f"A table has at most {bounds.columns} columns.", limit=bounds.columns)
    if len(set(schema.names)) != len(schema.names):
        raise TableUnreadable("Two columns have the same name.")
    for field in schema:
        if "\x00" in field.name or len(field.name) > 200:
            raise TableUnreadable("A column's name is too long, or has a NUL in it.")
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind) or isinstance(kind, pa.BaseExtensionType):
            raise TableUnreadable("A column has values with an inside.", column=field.name)


def require_size(table: pa.Table, bounds: Bounds) -> None:
    """Raise BodyTooLarge when the values, each written out, are more than allowed; TooMuchWork for too many distinct ones."""
    total = 0
    for name in table.column_names:
        total += sum(map(_written_out, table[name].chunks))
        if total > bounds.bytes:
            raise BodyTooLarge(f"Unpacked, a body has at most {bounds.bytes} bytes.", limit=bounds.bytes)


def _written_out(chunk: pa.Array) -> int:
    """How many bytes a chunk is when every row has its value."""
    if pa.types.is_dictionary(chunk.type):
        lengths = _lengths(chunk.dictionary)
        return int(pc.sum(lengths.take(chunk.indices)).as_py() or 0) + 8 * len(chunk)
    return int(pc.sum(_lengths(chunk)).as_py() or 0) + 8 * len(chunk)


def _lengths(values: pa.Array) -> pa.Array:
    kind = values.type
    if _is_view(kind):
        # A view is 16 bytes that begin with its length; a null's is whatever stands there.
        views = np.frombuffer(values.buffers()[1], dtype="<i4")[4 * values.offset :: 4][: len(values)]
        return pa.array(np.maximum(views, 0).astype(np.int64))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.binary_length(values).cast(pa.int64())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.binary_length(values).cast(pa.int64())
    return pa.nulls(len(values), pa.int64())


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _views(schema: pa.Schema) -> list[str]:
    """Columns of views: checking them reads every value, however often it is looked at, so their size comes first."""
    return [field.name for field in schema if _is_view(field.type)]


def _require_bounded_buffers(body: bytes, bounds: Bounds) -> None:
    """Add up what the stream's buffers say that they become, before any is unpacked (Arrow columnar format, BodyCompression)."""
    total = 0
    reader = pa.BufferReader(body)
    try:
        while True:
            message = pa.ipc.read_message(reader)
            total += sum(_unpacked(message.metadata.to_pybytes(), memoryview(message.body or b"")))
            if total > bounds.bytes:
                raise BodyTooLarge(f"Unpacked, a body has at most {bounds.bytes} bytes.", limit=bounds.bytes)
    except EOFError:
        return
    except (pa.ArrowException, OSError, struct.error, IndexError, ValueError):
        raise BodyUnreadable(_UNREADABLE) from None


def _unpacked(metadata: bytes, body: memoryview) -> Iterator[int]:
    """The size of each buffer of a message as it will be in memory."""
    message = _Table.root(metadata)
    kind, batch = message.byte(1), message.table(2)
    if batch is not None and kind == _DICTIONARY_BATCH:
        batch = batch.table(1)
    if batch is None or kind not in (_RECORD_BATCH, _DICTIONARY_BATCH):
        return
    packed = batch.table(3) is not None
    for offset, length in batch.pairs(2):
        yield length
        if packed and length >= 8:
            (size,) = struct.unpack_from("<q", body, offset)
            if size < -1:
                raise ValueError("a negative size")
            yield max(0, size)


@dataclass(frozen=True, slots=True)
class _Table:
    """As much of a FlatBuffers table as it takes to find the buffers of a record batch."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _field(self, number: int) -> int | None:
        vtable = self.at - struct.unpack_from("<i", self.data, self.at)[0]
        (size,) = struct.unpack_from("<H", self.data, vtable)
        place = 4 + 2 * number
        if place >= size:
            return None
        (offset,) = struct.unpack_from("<H", self.data, vtable + place)
        return self.at + offset if offset else None

    def byte(self, number: int) -> int:
        at = self._field(number)
        return 0 if at is None else self.data[at]

    def table(self, number: int) -> _Table | None:
        at = self._field(number)
        return None if at is None else _Table(self.data, at + struct.unpack_from("<I", self.data, at)[0])

    def pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """A vector of structs of two 64-bit integers."""
        at = self._field(number)
        if at is None:
            return
        start = at + struct.unpack_from("<I", self.data, at)[0]
        (count,) = struct.unpack_from("<I", self.data, start)
        for place in range(count):
            offset, length = struct.unpack_from("<qq", self.data, start + 4 + 16 * place)
            if offset < 0 or length < 0:
                raise ValueError("a negative place")
            yield offset, length


FILE = Bounds(rows=200_000_000, bytes=64 * 1024**3)
BATCH_BYTES = 512 * 1024 * 1024
BATCH_ROWS = 131_072
"""What a run holds at a time (`files.py`)."""


def require_file(path: Path, storage: Storage = PLAIN, bounds: Bounds = FILE) -> int | None:
    """Look into a file before a run does: its names, its size in memory, batch by batch. Returns its rows where the file says so.

    Raises TableUnreadable, BodyTooLarge, TooMuchWork. A CSV file is what it is: its size on disk bounds it.
    """
    if path.suffix != ".parquet":
        return None
    try:
        with pq.ParquetFile(storage.for_arrow(path)) as file:
            text = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_binary(f.type)]
        with pq.ParquetFile(storage.for_arrow(path), read_dictionary=text, pre_buffer=False) as file:
            require_names(file.schema_arrow, bounds)
            _require_declared(file.metadata, bounds)
            with storage.opened(path) as bare:
                _require_pages(bare, file.metadata, bounds)
            # Text stays as dictionaries here: what a value takes is counted and not written out.
            for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
                require_size(pa.Table.from_batches([batch]), Bounds(bytes=BATCH_BYTES))
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        raise TableUnreadable("The input is not a Parquet file that can be read.") from None


def _require_pages(file: BinaryIO, metadata: pq.FileMetaData, bounds: Bounds) -> None:
    """The same of what the pages say, which is what Arrow makes room for."""
    groups: Counter[int] = Counter()
    for group, size in parquet_pages.sizes(file, metadata):
        groups[group] += size
        if size > BATCH_BYTES or groups[group] > bounds.bytes:
            raise BodyTooLarge("A row group of the file is too large once unpacked.", limit=BATCH_BYTES)


def _require_declared(metadata: pq.FileMetaData, bounds: Bounds) -> None:
    if metadata.num_rows > bounds.rows:
        raise TooMuchWork(f"A file has at most {bounds.rows} rows.", limit=bounds.rows)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        sizes = [group.column(place).total_uncompressed_size for place in range(group.num_columns)]
        if max(sizes, default=0) > BATCH_BYTES or sum(sizes) > bounds.bytes:
            raise BodyTooLarge("A row group of the file is too large once unpacked.", limit=BATCH_BYTES)
