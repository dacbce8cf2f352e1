"""REST: what takes three people. Reveals and bridges are asked for and approved by staff; pipelines cross approved bridges."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.kernel.ids import from_opaque, opaque
from pseudonymize.api.examples import example
from pseudonymize.api.shapes import ApprovalIn, BridgeIn, RevealRequestIn, TokensIn, TranslateIn
from pseudonymize.crossings import bridges, reidentification
from pseudonymize.identity import IdentifierKind
from pseudonymize.models import JoinGrant, RevealLevel, RevealRequest

_PRIVATE = {"Cache-Control": "no-store"}


class RevealRequests(APIView):
    """Requests to turn tokens back; asking for it. Only staff ask, whatever key a client holds."""

    def get_permissions(self) -> list[Any]:
        return [requires("pseudonymize:read" if self.request.method == "GET" else "pseudonymize:run")()]

    @extend_schema(operation_id="reveal_requests", responses={200: dict})
    def get(self, request: Request) -> Response:
        rows = RevealRequest.objects.order_by("-id")[:100]
        return Response({"results": [_reveal(row) for row in rows]}, headers=_PRIVATE)

    @extend_schema(operation_id="open_reveal_request", request=RevealRequestIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        asked = RevealRequestIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        number = reidentification.open_request(
            from_opaque("man", given["manifest"]),
            given["column"],
            IdentifierKind(given["kind"]),
            given["tokens"],
            purpose=given["purpose"],
            case=given["case"],
            level=RevealLevel(given["level"]),
            max_rows=given["max_rows"],
            expires_in=timedelta(hours=given["expires_in_hours"]),
            actor=actor_of(request),
        )
        return Response(_reveal(reidentification.find(number)), status=status.HTTP_201_CREATED, headers=_PRIVATE)


class RevealRequestPage(APIView):
    """One request: its terms, and the digest that an approval is of."""

    permission_classes = (requires("pseudonymize:read"),)

    @extend_schema(operation_id="reveal_request", responses={200: dict})
    def get(self, request: Request, number: str) -> Response:
        return Response(_reveal(reidentification.find(from_opaque("rev", number))), headers=_PRIVATE)


class _Approval(APIView):
    """Approve a request as it was shown: the digest of its terms says which that was."""

    permission_classes = (requires("pseudonymize:reveal"),)
    prefix: ClassVar[str]
    approve: ClassVar[Any]

    def post(self, request: Request, number: str) -> Response:
        asked = ApprovalIn(data=request.data)
        asked.is_valid(raise_exception=True)
        count = type(self).approve(
            from_opaque(self.prefix, number),
            actor=actor_of(request),
            reason=asked.validated_data["reason"],
            terms=asked.validated_data["terms_sha256"],
        )
        return Response({"approvals": count})


@extend_schema_view(post=extend_schema(operation_id="approve_reveal", request=ApprovalIn, responses={200: dict}))
class RevealApproval(_Approval):
    """Approve a request as it was shown."""

    prefix = "rev"
    approve = staticmethod(reidentification.approve)


class Reveal(APIView):
    """Turn the tokens back: once, by who asked, with two approvals that hold."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(operation_id="reveal", request=TokensIn, responses={200: dict})
    def post(self, request: Request, number: str) -> Response:
        asked = TokensIn(data=request.data)
        asked.is_valid(raise_exception=True)
        found = reidentification.reveal(
            from_opaque("rev", number), asked.validated_data["tokens"], actor=actor_of(request)
        )
        return Response({"values": found.values}, headers=_PRIVATE)


class RevealEvidence(APIView):
    """A request, its approvals and its reveal as one signed document. It names no person and no token."""

    permission_classes = (requires("pseudonymize:reveal"),)

    @extend_schema(operation_id="reveal_evidence", responses={200: dict})
    def get(self, request: Request, number: str) -> Response:
        return Response(
            reidentification.evidence(from_opaque("rev", number), actor=actor_of(request)), headers=_PRIVATE
        )


def _reveal(row: RevealRequest) -> dict[str, Any]:
    return {
        "id": opaque("rev", row.id),
        **{key: value for key, value in reidentification.terms_of(row).items() if key != "requester_person"},
        "terms_sha256": reidentification.terms_sha256(row),
        "approvals": row.approvals.count(),
        "revealed": hasattr(row, "reveal"),
    }


class Bridges(APIView):
    """Bridges between domains; asking for one."""

    def get_permissions(self) -> list[Any]:
        return [requires("pseudonymize:read" if self.request.method == "GET" else "pseudonymize:run")()]

    @extend_schema(operation_id="bridges", responses={200: dict})
    def get(self, request: Request) -> Response:
        rows = JoinGrant.objects.select_related("source", "target").order_by("-id")[:100]
        return Response({"results": [_bridge(row) for row in rows]})

    @extend_schema(operation_id="open_bridge", request=BridgeIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        asked = BridgeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        number = bridges.open_bridge(
            given["source"],
            given["target"],
            given["columns"],
            reason=given["reason"],
            max_rows=given["max_rows"],
            expires_in=timedelta(hours=given["expires_in_hours"]),
            actor=actor_of(request),
        )
        return Response(_bridge(bridges.find(number)), status=status.HTTP_201_CREATED)


class BridgePage(APIView):
    """One bridge; ending it."""

    def get_permissions(self) -> list[Any]:
        return [requires("pseudonymize:read" if self.request.method == "GET" else "pseudonymize:run")()]

    @extend_schema(operation_id="bridge", responses={200: dict})
    def get(self, request: Request, number: str) -> Response:
        return Response(_bridge(bridges.find(from_opaque("brg", number))))

    @extend_schema(operation_id="revoke_bridge", responses={204: None})
    def delete(self, request: Request, number: str) -> Response:
        bridges.revoke(from_opaque("brg", number), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(post=extend_schema(operation_id="approve_bridge", request=ApprovalIn, responses={200: dict}))
class BridgeApproval(_Approval):
    """Approve a bridge as it was shown."""

    prefix = "brg"
    approve = staticmethod(bridges.approve)


class Translation(APIView):
    """The target domain's tokens of these. Nobody sees who they stand for."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(
        operation_id="translate",
        request=TranslateIn,
        responses={200: dict},
        examples=example({"column": "email", "tokens": ["TOKEN"]}),
    )
    def post(self, request: Request, number: str) -> Response:
        asked = TranslateIn(data=request.data)
        asked.is_valid(raise_exception=True)
        done = bridges.translate(
            from_opaque("brg", number),
            asked.validated_data["column"],
            asked.validated_data["tokens"],
            actor=actor_of(request),
        )
        return Response({"tokens": done}, headers=_PRIVATE)


def _bridge(row: JoinGrant) -> dict[str, Any]:
    return {
        "id": opaque("brg", row.id),
        "source": row.source.key,
        "target": row.target.key,
        "columns": row.columns,
        "reason": row.reason,
        "max_rows": row.max_rows,
        "rows_left": bridges.rows_left(row),
        "opened_at": row.opened_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "approvals": row.approvals.count(),
        "terms_sha256": bridges.terms_sha256(row),
    }
