"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig


class AiRegisterConfig(AppConfig):
    name = "governance.airegister"
    label = "airegister"
    verbose_name = "AI register"

    def ready(self) -> None:
        from audit import capture
        from governance.airegister.models import AISystem, ModelVersion

        capture.configuration(AISystem)
        capture.configuration(ModelVersion)
