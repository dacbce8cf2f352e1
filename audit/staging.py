"""The function in the database that stages an entry: entry, place in the queue and link to the subject, in one round trip.

PostgreSQL plans the statements of a function once for each connection. As one statement of the client they are planned with every
entry, which costs more than writing it.
"""

from __future__ import annotations

from django.db import migrations

_CREATE = """
DROP FUNCTION IF EXISTS zgoda_stage_entry;
DROP FUNCTION IF EXISTS zgoda_link_entry;

CREATE FUNCTION zgoda_stage_entry(
    new_id uuid, new_header text, new_leaf_hash bytea, new_action text, new_actor text, new_object text, new_purpose text,
    new_subject_tag text, new_occurred_at timestamptz, new_transaction_id uuid, new_writer uuid, new_number bigint, new_mac bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entry (
        id, header, leaf_hash, action, actor, object, purpose, subject_tag, occurred_at, transaction_id
    ) VALUES (
        new_id, new_header, new_leaf_hash, new_action, new_actor, new_object, new_purpose, new_subject_tag, new_occurred_at,
        new_transaction_id
    );
    INSERT INTO audit_pending (entry_id, leaf_hash, writer, number, mac)
    VALUES (new_id, new_leaf_hash, new_writer, new_number, new_mac);
    IF new_action LIKE 'configuration.%' THEN
        -- For the triggers on configuration tables (audit/direct_changes.py): this change has its entry.
        PERFORM set_config('zgoda.captured', coalesce(current_setting('zgoda.captured', true), '') || new_object || E'\\n', true);
    END IF;
END $$;

CREATE FUNCTION zgoda_link_entry(
    to_entry_id uuid, to_role text, to_subject_id uuid, with_salt bytea, subject_tombstone bytea, link_tombstone bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- What is logged about an erasure, or after it, must not lead back to the person. The lock is that of audit/tombstones.py.
    PERFORM pg_advisory_xact_lock_shared(23143, get_byte(subject_tombstone, 0));
    IF EXISTS (SELECT 1 FROM audit_erased_subject WHERE tag = subject_tombstone) THEN
        INSERT INTO audit_erased_link (tag) VALUES (link_tombstone);
    ELSE
        INSERT INTO audit_subject_link (entry_id, role, subject_id, salt)
        VALUES (to_entry_id, to_role, to_subject_id, with_salt);
    END IF;
END $$;
"""
_DROP = "DROP FUNCTION IF EXISTS zgoda_stage_entry; DROP FUNCTION IF EXISTS zgoda_link_entry;"

STAGE = "zgoda_stage_entry(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
LINK = "zgoda_link_entry(%s, %s, %s, %s, %s, %s)"


class StagingFunctions(migrations.RunSQL):
    """Create the two functions anew."""

    def __init__(self) -> None:
        super().__init__(sql=_CREATE, reverse_sql=_DROP)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [], {})

    def describe(self) -> str:
        return "Create the functions that stage log entries"
