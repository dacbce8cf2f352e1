from engine.learning.models import ModelVersion
from governance.kernel.admin import ReadOnlyAdmin, register


@register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("system_key", "number", "feature_set", "trained_at", "tables_sha256")
    list_filter = ("system_key",)
    exclude = ("tables",)
