"""Messages to people."""

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "engine.channels"
    label = "engine_channels"
    verbose_name = "Campaigns and messages"

    def ready(self) -> None:
        from audit import capture, reviews
        from engine.channels import invariants, reviewed, tasks  # noqa: F401 - registering is what importing them is for
        from engine.channels.models import FrequencyCap
        from engine.channels.sources import MessagesSource
        from governance.kernel import personal_data

        personal_data.register(MessagesSource())
        reviews.follow(reviewed.take_effect)
        capture.configuration(FrequencyCap)
