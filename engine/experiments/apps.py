"""Experiments."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "engine.experiments"
    label = "engine_experiments"
    verbose_name = "Experiments"

    def ready(self) -> None:
        from engine.experiments import invariants  # noqa: F401 - registering is what importing it is for
        from engine.experiments.sources import ExposuresSource
        from governance.kernel import personal_data

        personal_data.register(ExposuresSource())
