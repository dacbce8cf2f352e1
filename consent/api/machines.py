"""REST for machines that do more than ask: claim before sending, import, report, and keep up with changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import gate, importing, propagation, reports
from consent.api.parsing import valid, valid_query
from consent.api.shapes import CheckAudienceIn
from governance.accounts.api import actor_of, requires
from governance.kernel.api import StrictSerializer
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, from_opaque, opaque

CLAIM_LASTS: Final = timedelta(seconds=10)
"""How long a claim made over REST is good for: hand over within it, or claim again."""


class ClaimIn(CheckAudienceIn):
    subjects = serializers.ListField(child=serializers.CharField(max_length=40), min_length=1, max_length=1_000)


class ClaimOut(serializers.Serializer[Any]):
    claims = serializers.DictField(
        child=serializers.CharField(), help_text="The verdict to keep, by subject: whom you may reach."
    )
    refused = serializers.DictField(child=serializers.CharField(), help_text="The reason, by subject.")
    expires_at = serializers.DateTimeField(help_text="Hand over before that instant, or claim again.")


class ImportIn(StrictSerializer):
    rows = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=10_000)
    dry_run = serializers.BooleanField(default=False)


class ReportIn(StrictSerializer):
    as_of = serializers.DateTimeField(required=False)
    purpose = serializers.CharField(max_length=64, required=False)
    channel = serializers.CharField(max_length=16, required=False)


class SettleIn(StrictSerializer):
    reference = serializers.CharField(max_length=120)


class Claims(APIView):
    """POST: claim people right before reaching them. The answer is made under the lock that withdrawals take, and is kept.

    No withdrawal that was acknowledged before is missed. Hand over to your provider within ten seconds, keep the verdict with the
    message, and claim again what took longer.
    """

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_claim", request=ClaimIn, responses={200: ClaimOut})
    def post(self, request: Request) -> Response:
        asked = valid(ClaimIn, request)
        subjects = [SubjectId(from_opaque("sub", text)) for text in asked["subjects"]]
        with transaction.atomic():
            verdicts = gate.claim(
                subjects, asked["purpose"], asked["channel"], actor=actor_of(request), cited_for=asked["cited_for"]
            )
        permitted = set(verdicts.allowed)
        named = {subject: opaque("sub", subject) for subject in verdicts.subjects}
        return Response(
            {
                "claims": {named[subject]: opaque("vdt", verdicts.ids[subject]) for subject in verdicts.allowed},
                "refused": {
                    named[subject]: verdicts.verdict_of(subject).reason.value
                    for subject in verdicts.subjects
                    if subject not in permitted
                },
                "expires_at": verdicts.at + CLAIM_LASTS,
            }
        )


class Imports(APIView):
    """POST: take consents, withdrawals and objections from elsewhere, ten thousand at a time. Sending them again is safe."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(operation_id="consent_import", request=ImportIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        given = valid(ImportIn, request)
        rows: list[Mapping[str, Any]] = given["rows"]
        report = importing.take(
            enumerate(rows, 1), source_sha256=digest(rows), actor=actor_of(request), dry_run=given["dry_run"]
        )
        return Response(
            {
                "source_sha256": report.source_sha256, "dry_run": report.dry_run, "rows": report.rows,
                "recorded": report.recorded, "duplicates": report.duplicates,
                "refused": [{"row": row, "field": name, "reason": reason} for row, name, reason in report.refused],
            }
        )  # fmt: skip


class Reports(APIView):
    """GET: how many people stand how, now or by what was known at an instant (`?as_of=`)."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_report", parameters=[ReportIn], responses={200: dict})
    def get(self, request: Request) -> Response:
        asked = valid_query(ReportIn, request)
        counts = reports.as_of(asked.get("as_of"), purpose=asked.get("purpose"), channel=asked.get("channel"))
        return Response(
            {
                "as_of": asked.get("as_of") or now(),
                "counts": [{name: getattr(one, name) for name in one.__slots__} for one in counts],
            }
        )


class Lags(APIView):
    """GET: how far each system that hears of changes is behind. POST: a system settles a message by its reference."""

    def get_permissions(self) -> list[Any]:
        return [requires("consent:write" if self.request.method == "POST" else "consent:read")()]

    @extend_schema(operation_id="consent_propagation_lag", responses={200: dict})
    def get(self, request: Request) -> Response:
        def seconds(took: timedelta | None) -> float | None:
            return None if took is None else took.total_seconds()

        return Response(
            {
                "systems": [
                    {
                        "system": one.target, "kind": one.kind, "waiting": one.waiting, "oldest_at": one.oldest_at,
                        "overdue": one.overdue, "median_seconds": seconds(one.median), "p95_seconds": seconds(one.p95),
                    }
                    for one in propagation.lags()
                ]
            }
        )  # fmt: skip

    @extend_schema(operation_id="consent_propagation_settle", request=SettleIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        return Response({"settled": propagation.settle(valid(SettleIn, request)["reference"])})


urlpatterns = [
    path("claims", Claims.as_view()),
    path("imports", Imports.as_view()),
    path("report", Reports.as_view()),
    path("propagation", Lags.as_view()),
]
