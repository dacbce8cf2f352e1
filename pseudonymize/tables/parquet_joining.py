"""Parquet files of one schema as one file, without decoding a value: their row groups end to end under a new footer.

A run writes its parts as small Parquet files, so that it can go on after a kill and several workers can write; this puts them together
at the speed of copying. Only the footer is read and written, and in it only the offsets are moved.
Source: the Parquet format's `parquet.thrift`, FileMetaData; field numbers below are its.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from pseudonymize.errors import TableUnreadable
from pseudonymize.tables.thrift import STRUCT, Field, Reader, Writer, value_of

_MAGIC = b"PAR1"
_TAIL = 8  # length of the footer (4) and magic (4)
_COPY = 4 * 1024 * 1024
_SCHEMA, _NUM_ROWS, _ROW_GROUPS = 2, 3, 4
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _META_DATA, _OFFSET_INDEX, _COLUMN_INDEX = 2, 3, 4, 6
_PAGE_OFFSETS = (9, 10, 11, 14)  # data page, index page, dictionary page, bloom filter


class Joined:
    """One file that grows by the row groups of parts, in the order they are added. ``put`` takes every byte of it."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._position, self._rows = len(_MAGIC), 0
        self._footer: list[Field] | None = None
        self._groups: list[list[Field]] = []
        put(_MAGIC)

    def add(self, part: BinaryIO) -> None:
        """Raises TableUnreadable when the part's columns are not those of the first."""
        footer, end = _footer(part)
        if self._footer is None:
            self._footer = footer
        elif value_of(footer, _SCHEMA) != value_of(self._footer, _SCHEMA):
            raise TableUnreadable("The batches of the file do not fit together.")
        for group in value_of(footer, _ROW_GROUPS)[1]:
            self._groups.append(_moved(group, self._position - len(_MAGIC), len(self._groups)))
        self._rows += value_of(footer, _NUM_ROWS)
        part.seek(len(_MAGIC))
        left = end - len(_MAGIC)
        self._position += left
        while left:
            piece = part.read(min(left, _COPY))
            left -= len(piece)
            self._put(piece)

    def finish(self) -> None:
        """Write the footer. There must have been a part; one without rows has no row groups."""
        if self._footer is None:
            raise TableUnreadable("There is nothing to write.")
        changed = {_NUM_ROWS: self._rows, _ROW_GROUPS: (STRUCT, self._groups)}
        written = Writer()
        written.struct([(number, kind, changed.get(number, value)) for number, kind, value in self._footer])
        self._put(bytes(written.out))
        self._put(struct.pack("<I", len(written.out)) + _MAGIC)


def _footer(file: BinaryIO) -> tuple[list[Field], int]:
    """A file's footer, and where its row groups end."""
    size = file.seek(0, 2)
    file.seek(size - _TAIL)
    (length,) = struct.unpack("<I", file.read(4))
    end = size - _TAIL - length
    file.seek(end)
    return Reader(file.read(length)).struct(), end


def _moved(group: list[Field], by: int, ordinal: int) -> list[Field]:
    """A row group whose bytes lie further back in another file."""
    return [
        (number, kind, _moved_columns(value, by) if number == _COLUMNS else _shifted(number, value, by, ordinal))
        for number, kind, value in group
    ]


def _shifted(number: int, value: Any, by: int, ordinal: int) -> Any:
    if number == _ORDINAL:
        return ordinal
    return value + by if number == _GROUP_OFFSET and value else value


def _moved_columns(columns: tuple[int, list[list[Field]]], by: int) -> tuple[int, list[list[Field]]]:
    kind, chunks = columns
    return kind, [_moved_chunk(chunk, by) for chunk in chunks]


def _moved_chunk(chunk: list[Field], by: int) -> list[Field]:
    moved: list[Field] = []
    for number, kind, value in chunk:
        if number == _META_DATA:
            pages = [(n, k, v + by if n in _PAGE_OFFSETS and v > 0 else v) for n, k, v in value]
            moved.append((number, kind, pages))
        elif number in (_CHUNK_OFFSET, _OFFSET_INDEX, _COLUMN_INDEX) and value > 0:
            moved.append((number, kind, value + by))
        else:
            moved.append((number, kind, value))
    return moved
