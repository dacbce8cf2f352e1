"""Long lists on their way into a statement: written as PostgreSQL's array literals in one go.

psycopg adapts a list element by element; for tens of thousands of ids that alone takes longer than the statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

_number = attrgetter("int")
Id = TypeVar("Id", bound=UUID)


def uuids(identifiers: Iterable[UUID]) -> str:
    """The literal for `%s::uuid[]`."""
    packed = b"".join([number.to_bytes(16, "big") for number in map(_number, identifiers)])
    return "{" + packed.hex(",", 16) + "}"


def distinct(identifiers: Iterable[Id]) -> list[Id]:
    """Each once, in the order of first mention. Numbers are compared: a UUID's own hash costs as much as the rest of the work."""
    listed = list(identifiers)
    if len(set(map(_number, listed))) == len(listed):
        return listed
    return list(dict.fromkeys(listed))


def instants(times: Iterable[datetime]) -> str:
    """The literal for `%s::timestamptz[]`."""
    return "{" + ",".join([f'"{time.isoformat()}"' for time in times]) + "}"


def words(texts: Iterable[str]) -> str:
    """The literal for `%s::text[]`, of texts without commas, braces, quotes, backslashes or spaces, such as idempotency keys."""
    return "{" + ",".join([f'"{text}"' for text in texts]) + "}"
