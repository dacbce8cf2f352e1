"""Tables that only an erasure deletes from: a migration operation, and the block that lifts its guard.

What is about a person must go when the person asks (Art. 17), so these tables cannot be append-only. But nothing else may delete or
change a row: the trigger lets a DELETE pass only in a transaction that said it is an erasure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION zgoda_only_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('zgoda.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Rows of % leave it by an erasure alone: % refused.', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class ErasableOnly(migrations.RunSQL):
    """Refuse UPDATE and TRUNCATE on ``table``, and DELETE outside ``erasing()``."""

    def __init__(self, table: str) -> None:
        self.table = table
        name = f"append_only_{table}"
        create = f"""{_FUNCTION}
            CREATE TRIGGER {name}_change BEFORE UPDATE OR DELETE ON "{table}"
                FOR EACH ROW EXECUTE FUNCTION zgoda_only_erasure();
            CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON "{table}"
                FOR EACH STATEMENT EXECUTE FUNCTION zgoda_only_erasure();
        """
        drop = "".join(f'DROP TRIGGER IF EXISTS {name}_{event} ON "{table}";' for event in ("change", "truncate"))
        super().__init__(sql=create, reverse_sql=drop)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [], {"table": self.table})

    def describe(self) -> str:
        return f"Guard the rows of {self.table} until an erasure"


@contextmanager
def erasing() -> Iterator[None]:
    """Lift the guard for a block inside a transaction; it falls back into place at the block's end and with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('zgoda.erasing', 'on', true)")
        yield
        cursor.execute("SELECT set_config('zgoda.erasing', 'off', true)")
