"""The REST API of requests: take in, confirm, plan, dry-run, follow, revoke, extend, refuse; certificates to verify.

A plan is approved by a data protection officer in the console or with their own session; a client's key cannot.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dsar import certificates, execution, identity, planning, references, requests
from dsar import serializers as out
from dsar.certificates import ErasureCertificate
from dsar.errors import RequestNotFound
from dsar.models import SubjectRequest
from dsar.planning import ErasurePlan
from dsar.states import ARTICLES, IntakeChannel, RequestType, Status
from governance.accounts.api import actor_of, requires
from governance.kernel.api import CursorPagination, StrictSerializer
from pseudonymize.vault import IdentifierKind

_READ: tuple[type[BasePermission], ...] = (requires("dsar:read"),)
_WRITE: tuple[type[BasePermission], ...] = (requires("dsar:write"),)


@extend_schema_view(
    get=extend_schema(operation_id="dsar_requests_list", responses=out.SubjectRequestPageOut),
    post=extend_schema(request=out.OpenRequestIn, responses={201: out.SubjectRequestOpenedOut}),
)
class Requests(APIView):
    """GET: the queue, without anything personal. POST: take a request in."""

    def get_permissions(self) -> list[Any]:
        """Reading and writing are different scopes."""
        return [permission() for permission in (_WRITE if self.request.method == "POST" else _READ)]

    def get(self, request: Request) -> Response:
        """The newest first; `?status=` filters."""
        rows = SubjectRequest.objects.all()
        if wanted := request.query_params.get("status"):
            rows = rows.filter(status__in=[value for value in wanted.split(",") if value in set(Status)])
        paginator = CursorPagination()
        found = paginator.paginate_queryset(rows, request, view=self) or []
        return paginator.get_paginated_response([_shown(row) for row in found])

    def post(self, request: Request) -> Response:
        """201 with reference and due date: the same for people we know and people we do not."""
        given = out.OpenRequestIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        request_id = requests.open(
            RequestType(fields["type"]),
            {IdentifierKind(kind): value for kind, value in fields["claims"].items()},
            language=fields["language"],
            channel=IntakeChannel(fields["channel"]),
            actor=actor_of(request),
            received_at=fields.get("received_at"),
            send_code=fields["send_code"],
        )
        body = {**_shown(_row(request_id)), "tracking_code": requests.tracking_code_of(request_id)}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


@extend_schema_view(get=extend_schema(responses=out.SubjectRequestDetailOut))
class RequestDetail(APIView):
    """GET: one request with its history and steps."""

    permission_classes = _READ

    def get(self, request: Request, reference: str) -> Response:
        """Shell, history, plan and steps; nothing personal."""
        row = _row(references.request_id_of(reference))
        plan = planning.latest(row.pk)
        history = row.changes.order_by("id").values(
            "from_status", "to_status", "at", "actor", "reason_code", "entry_id"
        )
        return Response(
            {
                **_shown(row),
                "history": list(history),
                "plan": None if plan is None else _plan(plan),
                "steps": [_step(step) for step in execution.steps_of(row.pk)],
            }
        )


class Verb(APIView):
    """A verb on one request: POST, the fields of the verb, and the request as it stands afterwards."""

    permission_classes = _WRITE
    given: ClassVar[type[StrictSerializer]] = StrictSerializer

    def post(self, request: Request, reference: str) -> Response:
        """Validate, call the verb, show the request."""
        fields = self.given(data=request.data)
        fields.is_valid(raise_exception=True)
        request_id = references.request_id_of(reference)
        extra = self.act(request, request_id, fields.validated_data)
        return Response({**_shown(_row(request_id)), **(extra or {})})

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Call the verb; may return fields to show beside the request."""
        raise NotImplementedError


@extend_schema_view(post=extend_schema(request=out.ConfirmRequestIn, responses=out.SubjectRequestOut))
class Confirm(Verb):
    """Confirm identity with the one-time code."""

    given = out.ConfirmRequestIn

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> None:
        """Raises CodeRefused."""
        identity.confirm(request_id, fields["code"])


@extend_schema_view(post=extend_schema(request=None, responses=out.SubjectRequestOut))
class Revoke(Verb):
    """Take the request back on the person's behalf."""

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> None:
        """Raises InvalidTransition once execution began."""
        requests.revoke(request_id, actor=actor_of(request))


@extend_schema_view(post=extend_schema(request=out.ExtendRequestIn, responses=out.SubjectRequestOut))
class Extend(Verb):
    """Extend the clock, inside month one and once."""

    given = out.ExtendRequestIn

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> None:
        """Raises ExtensionRefused."""
        requests.extend(request_id, fields["reasons"], actor=actor_of(request))


@extend_schema_view(post=extend_schema(request=out.RefuseRequestIn, responses=out.SubjectRequestOut))
class Refuse(Verb):
    """Refuse with a ground."""

    given = out.RefuseRequestIn

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> None:
        """Raises InvalidTransition."""
        requests.refuse(request_id, fields["ground"], actor=actor_of(request))


@extend_schema_view(post=extend_schema(request=None, responses=out.SubjectRequestPlannedOut))
class DryRun(Verb):
    """What a plan would do; writes nothing."""

    permission_classes = _READ

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> dict[str, Any]:
        """Raises PlanIncomplete."""
        return {"plan": _plan(planning.dry_run(request_id))}


