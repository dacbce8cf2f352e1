"""Django's view of the package."""

from django.apps import AppConfig


class DecisioningConfig(AppConfig):
    name = "engine.decisioning"
    label = "engine_decisioning"
    verbose_name = "Decisions"

    def ready(self) -> None:
        from audit import reviews
        from engine.decisioning import invariants, reversals, sources, wording  # noqa: F401 - invariants register themselves
        from governance.kernel import personal_data

        personal_data.register(sources.Offers())
        reviews.follow(reversals.take_effect)
        wording.register()
