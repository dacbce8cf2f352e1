from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "engine.learning"
    label = "engine_learning"
    verbose_name = "Models"
