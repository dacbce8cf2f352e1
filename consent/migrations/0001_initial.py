import django.contrib.postgres.fields
import governance.kernel.ids
from django.db import migrations, models

from governance.kernel.append_only import AppendOnly


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentEvidence',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('event_id', models.UUIDField(unique=True)),
                ('subject_id', models.UUIDField(db_index=True)),
                ('ciphertext', models.BinaryField(null=True)),
                ('ciphertext_sha256', models.CharField(max_length=64)),
                ('keep_until', models.DateField()),
                ('shredded_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'evidence',
                'db_table': 'consent_evidence',
            },
        ),
        migrations.CreateModel(
            name='ConsentVerdict',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subject_id', models.UUIDField(db_index=True, verbose_name='subject')),
                ('purpose_key', models.CharField(max_length=64, verbose_name='purpose')),
                ('purpose_version', models.PositiveIntegerField(verbose_name='purpose version')),
                ('channel', models.CharField(max_length=16, verbose_name='channel')),
                ('allowed', models.BooleanField(verbose_name='allowed')),
                ('reason', models.CharField(choices=[('consent_given', 'consent_given'), ('contract', 'contract'), ('legal_obligation', 'legal_obligation'), ('vital_interest', 'vital_interest'), ('public_task', 'public_task'), ('legitimate_interest', 'legitimate_interest'), ('erased', 'erased'), ('objected', 'objected'), ('restricted', 'restricted'), ('consent_withdrawn', 'consent_withdrawn'), ('consent_refused', 'consent_refused'), ('consent_invalidated', 'consent_invalidated'), ('consent_terminated', 'consent_terminated'), ('opt_out_signal', 'opt_out_signal'), ('consent_expired', 'consent_expired'), ('consent_superseded', 'consent_superseded'), ('confirmation_pending', 'confirmation_pending'), ('not_answered', 'not_answered'), ('never_asked', 'never_asked')], max_length=24, verbose_name='reason')),
                ('basis', models.CharField(max_length=24, verbose_name='legal basis')),
                ('event_id', models.UUIDField(null=True)),
                ('notice_version_id', models.UUIDField(null=True)),
                ('valid_until', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
                ('entry_id', models.UUIDField()),
            ],
            options={
                'verbose_name': 'verdict',
                'db_table': 'consent_verdict',
            },
        ),
        migrations.CreateModel(
            name='ConsentVerdictSet',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose_key', models.CharField(max_length=64, verbose_name='purpose')),
                ('purpose_version', models.PositiveIntegerField(verbose_name='purpose version')),
                ('channel', models.CharField(max_length=16, verbose_name='channel')),
                ('basis', models.CharField(max_length=24, verbose_name='legal basis')),
                ('asked', models.PositiveIntegerField(verbose_name='asked')),
                ('allowed', models.PositiveIntegerField(verbose_name='allowed')),
                ('refused', models.JSONField(verbose_name='refused, by reason')),
                ('allowed_sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
                ('cited_for', models.CharField(max_length=120, verbose_name='cited for')),
                ('actor', models.CharField(max_length=160, verbose_name='by')),
                ('entry_id', models.UUIDField()),
            ],
            options={
                'verbose_name': 'verdict set',
                'db_table': 'consent_verdict_set',
            },
        ),
        migrations.CreateModel(
            name='ConsentEvent',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subject_id', models.UUIDField(verbose_name='subject')),
                ('purpose_key', models.CharField(max_length=64, verbose_name='purpose')),
                ('purpose_version', models.PositiveIntegerField(verbose_name='purpose version')),
                ('channel', models.CharField(max_length=16, verbose_name='channel')),
                ('event_type', models.CharField(choices=[('requested', 'requested'), ('confirmation_sent', 'confirmation_sent'), ('given', 'given'), ('confirmed', 'confirmed'), ('refused', 'refused'), ('reaffirmed', 'reaffirmed'), ('withdrawn', 'withdrawn'), ('expired', 'expired'), ('invalidated', 'invalidated'), ('terminated', 'terminated'), ('superseded', 'superseded'), ('objected', 'objected'), ('objection_lifted', 'objection_lifted'), ('restricted', 'restricted'), ('restriction_lifted', 'restriction_lifted'), ('signal_optout', 'signal_optout'), ('imported', 'imported')], max_length=20, verbose_name='event')),
                ('actor_kind', models.CharField(choices=[('staff', 'staff'), ('client', 'client'), ('subject', 'subject'), ('guardian', 'guardian'), ('agent', 'agent'), ('system', 'system'), ('import', 'import')], max_length=10, verbose_name='who')),
                ('actor_id', models.CharField(max_length=120)),
                ('method', models.CharField(max_length=40, verbose_name='how')),
                ('jurisdiction', models.CharField(max_length=6, verbose_name='jurisdiction')),
                ('notice_version_id', models.UUIDField(null=True, verbose_name='notice')),
                ('presentation_jti', models.UUIDField(null=True)),
                ('parent_event_id', models.UUIDField(null=True)),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('valid_until', models.DateTimeField(null=True, verbose_name='valid until')),
                ('needs_confirmation', models.BooleanField(verbose_name='needs confirmation')),
                ('signal_binding', models.BooleanField(verbose_name='signal binds')),
                ('source_sha256', models.CharField(max_length=64)),
                ('evidence_sha256', models.CharField(max_length=64)),
                ('idempotency_key', models.CharField(max_length=128, unique=True)),
                ('event_sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('entry_id', models.UUIDField()),
            ],
            options={
                'verbose_name': 'consent event',
                'verbose_name_plural': 'consent ledger',
                'db_table': 'consent_event',
                'constraints': [models.UniqueConstraint(fields=('subject_id', 'received_at'), name='consent_event_in_order'), models.CheckConstraint(condition=models.Q(('event_type__in', ['requested', 'confirmation_sent', 'given', 'confirmed', 'refused', 'reaffirmed', 'withdrawn', 'expired', 'invalidated', 'terminated', 'superseded', 'objected', 'objection_lifted', 'restricted', 'restriction_lifted', 'signal_optout', 'imported'])), name='consent_event_type_known'), models.CheckConstraint(condition=models.Q(('actor_kind__in', ['staff', 'client', 'subject', 'guardian', 'agent', 'system', 'import'])), name='consent_event_actor_known'), models.CheckConstraint(condition=models.Q(('actor_id', ''), _negated=True), name='consent_event_has_an_actor'), models.CheckConstraint(condition=models.Q(('occurred_at__lte', models.F('received_at'))), name='consent_event_not_from_the_future')],
            },
        ),
        migrations.CreateModel(
            name='ConsentState',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('subject_id', models.UUIDField(verbose_name='subject')),
                ('purpose_key', models.CharField(max_length=64, verbose_name='purpose')),
                ('channel', models.CharField(max_length=16, verbose_name='channel')),
                ('status', models.CharField(choices=[('none', 'none'), ('requested', 'requested'), ('pending_confirmation', 'pending_confirmation'), ('given', 'given'), ('refused', 'refused'), ('withdrawn', 'withdrawn'), ('expired', 'expired'), ('invalidated', 'invalidated'), ('terminated', 'terminated'), ('superseded', 'superseded')], max_length=20, verbose_name='state')),
                ('event_id', models.UUIDField(null=True)),
                ('notice_version_id', models.UUIDField(null=True)),
                ('purpose_version', models.PositiveIntegerField(null=True, verbose_name='purpose version')),
                ('occurred_at', models.DateTimeField(null=True, verbose_name='since')),
                ('valid_until', models.DateTimeField(null=True, verbose_name='valid until')),
                ('objection_event_id', models.UUIDField(null=True, verbose_name='objection')),
                ('restriction_event_id', models.UUIDField(null=True, verbose_name='restriction')),
                ('signal_event_id', models.UUIDField(null=True, verbose_name='opt-out signal')),
            ],
            options={
                'verbose_name': 'consent state',
                'verbose_name_plural': 'consent states',
                'db_table': 'consent_state',
                'constraints': [models.UniqueConstraint(fields=('subject_id', 'purpose_key', 'channel'), name='consent_state_once')],
            },
        ),
        migrations.CreateModel(
            name='LedgerHead',
            fields=[
                ('subject_id', models.UUIDField(primary_key=True, serialize=False)),
                ('epoch', models.PositiveBigIntegerField(default=0)),
                ('last_received_at', models.DateTimeField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'ledger head',
                'db_table': 'consent_ledger_head',
                'indexes': [models.Index(condition=models.Q(('erased_at__isnull', False)), fields=['erased_at'], name='consent_head_erased')],
            },
        ),
        migrations.CreateModel(
            name='NoticeVersion',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=64, verbose_name='notice')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('language', models.CharField(choices=[('en', 'English'), ('pl', 'polski')], max_length=2, verbose_name='language')),
                ('ui_variant', models.CharField(max_length=40, verbose_name='variant')),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None, verbose_name='purposes')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('content', models.JSONField(verbose_name='content')),
                ('content_sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('material_change', models.BooleanField(help_text='Consents under earlier versions were superseded.', verbose_name='material change')),
                ('published_at', models.DateTimeField(verbose_name='published at')),
                ('published_by', models.CharField(max_length=120)),
                ('entry_id', models.UUIDField()),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'db_table': 'consent_notice_version',
                'ordering': ['key', '-version', 'language'],
                'constraints': [models.UniqueConstraint(fields=('key', 'language', 'version'), name='consent_notice_version_once'), models.CheckConstraint(condition=models.Q(('language__in', ['en', 'pl'])), name='consent_notice_language')],
            },
        ),
        AppendOnly("consent_notice_version"),
        AppendOnly("consent_event"),
        AppendOnly("consent_evidence", allow_update_of=("ciphertext", "shredded_at")),
        AppendOnly("consent_verdict"),
        AppendOnly("consent_verdict_set"),
    ]
