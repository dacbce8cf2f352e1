"""Campaigns, messages and caps in the console. Messages are opaque ids; campaigns are launched by verbs, here they are stopped."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from engine.channels import campaigns
from engine.channels.errors import InvalidTransition
from engine.channels.models import Campaign, Dispatch, FrequencyCap
from governance.accounts.api import actor_of
from governance.kernel.admin import ModelAdmin, ReadOnlyAdmin, action, display, register


@register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    """What is sent, for which purpose, and what became of it."""

    list_display = ("name", "purpose_key", "channel", "state", "launched_at", "messages")
    list_filter = ("state", "channel", "purpose_key")
    search_fields = ("name",)
    fields = (
        "name",
        "purpose_key",
        "channel",
        "template_key",
        "template_version",
        "slot_values",
        "state",
        "messages",
        "prepared_at",
        "prepared_by",
        "launched_at",
        "finished_at",
        "stop_reason",
    )
    readonly_fields = fields
    actions = ("stop_campaigns",)

    @display(description="Messages")  # type: ignore[untyped-decorator]
    def messages(self, campaign: Campaign) -> str:
        counts = campaigns.status(campaign.pk).counts
        return ", ".join(f"{count} {state.value}" for state, count in sorted(counts.items())) or "none"

    @action(description="Stop the selected campaigns", permissions=["stop"])  # type: ignore[untyped-decorator]
    def stop_campaigns(self, request: HttpRequest, chosen: QuerySet[Campaign]) -> None:
        for campaign in chosen:
            try:
                withheld = campaigns.stop(campaign.pk, actor=actor_of(request), reason="console")
                messages.success(request, f"{campaign.name}: stopped, {withheld} messages withheld.")
            except InvalidTransition as refusal:
                messages.warning(request, f"{campaign.name}: {refusal.detail}")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engine_channels.change_campaign")


@register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    """One message: its state, and the verdict that it rests on."""

    list_display = ("id", "campaign", "state", "reason", "claimed_at", "finished_at", "attempts")
    list_filter = ("state", "reason")
    list_select_related = ("campaign",)
    search_fields = ("id", "subject_id")
    show_full_result_count = False


@register(FrequencyCap)
class FrequencyCapAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """How often a person may hear from us. Changes are captured in the log."""

    list_display = ("name", "channel", "purpose_key", "messages", "window_hours", "active")
    list_filter = ("active", "channel")

    def has_delete_permission(self, request: HttpRequest, obj: FrequencyCap | None = None) -> bool:
        """A cap is switched off, so that its use stays explicable."""
        return False
