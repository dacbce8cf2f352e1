"""REST: policies, domains and the epochs of their keys, manifests, risk."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.kernel.ids import from_opaque, opaque
from pseudonymize import domains, keys, policies, publishing, risk
from pseudonymize.api.bodies import table_of
from pseudonymize.api.examples import PEOPLE, POLICY, ROWS, example
from pseudonymize.api.shapes import (
    AnonymiseIn,
    DestroyEpochIn,
    DomainIn,
    DryRunIn,
    ManifestProofIn,
    OutsideRunIn,
    PolicyTextIn,
    RiskIn,
)
from pseudonymize.errors import ManifestUnknown, TableUnreadable
from pseudonymize.models import Domain, Manifest, PolicyVersion
from pseudonymize.policies.policy import Policy
from pseudonymize.runs import forecast, manifests, outside

_PRIVATE = {"Cache-Control": "no-store"}


def _reads_or_writes(request: Request) -> list[Any]:
    return [requires("pseudonymize:read" if request.method in ("GET", "HEAD", "OPTIONS") else "pseudonymize:write")()]


class Policies(APIView):
    """The published policies; publishing one."""

    def get_permissions(self) -> list[Any]:
        return _reads_or_writes(self.request)

    @extend_schema(operation_id="policies", responses={200: dict})
    def get(self, request: Request) -> Response:
        versions = PolicyVersion.objects.select_related("domain").order_by("name", "-number")[:500]
        return Response({"results": [_version(row) for row in versions]})

    @extend_schema(
        operation_id="publish_policy", request=PolicyTextIn, responses={201: dict}, examples=example({"text": POLICY})
    )
    def post(self, request: Request) -> Response:
        published = publishing.publish(_policy(request), actor=actor_of(request))
        return Response(_version(PolicyVersion.objects.get(id=published.id)), status=status.HTTP_201_CREATED)


class PolicyValidation(APIView):
    """Whether a text is a policy; if not, every problem with its line."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(
        operation_id="validate_policy", request=PolicyTextIn, responses={200: dict}, examples=example({"text": POLICY})
    )
    def post(self, request: Request) -> Response:
        policy = _policy(request)
        return Response({"name": policy.name, "sha256": policy.sha256, "columns": sorted(policy.columns)})


class PolicyDryRun(APIView):
    """What a policy would do to sample rows, with a statement of risk per column. Publishes, keeps and signs nothing."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(
        operation_id="dry_run_policy",
        request=DryRunIn,
        responses={200: dict},
        examples=example({"text": POLICY, "rows": ROWS}),
    )
    def post(self, request: Request) -> Response:
        asked = DryRunIn(data=request.data)
        asked.is_valid(raise_exception=True)
        table = table_of(asked.validated_data["rows"])
        done = forecast.dry_run(policies.load(asked.validated_data["text"]), table)
        return Response(done.as_json(), headers=_PRIVATE)


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

    @extend_schema(operation_id="domains", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"results": [_domain(row) for row in Domain.objects.order_by("key")[:500]]})


class DomainPage(APIView):
    """One domain with the epochs of its keys; saying more about it."""

    def get_permissions(self) -> list[Any]:
        return _reads_or_writes(self.request)

    @extend_schema(operation_id="domain", responses={200: dict})
    def get(self, request: Request, domain: str) -> Response:
        return Response(_domain(domains.get(domain)) | {"epochs": [asdict(epoch) for epoch in domains.epochs(domain)]})

    @extend_schema(
        operation_id="describe_domain",
        request=DomainIn,
        responses={200: dict},
        examples=example({"datasets": ["orders"], "excluded_attackers": "The recipient has no access to the vault."}),
    )
    def patch(self, request: Request, domain: str) -> Response:
        asked = DomainIn(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(_domain(domains.describe(domain, actor=actor_of(request), **asked.validated_data)))


def _domain(row: Domain) -> dict[str, Any]:
    return {
        "key": row.key,
        "purpose": row.purpose,
        "controller": row.controller,
        "recipients": row.recipients,
        "datasets": row.datasets,
        "additional_information": row.additional_information,
        "excluded_attackers": row.excluded_attackers,
        "join_group": row.join_group,
        "canonicalisers": row.canonicalisers,
        "retention_days": row.retention_days,
        "epoch": row.epoch,
        "created_at": row.created_at,
    }


class KeyRotation(APIView):
    """The next epoch of a domain's keys, from now on."""

    permission_classes = (requires("pseudonymize:write"),)

    @extend_schema(operation_id="rotate_domain_keys", request=None, responses={200: dict})
    def post(self, request: Request, domain: str) -> Response:
        return Response({"domain": domain, "epoch": domains.next_epoch(domain, actor=actor_of(request))})


class KeyDestruction(APIView):
    """The end of an old epoch's keys: its tokens cannot be made, turned back or translated any more."""

    permission_classes = (requires("pseudonymize:write"),)

    @extend_schema(
        operation_id="destroy_domain_keys",
        request=DestroyEpochIn,
        responses={200: dict},
        examples=example({"epoch": 1, "abandon": True}),
    )
    def post(self, request: Request, domain: str) -> Response:
        asked = DestroyEpochIn(data=request.data)
        asked.is_valid(raise_exception=True)
        domains.destroy_epoch(domain, **asked.validated_data, actor=actor_of(request))
        return Response({"domain": domain, "epochs": [asdict(epoch) for epoch in domains.epochs(domain)]})


