"""An entry is staged by functions in the database, planned once for each connection."""

from django.db import migrations

from audit.staging import StagingFunctions


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_guards")]

    operations = [StagingFunctions()]