@extend_schema_view(post=extend_schema(request=None, responses=out.SubjectRequestPlannedOut))
class MakePlan(Verb):
    """Plan the erasure."""

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> dict[str, Any]:
        """Raises PlanIncomplete, InvalidTransition."""
        return {"plan": _plan(planning.plan(request_id, actor_of(request)))}


@extend_schema_view(post=extend_schema(request=out.ApprovePlanIn, responses=out.SubjectRequestOut))
class Approve(Verb):
    """Approve the plan that was looked at; only a data protection officer's own session can."""

    given = out.ApprovePlanIn

    def act(self, request: Request, request_id: UUID, fields: dict[str, Any]) -> None:
        """Raises ApprovalRefused, PlanStale."""
        planning.approve(
            request_id, actor_of(request), reason=fields["reason"], content_sha256=fields["content_sha256"]
        )


@extend_schema_view(get=extend_schema(responses=out.ErasureCertificateOut))
class CertificateOf(APIView):
    """GET: the certificate of a completed erasure."""

    permission_classes = _READ

    def get(self, request: Request, reference: str) -> Response:
        """The JWS and what it says."""
        return Response(_certificate(certificates.of(references.request_id_of(reference))))


@extend_schema_view(post=extend_schema(request=out.VerifyCertificateIn, responses=out.CertificateVerifiedOut))
class VerifyCertificate(APIView):
    """POST, open to everybody: does the signature hold, and what does it say?"""

    permission_classes = ()
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        """Raises CertificateInvalid (422)."""
        given = out.VerifyCertificateIn(data=request.data)
        given.is_valid(raise_exception=True)
        certificate = certificates.verify(given.validated_data["certificate"], certificates.public_key())
        return Response({"verified": True, **_certificate(certificate)})


@extend_schema_view(get=extend_schema(responses=out.CertificateKeyOut))
class PublicKey(APIView):
    """GET, open to everybody: the Ed25519 key that checks certificates."""

    permission_classes = ()
    authentication_classes = ()

    def get(self, request: Request) -> Response:
        """Raw key in hexadecimal."""
        return Response(
            {"algorithm": "Ed25519", "typ": certificates.TYP, "public_key": certificates.public_key().hex()}
        )


def _row(request_id: UUID) -> SubjectRequest:
    row = SubjectRequest.objects.filter(pk=request_id).first()
    if row is None:
        raise RequestNotFound
    return row


def _shown(row: SubjectRequest) -> dict[str, Any]:
    clock = row.clock
    return {
        "reference": references.reference(row.pk),
        "type": row.type,
        "article": ARTICLES[RequestType(row.type)],
        "status": row.status,
        "channel": row.intake_channel,
        "language": row.language,
        "received_at": row.received_at,
        "due_on": row.due_on,
        "days_left": clock.days_left,
        "pace": clock.pace.value,
        "extended": row.extended,
        "blocked_reason": row.blocked_reason,
        "answered_at": row.answered_at,
    }


def _plan(plan: ErasurePlan) -> dict[str, Any]:
    return {
        "version": plan.version,
        "content_sha256": plan.content_sha256,
        "expected_rows": plan.expected_rows,
        "nodes": [node.as_json() for node in plan.nodes],
    }


def _step(step: execution.StepView) -> dict[str, Any]:
    return {
        "position": step.position,
        "source": step.source,
        "title": step.title,
        "status": step.status.value,
        "expected": step.expected,
        "deleted": step.deleted,
        "anonymised": step.anonymised,
        "shredded": step.shredded,
        "retained": step.retained,
        "attempts": step.attempts,
    }


def _certificate(certificate: ErasureCertificate) -> dict[str, Any]:
    return {
        "jws": certificate.jws,
        "reference": certificate.reference,
        "controller": certificate.controller,
        "received_on": certificate.received_on,
        "completed_at": certificate.completed_at,
        "outcome": certificate.outcome,
        "residual": certificate.residual,
        "tables_searched": certificate.tables_searched,
        "backups_unreadable_by": certificate.backups_unreadable_by,
        "retained": [
            {"table": kept.table, "count": kept.count, "ground": kept.ground, "until": kept.until}
            for kept in certificate.retained
        ],
        "key_id": certificate.key_id,
    }


urlpatterns = [
    path("requests", Requests.as_view(), name="dsar-requests"),
    path("requests/<str:reference>", RequestDetail.as_view(), name="dsar-request"),
    path("requests/<str:reference>/confirm", Confirm.as_view(), name="dsar-confirm"),
    path("requests/<str:reference>/revoke", Revoke.as_view(), name="dsar-revoke"),
    path("requests/<str:reference>/extend", Extend.as_view(), name="dsar-extend"),
    path("requests/<str:reference>/refuse", Refuse.as_view(), name="dsar-refuse"),
    path("requests/<str:reference>/dry-run", DryRun.as_view(), name="dsar-dry-run"),
    path("requests/<str:reference>/plan", MakePlan.as_view(), name="dsar-plan"),
    path("requests/<str:reference>/approve", Approve.as_view(), name="dsar-approve"),
    path("requests/<str:reference>/certificate", CertificateOf.as_view(), name="dsar-certificate"),
    path("certificates/verify", VerifyCertificate.as_view(), name="dsar-verify"),
    path("certificates/key", PublicKey.as_view(), name="dsar-key"),
]
