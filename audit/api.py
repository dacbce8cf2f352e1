"""The log and decision records for services: read entries, get receipts, record decisions that another system made."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import decisions, models, reasons, receipts
from audit.errors import UnknownEntry
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.api import CursorPagination, StrictSerializer
from governance.kernel.errors import InvalidInput, NotAuthenticated, NotPermitted
from governance.kernel.ids import SubjectId, from_opaque, opaque

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


class AlternativeIn(StrictSerializer):
    """A candidate that lost."""

    action = serializers.CharField(max_length=200)
    score = serializers.FloatField()
    lost_because = serializers.CharField(max_length=200)


class DecisionIn(StrictSerializer):
    """One decision. ``sealed_input`` is base64 of ciphertext under the subject's key."""

    subject = serializers.CharField()
    verdict = serializers.UUIDField(required=False, allow_null=True)
    consent_event = serializers.UUIDField(required=False, allow_null=True)
    score = serializers.FloatField()
    contributions = serializers.ListField(child=serializers.FloatField(), max_length=500)
    bins = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=65_535), max_length=500)
    chosen = serializers.CharField(max_length=200)
    alternatives = AlternativeIn(many=True, required=False)
    random_draw = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1)
    sealed_input = serializers.CharField()


class DecisionBatchIn(StrictSerializer):
    """A batch of decisions that another system made."""

    kind = serializers.CharField(max_length=100)
    object = serializers.CharField(max_length=200)
    purpose = serializers.CharField(max_length=200)
    model_version = serializers.CharField(max_length=200)
    model_family = serializers.CharField(max_length=200, required=False)
    policy_version = serializers.CharField(max_length=200)
    notice_version = serializers.CharField(max_length=200)
    effect = serializers.ChoiceField(choices=decisions.EFFECTS)
    features = serializers.ListField(child=serializers.CharField(max_length=200), min_length=1, max_length=500)
    intercept = serializers.FloatField()
    decisions = DecisionIn(many=True, allow_empty=False)


class Decisions(APIView):
    """POST: record a batch of decisions, at most 10,000."""

    permission_classes = (requires("audit:write"),)
    largest = 10_000

    @extend_schema(operation_id="audit_decisions_record", request=DecisionBatchIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        given = DecisionBatchIn(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        if len(said["decisions"]) > self.largest:
            raise InvalidInput(f"A request has at most {self.largest} decisions.")
        actor = Actor(ActorKind.CLIENT, str(request.user.client_id))  # type: ignore[union-attr]
        with transaction.atomic():
            recorded = decisions.record(_batch(said, actor))
        body = {"batch": opaque("bat", recorded.id), "decisions": [opaque("dec", one) for one in recorded.decision_ids]}
        return Response(body, status=status.HTTP_201_CREATED)


class Decision(APIView):
    """GET: one decision as it was made, without its sealed input."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision", responses={200: dict})
    def get(self, request: Request, decision: str) -> Response:
        found = decisions.get(from_opaque("dec", decision))
        return Response(
            {
                "id": opaque("dec", found.id),
                "entry": opaque("ent", found.entry_id),
                "subject": opaque("sub", found.subject),
                "at": found.decided_at,
                "kind": found.kind,
                "purpose": found.purpose,
                "model_version": found.model_version,
                "policy_version": found.policy_version,
                "notice_version": found.notice_version,
                "effect": found.effect,
                "chosen": found.chosen,
                "score": found.score,
                "intercept": found.intercept,
                "terms": [
                    {"feature": one.feature, "bin": one.bin, "contribution": one.contribution} for one in found.terms
                ],
                "alternatives": [
                    {"action": one.action, "score": one.score, "lost_because": one.lost_because}
                    for one in found.alternatives
                ],
                "random_draw": found.random_draw,
            }
        )


class DecisionReceipt(APIView):
    """GET: the proof of one decision, for ``audit/verify.py --decision``."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision_receipt", responses={(200, "text/plain"): str})
    def get(self, request: Request, decision: str) -> HttpResponse:
        return HttpResponse(decisions.prove(from_opaque("dec", decision)), content_type="application/json")


class DecisionExplanation(APIView):
    """GET: the decision in words, as its subject reads them; ``?language=pl`` for Polish."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision_explanation", responses={200: dict})
    def get(self, request: Request, decision: str) -> Response:
        told = reasons.explain(from_opaque("dec", decision), request.query_params.get("language", "en"))
        return Response(
            {
                "sentence": told.sentence,
                "reasons": [{"direction": one.direction, "text": one.text} for one in told.reasons],
                "withheld": told.withheld,
                "not_used": told.not_used,
                "counterfactual": told.counterfactual,
                "chance": told.chance,
                "basis": told.basis,
                "rights": told.rights,
                "language": told.language,
            }
        )


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


def _batch(said: dict[str, Any], actor: Actor) -> decisions.DecisionBatch:
    rows: list[dict[str, Any]] = said["decisions"]
    width = len(said["features"])
    for place, row in enumerate(rows):
        if not len(row["contributions"]) == len(row["bins"]) == width:
            pointer = f"/decisions/{place}"
            raise InvalidInput("Give one contribution and one bin for each feature.", errors=[{"pointer": pointer}])
    alternatives = [
        [decisions.Alternative(one["action"], one["score"], one["lost_because"]) for one in row.get("alternatives", ())]
        for row in rows
    ]
    return decisions.DecisionBatch(
        kind=said["kind"],
        object=said["object"],
        purpose=said["purpose"],
        model_version=said["model_version"],
        model_family=said.get("model_family", ""),
        policy_version=said["policy_version"],
        notice_version=said["notice_version"],
        effect=said["effect"],
        feature_names=tuple(said["features"]),
        intercept=said["intercept"],
        subjects=[SubjectId(from_opaque("sub", row["subject"])) for row in rows],
        verdict_ids=[row.get("verdict") for row in rows],
        consent_event_ids=[row.get("consent_event") for row in rows],
        scores=np.array([row["score"] for row in rows], dtype=np.float32),
        contributions=np.array([row["contributions"] for row in rows], dtype=np.float32),
        bins=np.array([row["bins"] for row in rows], dtype=np.uint16),
        chosen=[row["chosen"] for row in rows],
        alternatives=alternatives,
        sealed_inputs=[_sealed(row["sealed_input"], place) for place, row in enumerate(rows)],
        random_draw=[row.get("random_draw") for row in rows],
        actor=actor,
    )


def _sealed(text: str, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        pointer = f"/decisions/{place}/sealed_input"
        raise InvalidInput("The sealed input is not base64.", errors=[{"pointer": pointer}]) from error


urlpatterns = [
    path("entries", Entries.as_view(), name="audit-entries"),
    path("entries/<str:entry>", Entry.as_view(), name="audit-entry"),
    path("entries/<str:entry>/receipt", EntryReceipt.as_view(), name="audit-entry-receipt"),
    path("decisions", Decisions.as_view(), name="audit-decisions"),
    path("decisions/<str:decision>", Decision.as_view(), name="audit-decision"),
    path("decisions/<str:decision>/receipt", DecisionReceipt.as_view(), name="audit-decision-receipt"),
    path("decisions/<str:decision>/explanation", DecisionExplanation.as_view(), name="audit-decision-explanation"),
]
