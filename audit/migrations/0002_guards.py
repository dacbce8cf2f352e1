"""django-auditlog's entries become append-only; a deleted member of staff may still be unlinked from theirs."""

from django.db import migrations

from governance.kernel.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("auditlog", "0017_add_actor_email")]

    operations = [AppendOnly("auditlog_logentry", allow_update_of=("actor_id",))]
