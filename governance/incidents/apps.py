"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "governance.incidents"
    label = "incidents"
    verbose_name = "Breaches"

    def ready(self) -> None:
        from governance.incidents import invariants  # noqa: F401 - registers them
