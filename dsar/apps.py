"""Requests of data subjects as a Django app: registers its jobs, source, invariants and permission."""

from django.apps import AppConfig


class DsarConfig(AppConfig):
    name = "dsar"
    label = "dsar"
    verbose_name = "Requests of data subjects"

    def ready(self) -> None:
        from dsar import invariants, tasks  # noqa: F401 - they register themselves
        from dsar.sources import RequestsSource
        from governance.accounts.roles import Role, allow
        from governance.kernel import personal_data

        allow(Role.DPO, "dsar.approve_plan")
        personal_data.register(RequestsSource())
