"""Django's view of the package."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "engine.events"
    label = "engine_events"
    verbose_name = "Events"

    def ready(self) -> None:
        from engine.events import datasets, invariants, sources  # noqa: F401 - invariants register themselves
        from governance.kernel import personal_data

        personal_data.register(sources.EventHistory())
        personal_data.register(sources.Quarantine())
        datasets.register()
