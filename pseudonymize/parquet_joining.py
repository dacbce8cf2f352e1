"""Parquet files of one schema as one file, without decoding a value: their row groups end to end under a new footer.

A run writes its parts as small Parquet files, so that it can go on after a kill and several workers can write; this puts them together
at the speed of copying. Only the footer is read and written (Thrift's compact protocol), and in it only the offsets are moved.
Source: the Parquet format's `parquet.thrift`, FileMetaData; field numbers below are its.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from pseudonymize.errors import TableUnreadable

_MAGIC = b"PAR1"
_TAIL = 8  # length of the footer (4) and magic (4)
_COPY = 4 * 1024 * 1024
# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_SCHEMA, _NUM_ROWS, _ROW_GROUPS = 2, 3, 4
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _META_DATA, _OFFSET_INDEX, _COLUMN_INDEX = 2, 3, 4, 6
_PAGE_OFFSETS = (9, 10, 11, 14)  # data page, index page, dictionary page, bloom filter

Field = tuple[int, int, Any]
"""(number, type, value) of a struct's field; a struct is a list of them, a list is (type, values)."""


def join(parts: Iterable[BinaryIO], target: BinaryIO, seen: Callable[[bytes], None]) -> None:
    """Write the row groups of the parts to ``target`` as one file; ``seen`` gets every byte on the way.

    Raises TableUnreadable when the parts' columns differ. There must be a part; one without rows has no row groups. Closes each.
    """

    def put(data: bytes) -> None:
        target.write(data)
        seen(data)

    put(_MAGIC)
    position, rows = len(_MAGIC), 0
    footer: list[Field] | None = None
    groups: list[list[Field]] = []
    for part in parts:
        with part as file:
            own, end = _footer(file)
            if footer is None:
                footer = own
            elif _value(own, _SCHEMA) != _value(footer, _SCHEMA):
                raise TableUnreadable("The batches of the file do not fit together.")
            for group in _value(own, _ROW_GROUPS)[1]:
                groups.append(_moved(group, position - len(_MAGIC), len(groups)))
            rows += _value(own, _NUM_ROWS)
            file.seek(len(_MAGIC))
            left = end - len(_MAGIC)
            position += left
            while left:
                piece = file.read(min(left, _COPY))
                left -= len(piece)
                put(piece)
    if footer is None:
        raise TableUnreadable("There is nothing to write.")
    changed = {_NUM_ROWS: rows, _ROW_GROUPS: (_STRUCT, groups)}
    written = _Writer()
    written.struct([(number, kind, changed.get(number, value)) for number, kind, value in footer])
    put(bytes(written.out))
    put(struct.pack("<I", len(written.out)) + _MAGIC)


def _footer(file: BinaryIO) -> tuple[list[Field], int]:
    """A file's footer, and where its row groups end."""
    size = file.seek(0, 2)
    file.seek(size - _TAIL)
    (length,) = struct.unpack("<I", file.read(4))
    end = size - _TAIL - length
    file.seek(end)
    return _Reader(file.read(length)).struct(), end


def _value(fields: Sequence[Field], number: int) -> Any:
    return next(value for found, _, value in fields if found == number)


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


@dataclass
class _Reader:
    """Thrift's compact protocol, as much of it as footers use."""

    data: bytes
    at: int = 0

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _whole(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def struct(self) -> list[Field]:
        """The fields of a struct up to its stop byte."""
        fields: list[Field] = []
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 0x0F
            number = number + delta if delta else self._whole()
            fields.append((number, kind, self._value(kind)))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_I16, _I32, _I64):
            return self._whole()
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in (_LIST, _SET):
            head = self._byte()
            size = self._varint() if head >> 4 == 15 else head >> 4
            inner = head & 0x0F
            return inner, [self._byte() if inner in (_TRUE, _FALSE) else self._value(inner) for _ in range(size)]
        if kind == _STRUCT:
            return self.struct()
        raise TableUnreadable("A part's footer is of an unknown kind.")

    def _bytes(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]


class _Writer:
    """The same, written."""

    def __init__(self) -> None:
        self.out = bytearray()

    def _varint(self, value: int) -> None:
        while value >= 0x80:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def _whole(self, value: int) -> None:
        self._varint(value << 1 ^ value >> 63)

    def struct(self, fields: Sequence[Field]) -> None:
        """A struct and its stop byte."""
        before = 0
        for number, kind, value in fields:
            written = (_TRUE if value else _FALSE) if kind in (_TRUE, _FALSE) else kind
            if 0 < number - before < 16:
                self.out.append((number - before) << 4 | written)
            else:
                self.out.append(written)
                self._whole(number)
            before = number
            if kind not in (_TRUE, _FALSE):
                self._value(kind, value)
        self.out.append(0)

    def _value(self, kind: int, value: Any) -> None:
        if kind in (_I16, _I32, _I64):
            self._whole(value)
        elif kind in (_BYTE, _TRUE, _FALSE):
            self.out.append(value)
        elif kind == _DOUBLE:
            self.out += value
        elif kind == _BINARY:
            self._varint(len(value))
            self.out += value
        elif kind in (_LIST, _SET):
            inner, items = value
            self.out.append(min(len(items), 15) << 4 | inner)
            if len(items) >= 15:
                self._varint(len(items))
            for item in items:
                self._value(inner, item)
        else:
            self.struct(value)
