"""The ledger, the states, the notices and the cited verdicts in the console: to look at. What is here changes through verbs."""

from __future__ import annotations

from django.contrib.admin import EmptyFieldListFilter, display
from django.utils.translation import gettext_lazy as _

from consent.models import (
    ConsentEvent,
    ConsentState,
    ConsentVerdict,
    ConsentVerdictSet,
    NoticeVersion,
    Propagation,
    PropagationTarget,
)
from governance.kernel.admin import ReadOnlyAdmin, register
from governance.kernel.ids import opaque


class OfSubject(ReadOnlyAdmin):
    """Pages about people, whom they name by their opaque id alone. `?subject_id=` narrows to one of them."""

    show_full_result_count = False
    list_per_page = 50

    @display(description=_("subject"))
    def subject(self, row: ConsentEvent | ConsentState | ConsentVerdict | Propagation) -> str:
        return opaque("sub", row.subject_id)


@register(ConsentEvent)
class ConsentEventAdmin(OfSubject):
    """The ledger, newest first."""

    list_display = [
        "received_at",
        "subject",
        "event_type",
        "purpose_key",
        "channel",
        "actor_kind",
        "method",
        "jurisdiction",
    ]
    list_filter = ["event_type", "purpose_key", "channel", "actor_kind", "received_at"]
    search_fields = ["id", "subject_id"]
    ordering = ["-id"]


@register(ConsentState)
class ConsentStateAdmin(OfSubject):
    """Where people stand now."""

    list_display = [
        "subject",
        "purpose_key",
        "channel",
        "status",
        "occurred_at",
        "valid_until",
        "objected",
        "restricted",
    ]
    list_filter = ["status", "purpose_key", "channel"]
    search_fields = ["subject_id"]
    ordering = ["-id"]

    @display(description=_("objected (Art. 21)"), boolean=True)
    def objected(self, state: ConsentState) -> bool:
        return state.objection_event_id is not None

    @display(description=_("restricted (Art. 18)"), boolean=True)
    def restricted(self, state: ConsentState) -> bool:
        return state.restriction_event_id is not None


@register(NoticeVersion)
class NoticeVersionAdmin(ReadOnlyAdmin):
    """Notices as they were published."""

    list_display = ["key", "version", "language", "title", "material_change", "published_at"]
    list_filter = ["key", "language", "material_change"]
    search_fields = ["key", "title"]


@register(ConsentVerdict)
class ConsentVerdictAdmin(OfSubject):
    """Answers of the gate that somebody acted on."""

    list_display = ["decided_at", "subject", "purpose_key", "channel", "allowed", "reason", "basis"]
    list_filter = ["allowed", "reason", "purpose_key", "channel"]
    search_fields = ["id", "subject_id"]
    ordering = ["-id"]


@register(ConsentVerdictSet)
class ConsentVerdictSetAdmin(ReadOnlyAdmin):
    """Answers for whole sets that somebody acted on."""

    list_display = ["decided_at", "purpose_key", "channel", "asked", "allowed", "cited_for", "actor"]
    list_filter = ["purpose_key", "channel"]
    ordering = ["-id"]


@register(PropagationTarget)
class PropagationTargetAdmin(ReadOnlyAdmin):
    """Systems that hear of changes. Added and retired by `manage.py propagation_target`."""

    list_display = ["key", "kind", "subject_as", "signed_with", "acknowledges", "settle_within", "active"]
    list_filter = ["kind", "active"]


@register(Propagation)
class PropagationAdmin(OfSubject):
    """Changes on their way, and when each system had settled them."""

    list_display = [
        "id",
        "target",
        "subject",
        "purpose_key",
        "channel",
        "state",
        "attempts",
        "recorded_at",
        "settled_at",
    ]
    list_filter = ["state", "target", "purpose_key", ("escalated_at", EmptyFieldListFilter)]
    ordering = ["-id"]
