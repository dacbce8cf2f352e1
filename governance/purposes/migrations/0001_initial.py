import django.contrib.postgres.fields
import governance.kernel.clock
import governance.kernel.ids
from django.db import migrations, models

from governance.kernel.append_only import AppendOnly


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ProcessingActivity',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=160, unique=True, verbose_name='name')),
                ('purpose_key', models.CharField(help_text='Art. 30(1)(b)', max_length=64, verbose_name='purpose')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('joint_controllers', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, help_text='Art. 30(1)(a)', size=None, verbose_name='joint controllers')),
                ('subject_categories', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), help_text='Art. 30(1)(c)', size=None, verbose_name='categories of data subjects')),
                ('data_categories', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), help_text='Art. 30(1)(c)', size=None, verbose_name='categories of personal data')),
                ('recipients', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, help_text='Art. 30(1)(d)', size=None, verbose_name='categories of recipients')),
                ('transfers', models.TextField(blank=True, help_text='Art. 30(1)(e); empty when there are none', verbose_name='transfers to third countries, with safeguards')),
                ('retention', models.TextField(blank=True, help_text='Art. 30(1)(f)', verbose_name='time limits for erasure')),
                ('security', models.TextField(blank=True, help_text='Art. 30(1)(g)', verbose_name='technical and organisational measures')),
                ('systems', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), blank=True, default=list, size=None, verbose_name='systems')),
                ('impact_assessment', models.CharField(blank=True, help_text='Art. 35', max_length=200, verbose_name='impact assessment')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(default=governance.kernel.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name': 'processing activity',
                'verbose_name_plural': 'record of processing (Art. 30)',
                'db_table': 'purposes_processing_activity',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Purpose',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=64, verbose_name='key')),
                ('version', models.PositiveIntegerField(editable=False, verbose_name='version')),
                ('edition', models.PositiveBigIntegerField(editable=False, unique=True)),
                ('title_en', models.CharField(max_length=160, verbose_name='title (English)')),
                ('title_pl', models.CharField(max_length=160, verbose_name='title (Polish)')),
                ('description_en', models.TextField(verbose_name='description (English)')),
                ('description_pl', models.TextField(verbose_name='description (Polish)')),
                ('legal_basis', models.CharField(choices=[('consent', 'Art. 6(1)(a) consent'), ('contract', 'Art. 6(1)(b) contract'), ('legal_obligation', 'Art. 6(1)(c) legal obligation'), ('vital_interest', 'Art. 6(1)(d) vital interest'), ('public_task', 'Art. 6(1)(e) public task'), ('legitimate_interest', 'Art. 6(1)(f) legitimate interest')], max_length=24, verbose_name='legal basis')),
                ('channels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('email', 'email'), ('sms', 'sms'), ('push', 'push'), ('phone', 'phone'), ('post', 'post'), ('ads', 'ads'), ('profiling', 'profiling'), ('training', 'training'), ('analytics', 'analytics')], max_length=16), size=None, verbose_name='channels')),
                ('double_opt_in', models.BooleanField(default=False, verbose_name='double opt-in')),
                ('validity_days', models.PositiveIntegerField(blank=True, null=True, verbose_name='consent runs out after days')),
                ('direct_marketing', models.BooleanField(default=False, help_text='An objection stops it on every legal basis (Art. 21(2) and (3)).', verbose_name='direct marketing')),
                ('special_category', models.BooleanField(default=False, help_text='Art. 9(1).', verbose_name='special categories of data')),
                ('reconsent', models.BooleanField(default=False, help_text='Consents to earlier versions do not carry over to this one.', verbose_name='asks again')),
                ('dpv_iri', models.CharField(blank=True, max_length=200, verbose_name='DPV concept')),
                ('effective_from', models.DateTimeField(default=governance.kernel.clock.now, verbose_name='in force from')),
                ('defined_at', models.DateTimeField(default=governance.kernel.clock.now, editable=False)),
            ],
            options={
                'verbose_name': 'purpose',
                'verbose_name_plural': 'purposes',
                'db_table': 'purposes_purpose',
                'ordering': ['key', '-version'],
                'constraints': [models.UniqueConstraint(fields=('key', 'version'), name='purposes_version_once'), models.CheckConstraint(condition=models.Q(('key__regex', '^[a-z][a-z0-9_.-]{1,63}$')), name='purposes_key_form'), models.CheckConstraint(condition=models.Q(('legal_basis__in', ['consent', 'contract', 'legal_obligation', 'vital_interest', 'public_task', 'legitimate_interest'])), name='purposes_basis_known'), models.CheckConstraint(condition=models.Q(('channels__contained_by', ['email', 'sms', 'push', 'phone', 'post', 'ads', 'profiling', 'training', 'analytics'])), name='purposes_channels_known'), models.CheckConstraint(condition=models.Q(('channels__len__gt', 0)), name='purposes_channels_any'), models.CheckConstraint(condition=models.Q(('validity_days__isnull', True), ('validity_days__gt', 0), _connector='OR'), name='purposes_validity_positive')],
            },
        ),
        AppendOnly("purposes_purpose"),
    ]
