"""The data map in the console: what exists is read off the code, what it is for is decided here (and captured in the log)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter, display
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.catalogue.models import LACKING, Dataset, Field, System
from governance.kernel.admin import ModelAdmin, ReadOnlyAdmin, ReadOnlyTabularInline, register


class LackingFilter(SimpleListFilter):
    """Fields with personal data without purpose or retention."""

    title = _("decisions")
    parameter_name = "lacking"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("yes", _("Purpose or retention missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Field]) -> QuerySet[Field]:
        return queryset.filter(LACKING) if self.value() == "yes" else queryset


class FieldInline(ReadOnlyTabularInline):
    model = Field
    fields = ["name", "data_type", "personal", "category", "purpose_key", "retention", "gone_at"]
    readonly_fields = fields


@register(System)
class SystemAdmin(ReadOnlyAdmin):
    """The parts of the service that keep data."""

    list_display = ["key", "title", "gone_at"]


@register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Every table, with its fields."""

    list_display = ["table", "system", "title", "personal", "source_key", "lacking"]
    list_filter = ["personal", "system"]
    search_fields = ["table", "title"]
    inlines = [FieldInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        unsaid = Q(fields__personal=True, fields__gone_at=None) & (Q(fields__purpose_key="") | Q(fields__retention=""))
        found: QuerySet[Dataset] = super().get_queryset(request)
        return found.annotate(lacking_fields=Count("fields", filter=unsaid))

    @display(description=_("fields without purpose or retention"), ordering="lacking_fields")
    def lacking(self, dataset: Dataset) -> int:
        count: int = dataset.lacking_fields  # type: ignore[attr-defined]  # annotated above
        return count


@register(Field)
class FieldAdmin(ModelAdmin):  # type: ignore[misc]
    """What each field is, what it is for and how long it is kept."""

    list_display = ["name", "dataset", "category", "purpose_key", "retention", "personal"]
    list_filter = [LackingFilter, "personal", "dataset__system"]
    search_fields = ["name", "dataset__table", "category"]
    list_select_related = ["dataset"]
    readonly_fields = ["dataset", "name", "data_type", "personal", "gone_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
