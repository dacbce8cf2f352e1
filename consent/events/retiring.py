"""The narrow door in the append-only tables: rows whose retention has ended, and nothing else, may go (Art. 5(1)(e)).

A migration puts `Retiring` in the place of the triggers that refuse every DELETE. A row still goes only inside a retention run that
says so (`SET LOCAL zgoda.retention_run`), only when it is older than the limitation period, and, of events and verdicts, only when
its person was erased; of an event only when its digest was kept, so that the log goes on adding up. The database itself checks all that.
"""

from __future__ import annotations

from typing import Final

from django.db import migrations

# ruff: noqa: S608  the statements are put together from constants of this package

KEEP_YEARS: Final = 3
"""The limitation period for claims of a business (Polish Civil Code, Art. 118), as `evidence.KEEP` has it."""

_OLD_ENOUGH: Final = {
    "consent_event": f"""OLD.received_at < now() - interval '{KEEP_YEARS} years'
        AND EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = OLD.subject_id AND h.erased_at IS NOT NULL)
        AND EXISTS (SELECT 1 FROM consent_event_retired r
                    WHERE r.event_id = OLD.id AND r.entry_id = OLD.entry_id AND r.event_sha256 = OLD.event_sha256)""",
    "consent_evidence": "OLD.keep_until < current_date",
    "consent_verdict": f"""OLD.decided_at < now() - interval '{KEEP_YEARS} years'
        AND EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = OLD.subject_id AND h.erased_at IS NOT NULL)""",
}


class Retiring(migrations.RunSQL):
    """Let rows of `table` go at the end of their retention; every other DELETE is refused as before."""

    def __init__(self, table: str) -> None:
        self.table = table
        function, trigger = f"zgoda_retire_{table}", f"append_only_{table}_delete"
        replace = (
            f'DROP TRIGGER IF EXISTS {trigger} ON "{table}"; '
            f'CREATE TRIGGER {trigger} BEFORE DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION'
        )
        super().__init__(
            sql=f"""
            CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF coalesce(current_setting('zgoda.retention_run', true), '') <> '' AND {_OLD_ENOUGH[table]} THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION 'The table % is append-only: % refused.', TG_TABLE_NAME, TG_OP
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            {replace} {function}();
            """,
            reverse_sql=f"{replace} zgoda_refuse_change(); DROP FUNCTION IF EXISTS {function}();",
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [], {"table": self.table})

    def describe(self) -> str:
        return f"Let rows of {self.table} go at the end of their retention"
