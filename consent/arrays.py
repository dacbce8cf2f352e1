"""Long lists on their way into a statement: written as PostgreSQL's arrays in one go.

psycopg adapts a list element by element; for tens of thousands of ids that alone takes longer than the statement.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeVar
from uuid import UUID

import numpy as np

from governance.kernel.prepared import UuidArray

_number = attrgetter("int")
Id = TypeVar("Id", bound=UUID)
_OID: Final = 2950  # PostgreSQL's number of the type uuid


def uuids(identifiers: Iterable[UUID]) -> str:
    """The literal for `%s::uuid[]`."""
    return "{" + _packed(identifiers).hex(",", 16) + "}"


def distinct(identifiers: Iterable[Id]) -> tuple[list[Id], UuidArray]:
    """Each once, in the order of first mention, and the same as an array for `prepared.fetch_binary`."""
    listed = list(identifiers)
    packed = _packed(listed)
    if _may_repeat(packed):
        listed = list(dict.fromkeys(listed))
        packed = _packed(listed)
    return listed, _binary(packed)


def _packed(identifiers: Iterable[UUID]) -> bytes:
    return b"".join([number.to_bytes(16, "big") for number in map(_number, identifiers)])


def _may_repeat(packed: bytes) -> bool:
    """Whether two of these ids agree in the halves of their bits laid over one another: never missed, and by chance once in ages.

    A UUID's own hash costs as much as all the rest of the work.
    """
    halves = np.frombuffer(packed, np.uint64).reshape(-1, 2)
    laid = np.sort(halves[:, 0] ^ halves[:, 1])
    return bool((laid[1:] == laid[:-1]).any())


def _binary(packed: bytes) -> UuidArray:
    """One dimension from 1, no nulls; each element is its length and its bytes (PostgreSQL's `array_recv`)."""
    count = len(packed) // 16
    elements = np.empty((count, 20), np.uint8)
    elements[:, :4] = (0, 0, 0, 16)
    elements[:, 4:] = np.frombuffer(packed, np.uint8).reshape(-1, 16)
    return UuidArray(struct.pack("!iiiii", 1, 0, _OID, count, 1) + elements.tobytes())


def instants(times: Iterable[datetime]) -> str:
    """The literal for `%s::timestamptz[]`."""
    return "{" + ",".join([f'"{time.isoformat()}"' for time in times]) + "}"


def words(texts: Iterable[str]) -> str:
    """The literal for `%s::text[]`, of texts without commas, braces, quotes, backslashes or spaces, such as idempotency keys."""
    return "{" + ",".join([f'"{text}"' for text in texts]) + "}"
