"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig


class AggregatesConfig(AppConfig):
    name = "governance.aggregates"
    label = "aggregates"
    verbose_name = "Privacy budget"

    def ready(self) -> None:
        from governance.aggregates import invariants  # noqa: F401 - registers them
