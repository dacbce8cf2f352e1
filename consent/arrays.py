"""Long lists on their way into a statement: written as PostgreSQL's array literals in one go.

psycopg adapts a list element by element; for tens of thousands of ids that alone takes longer than the statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID


def uuids(identifiers: Iterable[UUID]) -> str:
    """The literal for `%s::uuid[]`."""
    return "{" + ",".join([identifier.hex for identifier in identifiers]) + "}"


def instants(times: Iterable[datetime]) -> str:
    """The literal for `%s::timestamptz[]`."""
    return "{" + ",".join([f'"{time.isoformat()}"' for time in times]) + "}"


def words(texts: Iterable[str]) -> str:
    """The literal for `%s::text[]`, of texts without commas, braces, quotes, backslashes or spaces, such as idempotency keys."""
    return "{" + ",".join([f'"{text}"' for text in texts]) + "}"
