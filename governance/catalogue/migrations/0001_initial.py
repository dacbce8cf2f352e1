import django.contrib.postgres.fields
import django.db.models.deletion
import governance.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='System',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=64, unique=True, verbose_name='key')),
                ('title', models.CharField(max_length=160, verbose_name='title')),
                ('gone_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='gone since')),
            ],
            options={
                'verbose_name': 'system',
                'verbose_name_plural': 'systems',
                'db_table': 'catalogue_system',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Dataset',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('table', models.CharField(max_length=64, unique=True, verbose_name='table')),
                ('title', models.CharField(max_length=160, verbose_name='title')),
                ('personal', models.BooleanField(default=False, verbose_name='personal data')),
                ('source_key', models.CharField(blank=True, max_length=64, verbose_name='source')),
                ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), blank=True, default=list, size=None, verbose_name='categories')),
                ('gone_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='gone since')),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='datasets', to='catalogue.system', verbose_name='system')),
            ],
            options={
                'verbose_name': 'data set',
                'verbose_name_plural': 'data map',
                'db_table': 'catalogue_dataset',
                'ordering': ['table'],
            },
        ),
        migrations.CreateModel(
            name='Field',
            fields=[
                ('id', models.UUIDField(default=governance.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64, verbose_name='column')),
                ('data_type', models.CharField(max_length=64, verbose_name='type')),
                ('personal', models.BooleanField(default=False, verbose_name='personal data')),
                ('category', models.CharField(blank=True, max_length=120, verbose_name='category')),
                ('purpose_key', models.CharField(blank=True, max_length=64, verbose_name='purpose')),
                ('retention', models.CharField(blank=True, max_length=200, verbose_name='retention')),
                ('gone_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='gone since')),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fields', to='catalogue.dataset', verbose_name='data set')),
            ],
            options={
                'verbose_name': 'field',
                'verbose_name_plural': 'fields',
                'db_table': 'catalogue_field',
                'ordering': ['dataset__table', 'name'],
                'constraints': [models.UniqueConstraint(fields=('dataset', 'name'), name='catalogue_field_once')],
            },
        ),
    ]
