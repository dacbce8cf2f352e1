from django.apps import AppConfig


class PseudonymizeConfig(AppConfig):
    name = "pseudonymize"
    label = "pseudonymize"
    verbose_name = "Pseudonyms and keys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.conf import settings

        from audit import capture, sealing
        from governance.kernel import personal_data
        from pseudonymize import invariants, tasks, vault  # noqa: F401  they register themselves
        from pseudonymize.crossings import notices, rotation  # noqa: F401  they register themselves
        from pseudonymize.detection import automata
        from pseudonymize.models import Domain, PolicyVersion
        from pseudonymize.runs import file_jobs  # noqa: F401  they register themselves
        from pseudonymize.sources import VaultSource
        from pseudonymize.vault.token_sources import TokenVaultSource

        automata.keep_in(settings.ZGODA_VAR / "detection")
        personal_data.register(VaultSource())
        sealing.use(vault)
        personal_data.register(TokenVaultSource())
        capture.configuration(Domain)
        capture.configuration(PolicyVersion)
