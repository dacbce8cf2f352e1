"""Django's view of the package: which sources, tasks and invariants it brings."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import capture, tasks  # noqa: F401  registers what runs on a calendar

        capture.connect()
