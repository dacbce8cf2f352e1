"""Django's view of the package."""

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    name = "engine.profiles"
    label = "engine_profiles"
    verbose_name = "Profiles"

    def ready(self) -> None:
        from audit import capture
        from engine.events import followers
        from engine.profiles import invariants, sources, tasks  # noqa: F401 - invariants register themselves
        from engine.profiles.models import Segment
        from governance.kernel import personal_data

        personal_data.register(sources.Profiles())
        followers.follow(tasks.ABSORB)
        capture.configuration(Segment)
