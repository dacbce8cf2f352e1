from django.apps import AppConfig


class FeaturesConfig(AppConfig):
    name = "engine.features"
    label = "engine_features"
    verbose_name = "Features"
