"""Where entries wait for their number: two tables beside those of the log, with few keys, so that a writer pays for one row.

``audit_staged`` inherits from ``audit_entry`` and ``audit_staged_link`` from ``audit_subject_link``: who reads the log reads what waits,
too, and who reads what has a number says ``ONLY``. What people search by is indexed when the sequencer moves the rows over, thousands at
a time, while nobody waits for it.

A staged row says how it counts among its writer's (``audit.writers``) and carries a tag under a key outside the database. The guards let
it leave in one direction: into the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from django.db import connection, migrations

ENTRY: Final = (
    "id", "header", "leaf_hash", "action", "actor", "object", "purpose", "subject_tag", "occurred_at", "transaction_id",
)  # fmt: skip
STAGED: Final = (*ENTRY, "writer", "number", "mac")
LINK: Final = ("entry_id", "role", "subject_id", "salt")

_INSERT = f"INSERT INTO audit_staged ({', '.join(STAGED)}) VALUES ({', '.join(['%s'] * len(STAGED))})"  # noqa: S608  # constants
_LINKED, _CAPTURED = "zgoda_link_entry(id, %s, %s, %s, %s, %s)", "zgoda_note_captured(object)"

_FUNCTIONS = """
DROP FUNCTION IF EXISTS zgoda_stage_entry;
DROP FUNCTION IF EXISTS zgoda_link_entry;
DROP FUNCTION IF EXISTS zgoda_note_captured;

-- A function, for its statements see what was committed before the lock was given to it, which those of one statement would not.
CREATE FUNCTION zgoda_link_entry(
    to_entry_id uuid, to_role text, to_subject_id uuid, with_salt bytea, subject_tombstone bytea, link_tombstone bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- What is logged about an erasure, or after it, must not lead back to the person. The lock is that of audit/tombstones.py.
    PERFORM pg_advisory_xact_lock_shared(23143, get_byte(subject_tombstone, 0));
    IF EXISTS (SELECT 1 FROM audit_erased_subject WHERE tag = subject_tombstone) THEN
        INSERT INTO audit_erased_link (tag) VALUES (link_tombstone);
    ELSE
        INSERT INTO audit_staged_link (entry_id, role, subject_id, salt)
        VALUES (to_entry_id, to_role, to_subject_id, with_salt);
    END IF;
END $$;

-- For the triggers on configuration tables (audit/direct_changes.py): this change has its entry.
CREATE FUNCTION zgoda_note_captured(object text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('zgoda.captured', coalesce(current_setting('zgoda.captured', true), '') || object || E'\\n', true);
$$;
"""
_DROP_FUNCTIONS = "".join(
    f"DROP FUNCTION IF EXISTS {name};" for name in ("zgoda_stage_entry", "zgoda_link_entry", "zgoda_note_captured")
)

_NUMBERING = "current_setting('zgoda.numbering', true) IS DISTINCT FROM 'on'"
_TABLES = f"""
CREATE TABLE audit_staged (
    writer uuid NOT NULL, number bigint NOT NULL, mac bytea NOT NULL, refused boolean NOT NULL DEFAULT false, PRIMARY KEY (id)
) INHERITS (audit_entry);
CREATE TABLE audit_staged_link (PRIMARY KEY (entry_id, role)) INHERITS (audit_subject_link);

-- Rows live here for seconds: clear them out by number, not when a fifth of a table that is always small has died.
ALTER TABLE audit_staged SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
ALTER TABLE audit_staged_link SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE TRIGGER append_only_audit_staged_update BEFORE UPDATE ON audit_staged FOR EACH ROW
    WHEN ((to_jsonb(OLD) - 'refused') IS DISTINCT FROM (to_jsonb(NEW) - 'refused')) EXECUTE FUNCTION zgoda_refuse_change();
CREATE TRIGGER append_only_audit_staged_delete BEFORE DELETE ON audit_staged FOR EACH ROW
    WHEN ({_NUMBERING}) EXECUTE FUNCTION zgoda_refuse_change();
CREATE TRIGGER append_only_audit_staged_truncate BEFORE TRUNCATE ON audit_staged EXECUTE FUNCTION zgoda_refuse_change();
CREATE TRIGGER append_only_audit_staged_link_update BEFORE UPDATE ON audit_staged_link FOR EACH ROW
    EXECUTE FUNCTION zgoda_only_erasure();
CREATE TRIGGER append_only_audit_staged_link_delete BEFORE DELETE ON audit_staged_link FOR EACH ROW
    WHEN ({_NUMBERING}) EXECUTE FUNCTION zgoda_only_erasure();
CREATE TRIGGER append_only_audit_staged_link_truncate BEFORE TRUNCATE ON audit_staged_link EXECUTE FUNCTION zgoda_only_erasure();
"""
_DROP_TABLES = "DROP TABLE audit_staged_link; DROP TABLE audit_staged;"


@cache
def insertion(links: int, *, captured: bool) -> str:
    """The one statement that stages an entry, its links and the note that a change of configuration has its entry.

    Parameters as ``STAGED`` names them, then for each link its role, subject and salt, and the tombstones of subject and link.
    """
    passing = [_LINKED] * links + [_CAPTURED] * captured
    return f"{_INSERT} RETURNING {', '.join(passing)}" if passing else _INSERT


def move(first: int) -> None:
    """Let the staged entries that have the numbers from ``first`` on into the log with their links, in the open transaction.

    What somebody put in the way stays there: it does not fit its number, or its entry, and verification says so. Numbering goes on.
    """
    entry, link = ", ".join(ENTRY), ", ".join(LINK)
    s_entry, s_link = (", ".join(f"s.{name}" for name in names) for names in (ENTRY, LINK))
    with connection.cursor() as cursor, _numbering():
        cursor.execute(
            f"""
            WITH numbered AS (
                DELETE FROM audit_staged s USING audit_leaf l WHERE l.seq >= %s AND s.id = l.entry_id RETURNING {s_entry}
            ) INSERT INTO audit_entry ({entry}) SELECT {entry} FROM numbered ORDER BY id ON CONFLICT DO NOTHING
            """,  # noqa: S608  # names of columns
            [first],
        )
        cursor.execute(
            f"""
            WITH numbered AS (
                DELETE FROM audit_staged_link s USING audit_leaf l WHERE l.seq >= %s AND s.entry_id = l.entry_id RETURNING {s_link}
            ) INSERT INTO audit_subject_link ({link}) SELECT {link} FROM numbered ORDER BY entry_id ON CONFLICT DO NOTHING
            """,  # noqa: S608  # names of columns
            [first],
        )


@contextmanager
def _numbering() -> Iterator[None]:
    """Lift the guard on staged rows that leave for the log; it falls back into place at the block's end and with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('zgoda.numbering', 'on', true)")
        yield
        cursor.execute("SELECT set_config('zgoda.numbering', 'off', true)")


class StagingFunctions(migrations.RunSQL):
    """Create the functions anew that stage entries."""

    def __init__(self) -> None:
        super().__init__(sql=_FUNCTIONS, reverse_sql=_DROP_FUNCTIONS)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [], {})

    def describe(self) -> str:
        return "Create the functions that stage log entries"


class StagingTables(migrations.RunSQL):
    """Create the tables in which entries wait, with their guards."""

    def __init__(self) -> None:
        super().__init__(sql=_TABLES, reverse_sql=_DROP_TABLES)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [], {})

    def describe(self) -> str:
        return "Create the tables in which log entries wait for their numbers"
