"""The log for services: read entries, get receipts. Decisions are in ``decision_api``."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import models
from audit.errors import UnknownEntry
from audit.publication import receipts
from governance.kernel.api import CursorPagination, StrictSerializer
from governance.kernel.errors import NotAuthenticated, NotPermitted
from governance.kernel.ids import from_opaque, opaque

_PLAIN = "text/plain; charset=utf-8"


def requires(scope: str) -> type[BasePermission]:
    """The caller's key holds the scope. (Accounts lie above this package, so it asks the identity and not their module.)"""

    class HoldsScope(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            if scope in getattr(request.user, "scopes", frozenset()):
                return True
            if not getattr(request.user, "is_authenticated", False):
                raise NotAuthenticated("Send a valid key as a bearer token.")
            raise NotPermitted("Your key does not include this.", scope=scope)

    HoldsScope.__name__ = f"Requires_{scope.replace(':', '_')}"
    return HoldsScope


class EntriesFilter(StrictSerializer):
    """What to look for; exact values."""

    action = serializers.CharField(required=False, max_length=200)
    object = serializers.CharField(required=False, max_length=200)
    actor = serializers.CharField(required=False, max_length=300)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=500)


class Entries(APIView):
    """GET: entries, latest first."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_entries_list", parameters=[EntriesFilter], responses={200: dict})
    def get(self, request: Request) -> Response:
        wanted = EntriesFilter(data=request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        exact = {key: value for key, value in wanted.validated_data.items() if key in {"action", "object", "actor"}}
        pages = CursorPagination()
        found = pages.paginate_queryset(models.Entry.objects.filter(**exact), request, view=self) or []
        numbers = dict(
            models.Leaf.objects.filter(entry_id__in=[row.id for row in found]).values_list("entry_id", "seq")
        )
        return pages.get_paginated_response([_entry(row, numbers.get(row.id)) for row in found])


class Entry(APIView):
    """GET: one entry, with the exact text that was hashed."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_entry", responses={200: dict})
    def get(self, request: Request, entry: str) -> Response:
        row = models.Entry.objects.filter(pk=from_opaque("ent", entry)).first()
        if row is None:
            raise UnknownEntry
        seq = models.Leaf.objects.filter(entry_id=row.pk).values_list("seq", flat=True).first()
        return Response(_entry(row, seq) | {"header": row.header, "leaf_sha256": bytes(row.leaf_hash).hex()})


class EntryReceipt(APIView):
    """GET: the proof that an entry is in the log, as a C2SP tlog-proof."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_entry_receipt", responses={(200, "text/plain"): str})
    def get(self, request: Request, entry: str) -> HttpResponse:
        return HttpResponse(receipts.receipt(from_opaque("ent", entry)).text, content_type=_PLAIN)


def _entry(row: models.Entry, seq: int | None) -> dict[str, Any]:
    return {
        "id": opaque("ent", row.id),
        "seq": seq,
        "action": row.action,
        "actor": row.actor,
        "object": row.object,
        "purpose": row.purpose,
        "occurred_at": row.occurred_at,
        "transaction": str(row.transaction_id),
    }


urlpatterns = [
    path("entries", Entries.as_view(), name="audit-entries"),
    path("entries/<str:entry>", Entry.as_view(), name="audit-entry"),
    path("entries/<str:entry>/receipt", EntryReceipt.as_view(), name="audit-entry-receipt"),
]
