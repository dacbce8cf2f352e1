"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "governance.retention"
    label = "retention"
    verbose_name = "Retention"

    def ready(self) -> None:
        from audit import capture
        from governance.kernel import personal_data
        from governance.retention import disposables, rules, sources, tasks, technical  # noqa: F401 - tasks register themselves
        from governance.retention.models import RetentionRule

        capture.configuration(RetentionRule)
        personal_data.register(sources.LegalHolds())
        for place in technical.PLACES:
            disposables.register(place)
        for default in technical.RULES:
            rules.ship(default)
