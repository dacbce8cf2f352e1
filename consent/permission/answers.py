"""The answers for a set as columns of bytes: how a million of them leave the database and wait to be looked at.

PostgreSQL sends each column as one value of big-endian numbers; nothing is made an object before somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

Row = tuple[int, UUID | None, UUID | None, datetime | None]
"""Of one subject: number of the reason, event, notice version, valid until."""

_NOBODY: Final = bytes(16)
_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's binary instants are microseconds since then
_NEVER: Final = 2**63 - 1

_CODES: Final = 64
"""More than there are reasons: place and number of the reason travel as one number."""

AS_COLUMNS: Final = f"""
    SELECT string_agg(int8send(place * {_CODES} + reason), ''::bytea),
        string_agg(uuid_send(coalesce(event_id, '00000000-0000-0000-0000-000000000000')), ''::bytea),
        string_agg(uuid_send(coalesce(notice_id, '00000000-0000-0000-0000-000000000000')), ''::bytea),
        string_agg(timestamptz_send(coalesce(valid_until, 'infinity')), ''::bytea)
    FROM answers
"""  # noqa: S608  # a constant of ours
"""Turns rows (place from 1, reason, event_id, notice_id, valid_until) into one row of columns, all in one order."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answers:
    """`codes` are the numbers of the reasons, by place; the rest is decoded by `row`."""

    codes: npt.NDArray[np.int16]
    _position: npt.NDArray[np.int64]
    _events: bytes
    _notices: bytes
    _until: npt.NDArray[np.int64]

    def row(self, place: int) -> Row:
        """The answer at a place, from 0."""
        position = int(self._position[place])
        until = int(self._until[position])
        return (
            int(self.codes[place]),
            _uuid(self._events, position),
            _uuid(self._notices, position),
            None if until == _NEVER else _2000 + timedelta(microseconds=until),
        )


def none() -> Answers:
    """The answers for nobody."""
    return Answers(np.empty(0, np.int16), np.empty(0, np.int64), b"", b"", np.empty(0, np.int64))


def decode(columns: Sequence[Any]) -> Answers:
    """The row that AS_COLUMNS yields. Rows come in any order; every place must be there once."""
    numbers, events, notices, until = columns
    places, reasons = np.divmod(np.frombuffer(numbers, ">i8").astype(np.int64), _CODES)
    places -= 1
    codes = np.empty(len(places), np.int16)
    codes[places] = reasons
    position = np.empty(len(places), np.int64)
    position[places] = np.arange(len(places))
    return Answers(codes, position, bytes(events), bytes(notices), np.frombuffer(until, ">i8").astype(np.int64))


def _uuid(column: bytes, position: int) -> UUID | None:
    raw = column[16 * position : 16 * position + 16]
    return None if raw == _NOBODY else UUID(bytes=raw)
