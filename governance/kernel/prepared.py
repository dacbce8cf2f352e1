"""Statements on psycopg's own cursor over Django's connection, inside whatever transaction is open there.

Django binds parameters in the client, which rules two things out that the gate needs: preparing a small statement that runs all the
time (planning it costs five times as much as its lookups), and passing long columns in binary. Behind PgBouncer the first needs its
version 1.21 or a pool by session.

Nor is a connection asked before each request whether it still lives: a small statement that finds it dead is tried once more on a new
one, which costs nothing while all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections
from psycopg.adapt import Dumper
from psycopg.pq import Format


@dataclass(frozen=True, slots=True)
class Beside:
    """One more scalar that a statement answers in passing, of the same snapshot. Whoever runs it calls `heard` with the value before
    anything is made of the rest; `heard` may raise."""

    sql: str
    values: tuple[Any, ...]
    heard: Callable[[Any], None]


class UuidArray(bytes):
    """A value for `%s::uuid[]` as PostgreSQL receives it in binary: a million ids as text take it half a second to read."""


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["uuid"].array_oid

    def dump(self, obj: UuidArray) -> bytes:
        return obj


def fetch_all(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that reads and is prepared once per connection. Raises Django's database errors."""
    try:
        return _fetch_all(statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _fetch_all(statement, values)


def fetch_binary(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The one row of a statement, received in binary; it may take a `UuidArray`. Raises Django's database errors."""
    with _cursor() as cursor:
        cursor.adapters.register_dumper(UuidArray, _UuidArrayDumper)
        cursor.execute(statement, values, prepare=False, binary=True)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101  # an aggregate always has a row
    return row


def execute(statement: str, values: Sequence[Any]) -> None:
    """Run a statement that writes in the open transaction and is prepared once per connection. Raises Django's database errors."""
    with _cursor() as cursor:
        cursor.execute(statement, values, prepare=True)


def _fetch_all(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with _cursor() as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchall()


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    here = connections[DEFAULT_DB_ALIAS]  # once: ``connection`` looks it up with each attribute
    here.ensure_connection()
    here.validate_no_broken_transaction()
    raw = here.connection
    if raw.prepare_threshold is None:  # Django's default, which would overrule `prepare=True`
        raw.prepare_threshold = 0
    with here.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        yield cursor
