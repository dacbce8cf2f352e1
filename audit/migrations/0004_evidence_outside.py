"""Counts of writers, tombstones of links, anchors, and the queues of what watches and exports the log.

Entries that wait for a number when this runs carry tags without a count: number them first (any worker does, within seconds).
"""

from django.db import migrations, models

import governance.kernel.ids
from audit.staging import StagingFunctions
from governance.kernel.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0003_staging_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Anomaly',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('rule', models.TextField()),
                ('actor', models.TextField()),
                ('signature', models.TextField(unique=True)),
                ('observed', models.IntegerField()),
                ('expected', models.FloatField()),
                ('window_start_at', models.DateTimeField()),
                ('found_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'anomalies',
                'db_table': 'audit_anomaly',
            },
        ),
        migrations.CreateModel(
            name='DirectChange',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('label', models.TextField()),
                ('object_key', models.TextField()),
                ('operation', models.TextField()),
                ('columns', models.TextField()),
                ('role', models.TextField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'db_table': 'audit_direct_change',
            },
        ),
        migrations.CreateModel(
            name='ErasedLink',
            fields=[
                ('tag', models.BinaryField(max_length=32, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'audit_erased_link',
            },
        ),
        migrations.CreateModel(
            name='ExportCursor',
            fields=[
                ('name', models.TextField(primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('moved_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'audit_export_cursor',
            },
        ),
        migrations.CreateModel(
            name='WriterCount',
            fields=[
                ('writer', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('mac', models.BinaryField(max_length=32)),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'audit_writer',
            },
        ),
        migrations.AddField(
            model_name='pending',
            name='number',
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='pending',
            name='writer',
            field=models.UUIDField(default='00000000-0000-0000-0000-000000000000'),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name='Anchor',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.TextField(choices=[('witness', 'Witness'), ('timestamp', 'Timestamp'), ('bucket', 'Bucket'), ('directory', 'Directory')])),
                ('name', models.TextField()),
                ('size', models.BigIntegerField()),
                ('evidence', models.BinaryField()),
                ('anchored_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'audit_anchor',
                'constraints': [models.UniqueConstraint(fields=('kind', 'name', 'size'), name='audit_anchor_once')],
            },
        ),
        StagingFunctions(),
        AppendOnly("audit_erased_link"),
        AppendOnly("audit_anchor"),
    ]
