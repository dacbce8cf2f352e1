from engine.features.models import TrainingSet
from governance.kernel.admin import ReadOnlyAdmin, register


@register(TrainingSet)
class TrainingSetAdmin(ReadOnlyAdmin):
    list_display = ("id", "feature_set", "purpose_key", "rows", "people", "created_at")
    list_filter = ("feature_set", "purpose_key")
