"""Journeys."""

from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "engine.journeys"
    label = "engine_journeys"
    verbose_name = "Journeys"

    def ready(self) -> None:
        from engine.journeys import invariants, tasks  # noqa: F401 - registering is what importing them is for
        from engine.journeys.sources import PlacesSource
        from governance.kernel import personal_data

        personal_data.register(PlacesSource())
