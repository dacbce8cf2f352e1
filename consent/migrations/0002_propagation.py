import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import governance.kernel.ids
from django.db import migrations, models

from consent.events.retiring import Retiring
from governance.kernel.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('consent', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentLink',
            fields=[
                ('visitor_subject_id', models.UUIDField(primary_key=True, serialize=False)),
                ('subject_id', models.UUIDField(db_index=True, verbose_name='subject')),
                ('linked_at', models.DateTimeField(verbose_name='linked at')),
                ('entry_id', models.UUIDField()),
            ],
            options={
                'verbose_name': 'link of a visitor',
                'db_table': 'consent_link',
            },
        ),
        migrations.CreateModel(
            name='Propagation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('event_id', models.UUIDField()),
                ('subject_id', models.UUIDField(db_index=True, verbose_name='subject')),
                ('purpose_key', models.CharField(max_length=64, verbose_name='purpose')),
                ('channel', models.CharField(max_length=16, verbose_name='channel')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('sent', 'sent'), ('settled', 'settled')], max_length=12, verbose_name='state')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent at')),
                ('settled_at', models.DateTimeField(null=True, verbose_name='settled at')),
                ('reference', models.CharField(blank=True, max_length=120, verbose_name='reference')),
                ('escalated_at', models.DateTimeField(null=True, verbose_name='escalated at')),
            ],
            options={
                'verbose_name': 'change on its way',
                'verbose_name_plural': 'changes on their way',
                'db_table': 'consent_propagation',
            },
        ),
        migrations.CreateModel(
            name='PropagationTarget',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.SlugField(max_length=64, unique=True, verbose_name='key')),
                ('kind', models.CharField(choices=[('webhook', 'webhook'), ('csv', 'csv'), ('broker', 'broker')], max_length=10, verbose_name='by')),
                ('address', models.CharField(help_text='A URL, a directory, or broker URL and queue.', max_length=400, verbose_name='address')),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Only changes of these; all when empty.', size=None, verbose_name='purposes')),
                ('subject_as', models.CharField(choices=[('opaque', 'opaque'), ('customer_id', 'customer_id'), ('email', 'email')], default='opaque', max_length=16, verbose_name='names people by')),
                ('signed_with', models.CharField(choices=[('hmac-sha256', 'hmac-sha256'), ('eddsa', 'eddsa')], default='hmac-sha256', max_length=12, verbose_name='signed with')),
                ('acknowledges', models.BooleanField(default=False, help_text='A change is settled when the system calls back, not when it answers.', verbose_name='acknowledges later')),
                ('settle_within', models.DurationField(default=datetime.timedelta(seconds=3600), verbose_name='to be settled within')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
            ],
            options={
                'verbose_name': 'system that hears of changes',
                'verbose_name_plural': 'propagation',
                'db_table': 'consent_propagation_target',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='RetiredEvent',
            fields=[
                ('event_id', models.UUIDField(primary_key=True, serialize=False)),
                ('entry_id', models.UUIDField()),
                ('event_sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('retired_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'retired event',
                'db_table': 'consent_event_retired',
            },
        ),
        migrations.AddIndex(
            model_name='consentstate',
            index=models.Index(condition=models.Q(('status', 'given'), ('valid_until__isnull', False)), fields=['valid_until'], name='consent_state_running_out'),
        ),
        migrations.AddField(
            model_name='propagation',
            name='target',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='consent.propagationtarget'),
        ),
        migrations.AddIndex(
            model_name='propagation',
            index=models.Index(condition=models.Q(('settled_at__isnull', True)), fields=['target', 'id'], name='consent_propagation_open'),
        ),
        migrations.AddIndex(
            model_name='propagation',
            index=models.Index(fields=['target', 'settled_at'], name='consent_propagation_lag'),
        ),
        migrations.AddConstraint(
            model_name='propagation',
            constraint=models.UniqueConstraint(fields=('event_id', 'target'), name='consent_propagation_once'),
        ),
        AppendOnly("consent_event_retired"),
        Retiring("consent_event"),
        Retiring("consent_evidence"),
        Retiring("consent_verdict"),
    ]
