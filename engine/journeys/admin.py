"""Journeys in the console."""

from django.db.models import Count

from engine.journeys.models import Journey, Place, Step
from governance.kernel.admin import ReadOnlyAdmin, ReadOnlyTabularInline, display, register


class StepInline(ReadOnlyTabularInline):
    model = Step
    fields = ("position", "kind", "wait_seconds", "campaign")
    readonly_fields = fields


@register(Journey)
class JourneyAdmin(ReadOnlyAdmin):
    """The steps, and how many people are under way."""

    list_display = ("key", "version", "state", "audience", "starts_at", "under_way")
    list_filter = ("state",)
    search_fields = ("key",)
    inlines = (StepInline,)

    @display(description="Under way")  # type: ignore[untyped-decorator]
    def under_way(self, journey: Journey) -> str:
        places = Place.objects.filter(journey=journey, state=Place.State.WAITING)
        by_step = dict(places.values_list("position").annotate(Count("id")).order_by("position"))
        return ", ".join(f"step {position}: {count}" for position, count in by_step.items()) or "nobody"
