"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "governance.incidents"
    label = "incidents"
    verbose_name = "Breaches"

    def ready(self) -> None:
        from audit import watching
        from governance.incidents import alarms, invariants  # noqa: F401 - registers them

        watching.on_anomaly(alarms.open_case)
