"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    label = "consent"
    verbose_name = _("Consent")

    def ready(self) -> None:
        from consent import invariants  # noqa: F401  registers its checks
        from consent.sources import ConsentLedgerSource
        from governance.kernel import personal_data

        personal_data.register(ConsentLedgerSource())
