"""Thrift's compact protocol, as Parquet writes its footers and page headers in it. Structs stay lists of fields: nothing is lost on the way
back.

Source: the Thrift project's `thrift-compact-protocol.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pseudonymize.errors import TableUnreadable

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, STRUCT = range(1, 13)
Field = tuple[int, int, Any]
"""(number, type, value) of a struct's field; a struct is a list of them, a list is (type, values)."""


def value_of(fields: Sequence[Field], number: int) -> Any:
    """The value of a field that is there. Raises StopIteration when it is not."""
    return next(value for found, _, value in fields if found == number)


@dataclass
class Reader:
    """Thrift's compact protocol, as much of it as Parquet's footers and page headers use. Raises IndexError at the end of the data."""

    data: bytes
    at: int = 0

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise TableUnreadable("A number of the file has no end.")

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
        if kind == STRUCT:
            return self.struct()
        raise TableUnreadable("A part's footer is of an unknown kind.")

    def _bytes(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]


class Writer:
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
