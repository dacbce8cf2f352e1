"""The explorer of log, checkpoints, decisions and reviews in the console: to look at, never to change."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from audit import models
from audit.errors import NotYetSequenced
from audit.publication import receipts
from governance.kernel.admin import ReadOnlyAdmin, display, register

_AREAS = (
    "accounts", "aggregates", "audit", "configuration", "consent", "decision", "dsar", "events", "purpose", "send", "vault",
)  # fmt: skip


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Asks PostgreSQL's statistics how many rows there are when nothing is filtered: counting millions is slow."""

    @cached_property
    def count(self) -> int:
        queryset = self.object_list
        if isinstance(queryset, QuerySet) and not queryset.query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [queryset.model._meta.db_table]
                )
                estimate = int(cursor.fetchone()[0])
            if estimate > 100_000:
                return estimate
        return int(super().count)


class AreaFilter(SimpleListFilter):
    """By the first word of the action; a fixed list, so that no page asks the table for all its values."""

    title = _("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(area, area) for area in _AREAS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[models.Entry]) -> QuerySet[models.Entry]:
        area = self.value()
        return queryset.filter(action__gte=f"{area}.", action__lt=f"{area}/") if area else queryset


@register(models.Entry)
class EntryAdmin(ReadOnlyAdmin):
    """What happened, latest first. Search by exact action, object, actor or transaction."""

    list_display = ("occurred_at", "action", "actor", "object", "purpose", "number")
    list_filter = (AreaFilter,)
    search_fields = ("=action", "=object", "=actor", "=transaction_id")
    search_help_text = _("Exact action, object, actor or transaction. Verify the whole log: manage.py verify_log")
    ordering = ("-id",)
    show_full_result_count = False
    paginator = EstimatingPaginator
    fields = (
        "id", "number", "action", "actor", "object", "purpose", "occurred_at", "transaction_id", "header", "hash_", "receipt",
    )  # fmt: skip
    readonly_fields = fields

    @display(description=_("number"))  # type: ignore[untyped-decorator]
    def number(self, entry: models.Entry) -> str:
        seq = models.Leaf.objects.filter(entry_id=entry.pk).values_list("seq", flat=True).first()
        return "staged" if seq is None else str(seq)

    @display(description=_("leaf hash"))  # type: ignore[untyped-decorator]
    def hash_(self, entry: models.Entry) -> str:
        return bytes(entry.leaf_hash).hex()

    @display(description=_("receipt (verify.py --receipt)"))  # type: ignore[untyped-decorator]
    def receipt(self, entry: models.Entry) -> str:
        try:
            return receipts.receipt(entry.pk).text
        except NotYetSequenced:
            return "not in the tree yet"


@register(models.Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """Signed heads of the log. Keep one, and later ask whether the log still extends it: manage.py verify_log --known FILE."""

    list_display = ("size", "root_", "created_at")
    ordering = ("-size",)
    show_full_result_count = False
    fields = ("size", "root_", "created_at", "note")
    readonly_fields = fields

    @display(description=_("root (SHA-256)"))  # type: ignore[untyped-decorator]
    def root_(self, checkpoint: models.Checkpoint) -> str:
        return bytes(checkpoint.root).hex()


@register(models.DecisionBatch)
class DecisionBatchAdmin(ReadOnlyAdmin):
    """Automated decisions that were made together."""

    list_display = ("created_at", "kind", "purpose", "model_version", "policy_version", "count")
    list_filter = ("kind",)
    search_fields = ("=id", "=entry_id", "=model_version")
    ordering = ("-id",)
    fields = ("id", "entry_id", "kind", "purpose", "model_version", "policy_version", "count", "created_at", "header")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.DecisionBatch]:
        queryset: QuerySet[models.DecisionBatch] = super().get_queryset(request)
        return queryset.defer("leaf_hashes", "tile_roots")


@register(models.Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """One automated decision each. What went in is sealed and not shown here."""

    list_display = ("id", "chosen", "score", "batch")
    search_fields = ("=id", "=batch__id")
    ordering = ("-id",)
    show_full_result_count = False
    paginator = EstimatingPaginator
    fields = ("id", "batch", "position", "chosen", "score", "verdict_id", "consent_event_id")
    readonly_fields = fields

    def view_on_site(self, obj: models.Decision) -> str:
        """The page that explains the decision."""
        return reverse("console_decision", args=[obj.pk])

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Decision]:
        queryset: QuerySet[models.Decision] = super().get_queryset(request)
        heavy = ("batch__leaf_hashes", "batch__tile_roots", "record", "sealed_input", "salt")
        return queryset.select_related("batch").defer(*heavy)


@register(models.Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Reviews of automated decisions by a person (Art. 22(3))."""

    list_display = ("opened_at", "due_on", "state", "assignee", "outcome", "ground")
    list_filter = ("state", "outcome")
    search_fields = ("=id", "=decision_id")
    ordering = ("-id",)
    fields = ("id", "decision_id", "state", "opened_at", "due_on", "assignee", "outcome", "ground", "decided_at")
    readonly_fields = fields
