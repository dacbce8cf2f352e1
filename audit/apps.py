"""Django's view of the package: which sources, tasks and invariants it brings."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import capture, direct_changes, invariants, sources, tasks  # noqa: F401  registers checks and the calendar
        from governance.kernel import personal_data

        capture.connect()
        post_migrate.connect(direct_changes.watch_all, dispatch_uid="audit.direct_changes")
        personal_data.register(sources.DecisionRecords())
        personal_data.register(sources.EntryLinks())
