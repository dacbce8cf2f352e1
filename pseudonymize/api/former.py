"""REST: rows in, pseudonymised rows out; texts searched; policies checked and published; manifests.

`pseudonymize:run` runs policies and detection, `pseudonymize:write` publishes policies, `pseudonymize:read` looks.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.kernel.api import StrictSerializer
from governance.kernel.ids import from_opaque, opaque
from pseudonymize import batch, manifests, policies
from pseudonymize.errors import ManifestUnknown, TableUnreadable
from pseudonymize.models import Domain, Manifest, PolicyVersion
from pseudonymize.policies.policy import Policy
from pseudonymize.texts import LANGUAGES, find

MAX_ROWS = 10_000
MAX_TEXTS = 1_000
MAX_CHARACTERS = 1_000_000


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}, "maxItems": MAX_ROWS})
class RowsField(serializers.Field[Any, Any, Any, Any]):
    """A list of objects with plain values. Columns are for the policy to judge."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise serializers.ValidationError("Expected a list of objects.")
        if not 1 <= len(data) <= MAX_ROWS:
            raise serializers.ValidationError(f"Expected 1 to {MAX_ROWS} rows; send more in batches, or run a file.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class PseudonymizeRowsIn(StrictSerializer):
    """Rows, the published policy to use, and the processing activity that wants the result."""

    policy = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]{0,59}\Z")
    rows = RowsField()
    activity = serializers.RegexField(r"^[^\x00-\x1f]{1,160}\Z")
    verdict_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class DetectIn(StrictSerializer):
    """Texts of one language."""

    texts = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=100_000), max_length=MAX_TEXTS
    )
    language = serializers.ChoiceField(choices=list(LANGUAGES), default="en")

    def validate_texts(self, value: list[str]) -> list[str]:
        """The work that one call may cause is bounded as a whole too."""
        if sum(map(len, value)) > MAX_CHARACTERS:
            raise serializers.ValidationError(f"Together at most {MAX_CHARACTERS} characters.")
        return value


class PolicyTextIn(StrictSerializer):
    """A policy as YAML text."""

    text = serializers.CharField(max_length=262_144, trim_whitespace=False)


class ManifestProofIn(StrictSerializer):
    """A signed manifest."""

    jws = serializers.CharField(max_length=1_000_000)


class PseudonymizeRows(APIView):
    """Pseudonymise rows by a published policy. The run is stated in a signed manifest and logged before anything is returned."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(operation_id="pseudonymize_rows", request=PseudonymizeRowsIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = PseudonymizeRowsIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        done = batch.apply(
            _table(given["rows"]),
            policies.current(given["policy"]),
            actor=actor_of(request),
            activity=given["activity"],
            verdict_id=given["verdict_id"],
        )
        body = {
            "rows": done.table.to_pylist(),
            "quarantined": list(done.quarantined),
            "manifest": {"id": opaque("man", done.manifest.id), "jws": done.manifest.jws},
        }
        return Response(body, headers={"Cache-Control": "no-store"})


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as columns. A key that some rows lack is null there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            # Arrow's message quotes the value that does not fit.
            raise TableUnreadable(f"The values of {name!r} are not of one type.", column=name) from None
    return pa.table(columns)


class Detect(APIView):
    """Find personal data in texts. Nothing is kept."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(operation_id="pseudonymize_detect", request=DetectIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = DetectIn(data=request.data)
        asked.is_valid(raise_exception=True)
        found = find(asked.validated_data["texts"], asked.validated_data["language"])
        results = [
            [{"kind": f.kind.value, "start": f.start, "end": f.end, "score": f.score} for f in findings]
            for findings in found
        ]
        return Response({"results": results}, headers={"Cache-Control": "no-store"})


class Policies(APIView):
    """The published policies; publishing one."""

    def get_permissions(self) -> list[Any]:
        return [requires("pseudonymize:write" if self.request.method == "POST" else "pseudonymize:read")()]

    @extend_schema(operation_id="pseudonymize_policies", responses={200: dict})
    def get(self, request: Request) -> Response:
        versions = PolicyVersion.objects.select_related("domain").order_by("name", "-number")[:500]
        return Response({"results": [_version(row) for row in versions]})

    @extend_schema(operation_id="pseudonymize_publish_policy", request=PolicyTextIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        policy = _policy(request)
        published = policies.publish(policy, actor=actor_of(request))
        return Response(_version(PolicyVersion.objects.get(id=published.id)), status=status.HTTP_201_CREATED)


class PolicyValidation(APIView):
    """Whether a text is a policy; if not, every problem with its line."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="pseudonymize_validate_policy", request=PolicyTextIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        policy = _policy(request)
        return Response({"name": policy.name, "sha256": policy.sha256, "columns": sorted(policy.columns)})


def _policy(request: Request) -> Policy:
    asked = PolicyTextIn(data=request.data)
    asked.is_valid(raise_exception=True)
    return policies.load(asked.validated_data["text"])


def _version(row: PolicyVersion) -> dict[str, Any]:
    return {
        "name": row.name,
        "number": row.number,
        "domain": row.domain.key,
        "purpose": row.domain.purpose,
        "sha256": row.sha256,
        "published_at": row.published_at,
    }


class Domains(APIView):
    """The pseudonymisation domains."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="pseudonymize_domains", responses={200: dict})
    def get(self, request: Request) -> Response:
        fields = ("key", "purpose", "recipients", "join_group", "retention_days", "epoch", "created_at")
        return Response({"results": list(Domain.objects.order_by("key").values(*fields)[:500])})


class ManifestPage(APIView):
    """One manifest: what a run did."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="pseudonymize_manifest", responses={200: dict})
    def get(self, request: Request, manifest: str) -> Response:
        row = Manifest.objects.filter(id=from_opaque("man", manifest)).first()
        if row is None:
            raise ManifestUnknown
        return Response({"statement": row.statement, "jws": row.jws})


class ManifestVerification(APIView):
    """What a signed manifest states, when this service signed it."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="pseudonymize_verify_manifest", request=ManifestProofIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = ManifestProofIn(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"statement": manifests.verify_foreign(asked.validated_data["jws"])})


urlpatterns = [
    path("", PseudonymizeRows.as_view(), name="pseudonymize-rows"),
    path("detect", Detect.as_view(), name="pseudonymize-detect"),
    path("policies", Policies.as_view(), name="pseudonymize-policies"),
    path("policies/validate", PolicyValidation.as_view(), name="pseudonymize-policy-validation"),
    path("domains", Domains.as_view(), name="pseudonymize-domains"),
    path("manifests/verify", ManifestVerification.as_view(), name="pseudonymize-manifest-verification"),
    path("manifests/<str:manifest>", ManifestPage.as_view(), name="pseudonymize-manifest"),
]
