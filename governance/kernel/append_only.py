"""Tables whose rows nobody changes: a migration operation that puts triggers on them.

The trigger is a second lock beside the rights of the database role; it also stops the role that owns the table from doing it by
accident. Whoever disables a trigger on purpose is found by the Merkle log.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION zgoda_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The table % is append-only: % refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class AppendOnly(migrations.RunSQL):
    """Refuse UPDATE, DELETE and TRUNCATE on `table`; with `allow_update_of`, updates of just those columns pass."""

    def __init__(self, table: str, allow_update_of: Sequence[str] = ()) -> None:
        self.table = table
        self.allow_update_of = tuple(allow_update_of)
        super().__init__(sql=self._create(), reverse_sql=self._drop())

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        keywords: dict[str, object] = {"table": self.table}
        if self.allow_update_of:
            keywords["allow_update_of"] = self.allow_update_of
        return (self.__class__.__qualname__, [], keywords)

    def _create(self) -> str:
        table, name = f'"{self.table}"', f"append_only_{self.table}"
        if self.allow_update_of:
            free = " ".join(f"- '{column}'" for column in self.allow_update_of)
            changed = f"WHEN ((to_jsonb(OLD) {free}) IS DISTINCT FROM (to_jsonb(NEW) {free}))"
        else:
            changed = ""
        return f"""{_FUNCTION}
            CREATE TRIGGER {name}_update BEFORE UPDATE ON {table} FOR EACH ROW {changed} EXECUTE FUNCTION zgoda_refuse_change();
            CREATE TRIGGER {name}_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION zgoda_refuse_change();
            CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION zgoda_refuse_change();
        """

    def _drop(self) -> str:
        table, name = f'"{self.table}"', f"append_only_{self.table}"
        return "".join(
            f"DROP TRIGGER IF EXISTS {name}_{event} ON {table};" for event in ("update", "delete", "truncate")
        )

    def describe(self) -> str:
        return f"Make {self.table} append-only"
