"""Going round the triggers, as the owner of a database can on purpose: what the log must notice all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection


@contextmanager
def lifted() -> Iterator[None]:
    """Our triggers are off inside, in the open transaction. A superuser switches them off for the session; any other owner by table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            off, on = ["SET LOCAL session_replication_role = replica"], ["SET LOCAL session_replication_role = origin"]
        else:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
            tables = [name for (name,) in cursor.fetchall()]
            # What waits for the end of the transaction is checked first: a table with waiting checks cannot be altered.
            off = ["SET CONSTRAINTS ALL IMMEDIATE", *(f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in tables)]
            on = [*(f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in tables), "SET CONSTRAINTS ALL DEFERRED"]
        for statement in off:
            cursor.execute(statement)
        yield
        # Not after an exception: the transaction is lost then, and these settings with it.
        for statement in on:
            cursor.execute(statement)


def superuser_or_skip() -> None:
    """For what only a superuser can do: to break a foreign key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("only a superuser can break a foreign key on purpose")
