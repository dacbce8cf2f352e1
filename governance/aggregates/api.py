"""REST: what can be asked, what it would cost, asking, and the releases so far. `aggregates:read` looks,
`aggregates:run` spends."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.aggregates import budgets, datasets, releases
from governance.aggregates.answers import Estimate
from governance.aggregates.noise import Mechanism
from governance.aggregates.queries import Measure, Op, Query, Where
from governance.aggregates.releases import Release
from governance.kernel.api import CursorPagination, StrictSerializer
from governance.kernel.ids import from_opaque, opaque

_PREFIX = "rel"


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class KeyField(serializers.Field[Any, Any, Any, Any]):
    """A public key, a list of them, or a whole number. What fits is for the grammar to say."""

    def to_internal_value(self, data: Any) -> Any:
        values = data if isinstance(data, list) else [data]
        if len(values) > 10_000 or any(isinstance(value, bool) or not isinstance(value, str | int) for value in values):
            raise serializers.ValidationError("A text, a whole number, or a list of them.")
        return tuple(data) if isinstance(data, list) else data

    def to_representation(self, value: Any) -> Any:
        return value


class WhereIn(StrictSerializer):
    """One filter; all filters of a question must hold."""

    column = serializers.CharField(max_length=100)
    op = serializers.ChoiceField(choices=[str(op) for op in Op])
    value = KeyField()


class AggregateQuestionIn(StrictSerializer):
    """A question and the privacy loss that it may cost."""

    dataset = serializers.CharField(max_length=100)
    measure = serializers.ChoiceField(choices=[str(measure) for measure in Measure])
    column = serializers.CharField(max_length=100, required=False, allow_null=True)
    group_by = serializers.CharField(max_length=100, required=False, allow_null=True)
    cap = serializers.IntegerField(required=False, allow_null=True, help_text="What one person contributes at most.")
    where = WhereIn(many=True, required=False)
    epsilon = serializers.FloatField()
    delta = serializers.FloatField(required=False, default=0.0)
    mechanism = serializers.ChoiceField(choices=[str(m) for m in Mechanism], required=False, default="laplace")

    def question(self) -> tuple[Query, dict[str, Any]]:
        """The question, and how it may be answered."""
        given = dict(self.validated_data)
        how = {
            "epsilon": given.pop("epsilon"),
            "delta": given.pop("delta"),
            "mechanism": Mechanism(given.pop("mechanism")),
        }
        given.pop("budget", None)
        where = tuple(Where(**filters) for filters in given.pop("where", []))
        return Query(**given, where=where), how


class AggregateReleaseIn(AggregateQuestionIn):
    """A question to be answered, and the budget that pays."""

    budget = serializers.CharField(max_length=250, help_text="`dataset/purpose`.")


class DatasetsView(APIView):
    """The datasets, their columns, public keys and bounds."""

    permission_classes = [requires("aggregates:read")]

    @extend_schema(operation_id="aggregates_datasets", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"results": [_dataset_out(dataset) for dataset in datasets.registered()]})


class BudgetsView(APIView):
    """The budgets as they stand."""

    permission_classes = [requires("aggregates:read")]

    @extend_schema(operation_id="aggregates_budgets", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"results": [asdict(status) for status in budgets.all_budgets()]})


class EstimateView(APIView):
    """What a question would cost and how far its answer would err. Charges nothing and looks at no row."""

    permission_classes = [requires("aggregates:read")]

    @extend_schema(operation_id="aggregates_estimate", request=AggregateQuestionIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = AggregateQuestionIn(data=request.data)
        asked.is_valid(raise_exception=True)
        query, how = asked.question()
        return Response(_estimate_out(releases.estimate(query, **how)))


class ReleasesView(APIView):
    """The newest releases; a new one."""

    def get_permissions(self) -> list[Any]:
        return [requires("aggregates:run" if self.request.method == "POST" else "aggregates:read")()]

    @extend_schema(operation_id="aggregates_releases", responses={200: dict})
    def get(self, request: Request) -> Response:
        pages = CursorPagination()
        page = pages.paginate_queryset(releases.kept(), request, view=self) or []
        return pages.get_paginated_response([_release_out(releases.shown(stored)) for stored in page])

    @extend_schema(operation_id="aggregates_ask", request=AggregateReleaseIn, responses={200: dict, 201: dict})
    def post(self, request: Request) -> Response:
        asked = AggregateReleaseIn(data=request.data)
        asked.is_valid(raise_exception=True)
        query, how = asked.question()
        release = releases.ask(query, **how, budget=asked.validated_data["budget"], actor=actor_of(request))
        return Response(_release_out(release), status=200 if release.repeated else 201)


class ReleaseView(APIView):
    """One release, as it left."""

    permission_classes = [requires("aggregates:read")]

    @extend_schema(operation_id="aggregates_release", responses={200: dict})
    def get(self, request: Request, release: str) -> Response:
        return Response(_release_out(releases.get(_identifier(release))))


def _identifier(text: str) -> UUID:
    return from_opaque(_PREFIX, text)


def _dataset_out(dataset: datasets.Dataset) -> dict[str, Any]:
    schema = dataset.schema
    return {
        "key": dataset.key,
        "title": dataset.title,
        "purpose": dataset.purpose,
        "groups": {name: list(keys) if keys is not None else None for name, keys in schema.groups.items()},
        "measures": {name: asdict(bounds) for name, bounds in schema.measures.items()},
        "caps": {str(measure): cap for measure, cap in schema.caps.items()},
    }


def _estimate_out(estimate: Estimate) -> dict[str, Any]:
    return asdict(estimate) | {"mechanism": str(estimate.mechanism)}


def _release_out(release: Release) -> dict[str, Any]:
    shown = zip(release.rows, release.adjusted, strict=True)
    return {
        "id": opaque(_PREFIX, release.id),
        "dataset": release.dataset,
        "version": release.version,
        "query": release.query,
        "unit": release.unit,
        "rows": [row._asdict() | {"adjusted": adjusted} for row, adjusted in shown],
        "post_processing": release.post_processing,
        "interval": {"level": 0.95, "covers": releases.COVERS},
        "mechanism": str(release.mechanism),
        "scales": release.scales,
        "epsilon": release.epsilon,
        "delta": release.delta,
        "charged": release.charged,
        "budget": release.budget,
        "budget_left": release.budget_left,
        "entry_id": str(release.entry_id),
        "released_at": release.released_at,
        "repeated": release.repeated,
    }


urlpatterns = [
    path("datasets", DatasetsView.as_view(), name="aggregates-datasets"),
    path("budgets", BudgetsView.as_view(), name="aggregates-budgets"),
    path("estimates", EstimateView.as_view(), name="aggregates-estimates"),
    path("releases", ReleasesView.as_view(), name="aggregates-releases"),
    path("releases/<str:release>", ReleaseView.as_view(), name="aggregates-release"),
]
