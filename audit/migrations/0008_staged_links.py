"""Django knows the table of staged links by name, which exists since 0007: what is about a person is looked for among models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_entries_are_staged")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="StagedLink",
                    fields=[
                        ("pk", models.CompositePrimaryKey("entry_id", "role", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("entry_id", models.UUIDField()),
                        ("role", models.TextField()),
                        ("subject_id", models.UUIDField()),
                        ("salt", models.BinaryField(max_length=32)),
                    ],
                    options={"db_table": "audit_staged_link"},
                )
            ]
        ),
    ]
