from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "governance.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        from audit.explanations import dossiers
        from governance.accounts.roles import Role, allow
        from governance.console import decision_sections

        allow(Role.DPO, "audit.change_review", "audit.add_entry")  # the latter: to account for a gap in the log
        dossiers.describe_with(decision_sections.model)
        dossiers.describe_with(decision_sections.consent)
