"""Files of rows: read as batches of one size, written as parts, put together in order. Parquet and CSV."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pseudonymize.errors import TableUnreadable
from pseudonymize.policies.policy import Buckets, Coordinates, DateShift, Keep, Noise, Periods, Policy
from pseudonymize.storage import PLAIN, Storage
from pseudonymize.tables import parquet_joining

CSV_BLOCK = 16 * 1024 * 1024
FORMATS = (".parquet", ".csv")
_READ_AHEAD = 1024 * 1024
_CODEC = "zstd"
_LEVEL = 1  # tokens do not compress; what does, does so at once


def format_of(path: Path, what: str) -> str:
    """`.parquet` or `.csv`, by the file's ending. Raises TableUnreadable."""
    if path.suffix not in FORMATS:
        raise TableUnreadable(f"The {what} is neither .parquet nor .csv.")
    return path.suffix


class Reader:
    """A file as tables of at most ``batch_rows`` rows (of CSV: as many as fit a block), always cut at the same places."""

    def __init__(self, path: Path, policy: Policy, batch_rows: int, storage: Storage = PLAIN) -> None:
        self._path, self._policy, self._batch_rows, self._storage = path, policy, batch_rows, storage
        if not path.is_file():
            raise TableUnreadable("The input file does not exist.")
        self._format = format_of(path, "input")
        self.rows = 0
        """How many there are; 0 where that is not known before they are read."""
        if self._format == ".parquet":
            with self._parquet() as file:
                self.rows = file.metadata.num_rows
            self._batch_rows = _evenly(self.rows, batch_rows)

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """The tables in order, one at least, so that a file without rows still has its columns; of these columns alone when asked."""
        found = False
        for table in self._from_parquet(columns) if self._format == ".parquet" else self._from_csv(columns):
            found = True
            yield table
        if not found:
            yield self._empty(columns)

    def schema(self) -> pa.Table:
        """The columns, without a row."""
        return self._empty(None)

    def _parquet(self) -> pyarrow.parquet.ParquetFile:
        try:
            # Page by page: a mapped file, whole column chunks or Arrow's cache of all that will be read would grow with the file.
            source = self._storage.for_arrow(self._path)
            return pyarrow.parquet.ParquetFile(source, buffer_size=_READ_AHEAD, pre_buffer=False)
        except (pa.ArrowException, OSError):
            raise TableUnreadable("The input is not a Parquet file that can be read.") from None

    def _from_parquet(self, columns: Collection[str] | None) -> Iterator[pa.Table]:
        with self._parquet() as file:
            names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
            try:
                for batch in file.iter_batches(batch_size=self._batch_rows, columns=names, use_threads=False):
                    yield pa.Table.from_batches([batch])
            except (pa.ArrowException, OSError):
                raise TableUnreadable("The input is not a Parquet file that can be read.") from None

    def _from_csv(self, columns: Collection[str] | None) -> Iterator[pa.Table]:
        try:
            with self._csv(columns) as stream:
                for batch in stream:
                    yield pa.Table.from_batches([batch])
        except pa.ArrowException:
            # Arrow's message quotes the cell.
            raise TableUnreadable("The input is not a CSV file with one type per column.") from None

    def _csv(self, columns: Collection[str] | None) -> pyarrow.csv.CSVStreamingReader:
        """Identifiers and free text stay as they are written (0123 is no number); only rules about numbers and dates infer."""
        inferring = (Buckets, Periods, Coordinates, DateShift, Noise, Keep)
        types = {name: pa.string() for name, rule in self._policy.columns.items() if not isinstance(rule, inferring)}
        options = pyarrow.csv.ConvertOptions(
            column_types=types,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            include_columns=None if columns is None else sorted(columns),
        )
        read = pyarrow.csv.ReadOptions(block_size=CSV_BLOCK, use_threads=False)
        return pyarrow.csv.open_csv(
            self._storage.for_arrow(self._path),
            read,
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )

    def _empty(self, columns: Collection[str] | None) -> pa.Table:
        if self._format == ".parquet":
            with self._parquet() as file:
                empty = file.schema_arrow.empty_table()
            return empty if columns is None else empty.select([name for name in empty.column_names if name in columns])
        try:
            with self._csv(columns) as stream:
                return stream.schema.empty_table()
        except pa.ArrowException:
            raise TableUnreadable("The input is not a CSV file with one type per column.") from None


def _evenly(rows: int, most: int) -> int:
    """Rows of a batch so that all have about as many and their number can be shared by two or four: workers then end together."""
    if rows <= most:
        return most
    batches = -(-rows // most)
    return -(-rows // (batches + -batches % 4))


def write_part(
    table: pa.Table, path: Path, ending: str, storage: Storage, *, repeating: Collection[str] | None = None
) -> None:
    """Write one part, at its place only when it is whole. ``repeating``: columns whose values are worth a dictionary; None: all."""
    with written(path, storage) as file:
        if ending == ".parquet":
            dictionaries = True if repeating is None else sorted(repeating)
            pyarrow.parquet.write_table(
                table, file, compression=_CODEC, compression_level=_LEVEL, use_dictionary=dictionaries
            )
        else:
            pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))


@contextlib.contextmanager
def written(path: Path, storage: Storage) -> Iterator[BinaryIO]:
    """A file that is written beside its place and moved there when it is whole."""
    beside = path.with_name(f"{path.name}.half")
    with storage.created(beside, name=path.name) as file:
        yield file
    beside.replace(path)


def read_part(path: Path, ending: str, storage: Storage, schema: pa.Schema, columns: Iterable[str]) -> pa.Table:
    """These columns of a part."""
    names = [name for name in schema.names if name in set(columns)]
    if ending == ".parquet":
        with pyarrow.parquet.ParquetFile(storage.for_arrow(path), memory_map=True) as file:
            return file.read(columns=names, use_threads=False)
    if not schema.names or _is_empty(path, storage):
        return schema.empty_table().select(names)
    convert = pyarrow.csv.ConvertOptions(
        column_types=schema, include_columns=names, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    read = pyarrow.csv.ReadOptions(column_names=schema.names, use_threads=False)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(storage.for_arrow(path), read, parse, convert)


def _is_empty(path: Path, storage: Storage) -> bool:
    with storage.opened(path) as file:
        return not file.read(1)


class Joint:
    """Parts put together into one file, each as it comes, with the digest of what was written."""

    def __init__(self, target: BinaryIO, ending: str, schema: pa.Schema) -> None:
        self._target, self._sha256 = target, hashlib.sha256()
        self._parquet = parquet_joining.Joined(self._put) if ending == ".parquet" else None
        if self._parquet is None and schema.names:
            head = pa.BufferOutputStream()
            pyarrow.csv.write_csv(schema.empty_table(), head)
            self._put(head.getvalue().to_pybytes())

    def _put(self, data: bytes) -> None:
        self._target.write(data)
        self._sha256.update(data)

    def add(self, part: BinaryIO) -> None:
        """Put a part behind those before it, and close it. Raises TableUnreadable for one with other columns."""
        with part:
            if self._parquet is not None:
                self._parquet.add(part)
                return
            while data := part.read(CSV_BLOCK):
                self._put(data)

    def finish(self) -> str:
        """End the file; its SHA-256."""
        if self._parquet is not None:
            self._parquet.finish()
        return self._sha256.hexdigest()


def fsync(path: Path) -> None:
    """Make what was written, or moved, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
