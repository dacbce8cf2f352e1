"""Entries wait for their numbers in tables of their own (audit/staging.py). Those that wait when this runs are carried over.

Nothing is lost on the way: where the queue holds a row that is not ours or whose entry is gone, this refuses to run, and
``manage.py verify_log`` of the version before says what happened.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from audit.staging import ENTRY, LINK, StagingFunctions, StagingTables
from governance.kernel.ids import uuid7

_ENTRY, _LINK = ", ".join(ENTRY), ", ".join(LINK)
_E_ENTRY = ", ".join(f"e.{name}" for name in ENTRY)
_UNCLEAR = """
    SELECT count(*) FROM audit_pending p
    WHERE p.refused OR EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = p.entry_id)
        OR NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = p.entry_id AND e.leaf_hash = p.leaf_hash)
"""
_FORWARDS = f"""
    LOCK TABLE audit_pending, audit_entry, audit_subject_link IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE audit_entry DISABLE TRIGGER USER;
    ALTER TABLE audit_subject_link DISABLE TRIGGER USER;
    INSERT INTO audit_staged ({_ENTRY}, writer, number, mac)
        SELECT {_E_ENTRY}, p.writer, p.number, p.mac FROM audit_pending p JOIN ONLY audit_entry e ON e.id = p.entry_id;
    INSERT INTO audit_staged_link ({_LINK})
        SELECT {_LINK} FROM ONLY audit_subject_link WHERE entry_id IN (SELECT entry_id FROM audit_pending);
    DELETE FROM ONLY audit_subject_link WHERE entry_id IN (SELECT entry_id FROM audit_pending);
    DELETE FROM ONLY audit_entry WHERE id IN (SELECT entry_id FROM audit_pending);
    ALTER TABLE audit_entry ENABLE TRIGGER USER;
    ALTER TABLE audit_subject_link ENABLE TRIGGER USER;
"""  # noqa: S608  # names of columns


def carry_over(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Move what waits; refuse where it is not clear what that is."""
    with editor.connection.cursor() as cursor:
        cursor.execute(_UNCLEAR)
        unclear = cursor.fetchone()[0]
        if unclear:
            raise RuntimeError(
                f"{unclear} rows of audit_pending are not entries that wait: run manage.py verify_log first."
            )
        cursor.execute(_FORWARDS)


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_retried_requests")]

    operations = [
        StagingTables(),
        migrations.RunPython(carry_over),
        migrations.DeleteModel("Pending"),
        StagingFunctions(),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Staged",
                    fields=[
                        ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                        ("header", models.TextField()),
                        ("leaf_hash", models.BinaryField(max_length=32)),
                        ("action", models.TextField()),
                        ("actor", models.TextField()),
                        ("object", models.TextField()),
                        ("purpose", models.TextField(default="")),
                        ("subject_tag", models.TextField(default="")),
                        ("occurred_at", models.DateTimeField()),
                        ("transaction_id", models.UUIDField()),
                        ("writer", models.UUIDField()),
                        ("number", models.BigIntegerField()),
                        ("mac", models.BinaryField(max_length=32)),
                        ("refused", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={"db_table": "audit_staged"},
                )
            ]
        ),
    ]
