"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PurposesConfig(AppConfig):
    name = "governance.purposes"
    label = "purposes"
    verbose_name = _("Purposes & processing record")

    def ready(self) -> None:
        from audit import capture
        from governance.purposes.models import ProcessingActivity, Purpose

        capture.configuration(Purpose)
        capture.configuration(ProcessingActivity)
