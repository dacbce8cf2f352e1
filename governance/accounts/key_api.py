"""The endpoints about service clients, mounted at /api/v1/accounts/."""

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts import clients
from governance.accounts.api import actor_of, requires, scopes_of
from governance.accounts.models import ServiceClient
from governance.kernel.api import StrictSerializer
from governance.kernel.ids import from_opaque, opaque


class IssueKeyIn(StrictSerializer):
    name = serializers.CharField(max_length=120)
    scopes = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=100)
    expires_at = serializers.DateTimeField()


class RevokeKeyIn(StrictSerializer):
    reason = serializers.RegexField(r"^[a-z_]{2,40}$", help_text="A code such as 'retired' or 'leaked'.")


class WhoAmI(APIView):
    """GET: the caller as the service sees them."""

    @extend_schema(operation_id="accounts_whoami", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"actor": str(actor_of(request)), "scopes": sorted(scopes_of(request))})


class Clients(APIView):
    """GET: service clients, never their keys. POST: issue one; the key is in this answer and nowhere else."""

    def get_permissions(self) -> list[Any]:
        return [requires("accounts:write" if self.request.method == "POST" else "accounts:read")()]

    @extend_schema(operation_id="accounts_clients_list", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"results": [_shown(client) for client in ServiceClient.objects.all()[:500]]})

    @extend_schema(operation_id="accounts_client_issue", request=IssueKeyIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        wanted = IssueKeyIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        issued = clients.issue(**wanted.validated_data, actor=actor_of(request))
        body = {"id": opaque("cli", issued.client_id), "key": issued.key_text, "expires_at": issued.expires_at}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class Revocation(APIView):
    """POST: end a client's key at once."""

    permission_classes = (requires("accounts:write"),)

    @extend_schema(operation_id="accounts_client_revoke", request=RevokeKeyIn, responses={200: dict})
    def post(self, request: Request, client: str) -> Response:
        given = RevokeKeyIn(data=request.data)
        given.is_valid(raise_exception=True)
        client_id: UUID = from_opaque("cli", client)
        clients.revoke(client_id, actor=actor_of(request), reason=given.validated_data["reason"])
        return Response(_shown(ServiceClient.objects.get(pk=client_id)))


def _shown(client: ServiceClient) -> dict[str, Any]:
    return {
        "id": opaque("cli", client.pk),
        "name": client.name,
        "prefix": client.prefix,
        "scopes": client.scopes,
        "created_at": client.created_at,
        "expires_at": client.expires_at,
        "revoked_at": client.revoked_at,
        "last_used_at": client.last_used_at,
    }


urlpatterns = [
    path("me", WhoAmI.as_view(), name="accounts-me"),
    path("clients", Clients.as_view(), name="accounts-clients"),
    path("clients/<str:client>/revoke", Revocation.as_view(), name="accounts-client-revoke"),
]
