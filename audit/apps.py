"""Django's view of the package: which sources, tasks and invariants it brings."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import capture, invariants, sources, tasks  # noqa: F401  registers checks and the calendar
        from governance.kernel import personal_data

        capture.connect()
        personal_data.register(sources.DecisionRecords())
        personal_data.register(sources.EntryLinks())
