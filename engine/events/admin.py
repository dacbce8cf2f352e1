"""Pages of the console: batches and the quarantine. Events themselves are behaviour of people and are not browsed."""

from __future__ import annotations

from engine.events.models import IngestBatch, QuarantinedEvent
from governance.kernel.admin import ReadOnlyAdmin, register


@register(IngestBatch)
class IngestBatchAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "source",
        "received_at",
        "offered",
        "accepted",
        "duplicates",
        "quarantined",
        "refused",
        "removed",
    )
    list_filter = ("source",)
    date_hierarchy = "received_at"


@register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "batch", "reasons", "received_at")
    fields = ("id", "batch", "reasons", "received_at")
