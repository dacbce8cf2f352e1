"""Templates of messages."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "engine.content"
    label = "engine_content"
    verbose_name = "Content"
