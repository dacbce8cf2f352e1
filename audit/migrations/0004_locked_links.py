"""Writers who mention a subject and an erasure of the subject no longer pass each other."""

from django.db import migrations

from audit.staging import StagingFunctions


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_staging_functions")]

    operations = [StagingFunctions()]
