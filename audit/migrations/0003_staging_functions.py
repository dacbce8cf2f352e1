"""Entries are staged by functions in the database, planned once for each connection; their queue is vacuumed as a queue."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations

from audit.staging import StagingFunctions


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_guards")]

    operations = [
        StagingFunctions(),
        migrations.AddIndex("entry", BrinIndex(fields=["occurred_at"], name="audit_entry_occurred_at")),
        # Rows live here for seconds: clear them out by number, not when a fifth of a table that is always small has died.
        migrations.RunSQL(
            "ALTER TABLE audit_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)",
            "ALTER TABLE audit_pending RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
        ),
    ]
