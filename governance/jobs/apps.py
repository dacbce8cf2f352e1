from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "governance.jobs"
    label = "jobs"
    verbose_name = "Work"

    def ready(self) -> None:
        from governance.jobs import invariants  # noqa: F401 - registers them
