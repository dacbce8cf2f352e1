"""Registers what this package tells the others at start-up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    label = "consent"
    verbose_name = _("Consent")

    def ready(self) -> None:
        from audit import capture
        from audit.decision_records import grounds
        from consent import disposal, invariants, suppressions, tasks  # noqa: F401  registers its checks and its work
        from consent.models import PropagationTarget
        from consent.permission import decision_grounds
        from consent.sources import ConsentLedgerSource
        from governance.catalogue.declarations import Declared, declare
        from governance.kernel import personal_data
        from governance.retention import disposables
        from governance.retention.rules import ship
        from pseudonymize.vault.suppression import on_marketing

        source = ConsentLedgerSource()
        personal_data.register(source)
        on_marketing(suppressions.hear)
        capture.configuration(PropagationTarget)
        grounds.judge_with(decision_grounds.contradictions)
        for place, rule in zip(disposal.PLACES, disposal.DEFAULTS, strict=True):
            disposables.register(place)
            ship(rule)
        proof = Declared(
            "evidence of consent", "accountability", "Evidence: three years after it was recorded; shredded on erasure."
        )
        choice = Declared(
            "consent choices", "accountability", "State: until erasure. Events: three years after they were recorded."
        )
        for model in self.get_models():
            table = model._meta.db_table
            if table in source.tables:
                said = proof if table == "consent_evidence" else choice
                declare(table, **{str(field.column): said for field in model._meta.concrete_fields})
