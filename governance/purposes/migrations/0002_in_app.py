import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('purposes', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='purpose',
            name='purposes_channels_known',
        ),
        migrations.AlterField(
            model_name='purpose',
            name='channels',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('email', 'email'), ('sms', 'sms'), ('push', 'push'), ('in_app', 'in_app'), ('phone', 'phone'), ('post', 'post'), ('ads', 'ads'), ('profiling', 'profiling'), ('training', 'training'), ('analytics', 'analytics')], max_length=16), size=None, verbose_name='channels'),
        ),
        migrations.AddConstraint(
            model_name='purpose',
            constraint=models.CheckConstraint(condition=models.Q(('channels__contained_by', ['email', 'sms', 'push', 'in_app', 'phone', 'post', 'ads', 'profiling', 'training', 'analytics'])), name='purposes_channels_known'),
        ),
    ]
