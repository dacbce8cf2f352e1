"""Templates in the console, as published."""

from engine.content.models import TemplateVersion
from governance.kernel.admin import ReadOnlyAdmin, register


@register(TemplateVersion)
class TemplateVersionAdmin(ReadOnlyAdmin):
    """What was published, when and by whom; nothing of it can be edited."""

    list_display = ("key", "version", "language", "subject_line", "published_at")
    list_filter = ("language",)
    search_fields = ("key", "subject_line")
    readonly_fields = (
        "key",
        "version",
        "language",
        "subject_line",
        "text",
        "html",
        "slots",
        "content_sha256",
        "published_at",
        "published_by",
        "entry_id",
    )
    fields = readonly_fields
