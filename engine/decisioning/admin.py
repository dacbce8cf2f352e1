"""Pages of the console: runs in counts. One decision is explained where decisions are kept."""

from __future__ import annotations

from engine.decisioning.models import DecisionRun
from governance.kernel.admin import ReadOnlyAdmin, register


@register(DecisionRun)
class DecisionRunAdmin(ReadOnlyAdmin):
    list_display = (
        "campaign",
        "decided_at",
        "model_version",
        "considered",
        "permitted",
        "decided",
        "offered",
        "removed",
    )
    list_filter = ("campaign", "purpose")
    date_hierarchy = "decided_at"