class Keys(APIView):
    """The versions of the key-encryption key and what they still wrap; never a key."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="keys", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"results": [asdict(state) for state in keys.states()]})


class ManifestPage(APIView):
    """One manifest: what a run did."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="manifest", responses={200: dict})
    def get(self, request: Request, manifest: str) -> Response:
        row = Manifest.objects.filter(id=from_opaque("man", manifest)).first()
        if row is None:
            raise ManifestUnknown
        return Response({"statement": row.statement, "jws": row.jws})


class Manifests(APIView):
    """The latest runs; stating one that was made elsewhere with lent keys."""

    def get_permissions(self) -> list[Any]:
        return _reads_or_writes(self.request)

    @extend_schema(
        operation_id="state_run",
        request=OutsideRunIn,
        responses={201: dict},
        examples=example(
            {
                "policy": "newsletter",
                "activity": "monthly report",
                "epoch": 1,
                "started_at": "2026-03-01T08:00:00Z",
                "rows_in": 1_000,
                "rows_out": 990,
                "files": [{"name": "part-00000.parquet", "sha256": "0" * 64}],
            }
        ),
    )
    def post(self, request: Request) -> Response:
        asked = OutsideRunIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        policy = publishing.current(given["policy"])
        made = outside.record(policy, outside.OutsideRun.from_json(given), actor=actor_of(request))
        return Response({"id": opaque("man", made.id), "jws": made.jws}, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="manifests", responses={200: dict})
    def get(self, request: Request) -> Response:
        rows = Manifest.objects.select_related("policy__domain").order_by("-id")[:100]
        return Response(
            {
                "results": [
                    {
                        "id": opaque("man", row.id),
                        "policy": row.policy.name,
                        "domain": row.policy.domain.key,
                        "activity": row.activity,
                        "rows_in": row.rows_in,
                        "rows_out": row.rows_out,
                        "finished_at": row.finished_at,
                    }
                    for row in rows
                ]
            }
        )


class ManifestVerification(APIView):
    """What a signed manifest states, when this service signed it."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="verify_manifest", request=ManifestProofIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = ManifestProofIn(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"statement": manifests.verify_foreign(asked.validated_data["jws"])})


class Risk(APIView):
    """Who stands out in these rows: k, l, t, presence in a population, and the three attackers' risks. Nothing is kept."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(
        operation_id="risk",
        request=RiskIn,
        responses={200: dict},
        examples=example({"rows": PEOPLE, "quasi": ["born", "postcode"], "sensitive": ["band"], "threshold": 0.5}),
    )
    def post(self, request: Request) -> Response:
        asked = RiskIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        table, quasi = table_of(given["rows"]), given["quasi"]
        population = table_of(given["population"]) if given.get("population") else None
        _require_columns(table, [*quasi, *given["sensitive"]])
        if population is not None:
            _require_columns(population, quasi)
        judged = risk.judge(table, quasi, given["sensitive"])
        body: dict[str, Any] = {
            "k": judged.k,
            "groups": judged.groups,
            "unique": judged.unique,
            "l": {name: _finite(asdict(found)) for name, found in judged.diversity.items()},
            "t": {name: risk.t_closeness(table, quasi, name) for name in given["sensitive"]},
            "attackers": asdict(risk.attackers(table, quasi, population=population, threshold=given["threshold"])),
            "columns": {name: asdict(risk.statement(table, name)) for name in table.column_names},
        }
        if population is not None:
            body["delta_presence"] = asdict(risk.delta_presence(table, population, quasi))
        return Response(body, headers=_PRIVATE)


class Anonymisation(APIView):
    """Rows generalised until nobody stands out (Mondrian), and what that cost."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(
        operation_id="anonymise",
        request=AnonymiseIn,
        responses={200: dict},
        examples=example({"rows": PEOPLE, "quasi": ["born", "postcode"], "k": 2, "l": {"band": 2}}),
    )
    def post(self, request: Request) -> Response:
        asked = AnonymiseIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        table = table_of(given["rows"])
        _require_columns(table, [*given["quasi"], *given["l"]])
        done = risk.anonymise(table, given["quasi"], k=given["k"], diversity=given["l"])
        body = {
            "rows": done.table.to_pylist(),
            "k": done.smallest,
            "groups": done.groups,
            "suppressed": int((~done.kept).sum()),
            "loss": {"ncp": done.ncp, "discernibility": done.discernibility},
        }
        return Response(body, headers=_PRIVATE)


def _require_columns(table: pa.Table, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise serializers.ValidationError({"quasi": ["A column is named twice."]})
    for name in names:
        if name not in table.column_names:
            raise TableUnreadable(f"There is no column {name!r}.", column=name)
    if any(pa.types.is_nested(kind) for kind in table.schema.types):
        raise TableUnreadable("A column has values with an inside.")


def _finite(found: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: a group that is never diverse enough has no c."""
    return found | {"recursive_c": found["recursive_c"] if found["recursive_c"] != float("inf") else None}
