"""Decision records for services: record what another system decided, read one back, explain it, prove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import decisions
from audit.api import requires
from audit.decision_records import retries
from audit.decision_requests import DecisionBatchIn, batch_of
from audit.explanations import reasons
from audit.explanations.wording import LANGUAGES
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.api import StrictSerializer
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import from_opaque, opaque

_LONGEST_KEY = 200


class Decisions(APIView):
    """POST: record a batch of decisions, at most 10,000: all of them, or none. With an `Idempotency-Key` the same request again records
    nothing and gets the first answer (200)."""

    permission_classes = (requires("audit:write"),)

    @extend_schema(operation_id="audit_decisions_record", request=DecisionBatchIn, responses={200: dict, 201: dict})
    def post(self, request: Request) -> Response:
        actor = Actor(ActorKind.CLIENT, str(request.user.client_id))  # type: ignore[union-attr]
        key = _retry_key(request)
        asked = retries.asked(actor, key, request.data) if key else None
        with transaction.atomic():
            known = retries.recorded(asked) if asked else None
            if known is not None:
                return Response(_recorded(known.id, retries.decisions_of(known)))
            recorded = decisions.record(batch_of(request.data, actor), asked=asked)
        return Response(_recorded(recorded.id, recorded.decision_ids), status=status.HTTP_201_CREATED)


def _retry_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY:
        raise InvalidInput(f"An Idempotency-Key has at most {_LONGEST_KEY} characters.")
    return key


def _recorded(batch: UUID, ids: Sequence[UUID | None]) -> dict[str, Any]:
    """Where the decisions went, in the order in which they were sent; null for somebody who was erased since."""
    return {"batch": opaque("bat", batch), "decisions": [None if one is None else opaque("dec", one) for one in ids]}


class Decision(APIView):
    """GET: one decision as it was made, without its sealed input."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision", responses={200: dict})
    def get(self, request: Request, decision: str) -> Response:
        return Response(_shown(decisions.get(from_opaque("dec", decision))))


class DecisionReceipt(APIView):
    """GET: the proof of one decision, for ``audit/verify.py --decision``."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision_receipt", responses={(200, "text/plain"): str})
    def get(self, request: Request, decision: str) -> HttpResponse:
        return HttpResponse(decisions.prove(from_opaque("dec", decision)), content_type="application/json")


class ExplanationFilter(StrictSerializer):
    """In which language, and for whom."""

    language = serializers.ChoiceField(choices=LANGUAGES, required=False)
    tier = serializers.ChoiceField(choices=[tier.value for tier in reasons.Tier], required=False)


class DecisionExplanation(APIView):
    """GET: the decision in words, as its subject reads them; ``?language=pl`` for Polish, ``?tier=dpo`` as the officer reads them."""

    permission_classes = (requires("audit:read"),)

    @extend_schema(operation_id="audit_decision_explanation", parameters=[ExplanationFilter], responses={200: dict})
    def get(self, request: Request, decision: str) -> Response:
        wanted = ExplanationFilter(data=request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        tier = reasons.Tier(wanted.validated_data.get("tier", "person"))
        told = reasons.explain(from_opaque("dec", decision), wanted.validated_data.get("language", "en"), tier=tier)
        body: dict[str, Any] = {
            "sentence": told.sentence,
            "reasons": [{"direction": one.direction, "text": one.text, "firm": one.firm} for one in told.reasons],
            "withheld": told.withheld,
            "unworded": told.unworded,
            "not_used": told.not_used,
            "counterfactual": told.counterfactual,
            "correction": told.correction,
            "chance": told.chance,
            "basis": told.basis,
            "rights": told.rights,
            "language": told.language,
        }
        if tier is not reasons.Tier.PERSON:
            # The person reads words; the numbers are for those who check them.
            body["attribution"] = told.attribution
            body["score"], body["intercept"] = told.score, told.intercept
            for listed, one in zip(body["reasons"], told.reasons, strict=True):
                listed |= {"feature": one.feature, "contribution": one.contribution}
        return Response(body)


def _shown(found: decisions.Decision) -> dict[str, Any]:
    changes = found.counterfactual
    return {
        "id": opaque("dec", found.id),
        "entry": opaque("ent", found.entry_id),
        "subject": opaque("sub", found.subject),
        "at": found.decided_at,
        "kind": found.kind,
        "object": found.object,
        "purpose": found.purpose,
        "model_version": found.model_version,
        "policy_version": found.policy_version,
        "notice_version": found.notice_version,
        "verdict": found.verdict_id,
        "consent_event": found.consent_event_id,
        "effect": found.effect,
        "solely_automated": found.solely_automated,
        "chosen": found.chosen,
        "score": found.score,
        "intercept": found.intercept,
        "terms": [{"feature": one.feature, "bin": one.bin, "contribution": one.contribution} for one in found.terms],
        "attribution": {"method": found.attribution.method, "background": found.attribution.background},
        "alternatives": [
            {"action": one.action, "score": one.score, "lost_because": one.lost_because} for one in found.alternatives
        ],
        "random_draw": found.random_draw,
        "seed": found.seed,
        "counterfactual": None if changes is None else [{"feature": one.feature, "bin": one.bin} for one in changes],
    }


urlpatterns = [
    path("decisions", Decisions.as_view(), name="decisions"),
    path("decisions/<str:decision>", Decision.as_view(), name="decision"),
    path("decisions/<str:decision>/receipt", DecisionReceipt.as_view(), name="decision-receipt"),
    path("decisions/<str:decision>/explanation", DecisionExplanation.as_view(), name="decision-explanation"),
]
