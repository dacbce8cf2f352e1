"""Bulk rows through PostgreSQL's COPY, inside the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from psycopg import sql


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], types: Sequence[str] = ()) -> int:
    """COPY `rows` into `table`; returns how many. Give `types` (PostgreSQL type names per column) to send them in binary."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    form = sql.SQL(" (FORMAT BINARY)") if types else sql.SQL("")
    statement = sql.SQL("COPY {} ({}) FROM STDIN{}").format(sql.Identifier(table), names, form)
    count = 0
    with connection.cursor() as cursor:
        raw = cursor.cursor  # Django's wrapper hides psycopg's copy()
        with raw.copy(statement) as copy:
            if types:
                copy.set_types(types)
            for row in rows:
                copy.write_row(row)
                count += 1
    return count


def copy_encoded(table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """COPY rows that the caller has put in PostgreSQL's binary form already (a field count, then each field with its length): where
    hundreds of thousands of rows have the same shape, encoding them field by field costs more than storing them."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
    encoded = iter(rows)
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        copy.write(_SIGNATURE)
        while some := b"".join(islice(encoded, _STRIDE)):  # the server stores them while the next ones are encoded
            copy.write(some)
        copy.write(_END)


_STRIDE = 1000
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
