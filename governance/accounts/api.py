"""The API's doors: who asks (a client's key or a staff session) and what they may.

Other packages use `requires("consent:write")` as a DRF permission and `actor_of(request)` for the log. This module is named in
REST_FRAMEWORK, which DRF reads while its own views load: so it imports no views, and the endpoints about keys are in key_api.py.
"""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.accounts import clients, recognition, roles
from governance.accounts.clients import ServiceClientIdentity
from governance.accounts.errors import ScopeMissing, ScopeUnknown
from governance.accounts.models import User
from governance.accounts.recognition import Recognised
from governance.accounts.scopes import known
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.errors import NotAuthenticated

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ServiceClientAuthentication(BaseAuthentication):
    """`Authorization: Bearer zg_…` (RFC 6750). Any other scheme is left to the next authenticator; a bad key is a 401."""

    def authenticate(self, request: Request) -> tuple[ServiceClientIdentity, object] | None:
        key_text = _bearer(request)
        if key_text is None:
            return None
        identity = clients.authenticate(key_text)
        return identity, identity

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def confirmed_by_the_answer(scope: str) -> type[BaseAuthentication]:
    """The same for a view that reads, whose own statement confirms the key: it has to answer inside `recognition.confirming`."""

    class ConfirmedByTheAnswer(ServiceClientAuthentication):
        def authenticate(self, request: Request) -> tuple[ServiceClientIdentity, Recognised] | None:
            key_text = _bearer(request)
            if key_text is None:
                return None
            recognised = recognition.recognise(key_text, scope)
            return recognised.accepted.identity, recognised

    return ConfirmedByTheAnswer


def _bearer(request: Request) -> str | None:
    scheme, _, key_text = request.headers.get("Authorization", "").partition(" ")
    return key_text.strip() if scheme.lower() == "bearer" else None


def scopes_of(request: Request) -> frozenset[str]:
    """The scopes of whoever asks; none for a stranger. Looked up once per request."""
    who: object = request.user
    if isinstance(who, ServiceClientIdentity):
        return who.scopes
    if isinstance(who, User) and who.is_active:
        held: frozenset[str] | None = getattr(request, "_zgoda_scopes", None)
        if held is None:
            held = roles.scopes_of(who)
            request._zgoda_scopes = held  # type: ignore[attr-defined]
        return held
    return frozenset()


def requires(scope: str) -> type[BasePermission]:
    """A DRF permission class: the caller holds `scope`. Raises NotAuthenticated (401) for a stranger, ScopeMissing (403) otherwise.

    A scope that does not exist raises ScopeUnknown where the view is written, not where it is called.
    """
    if not known(scope):
        raise ScopeUnknown(f"No such scope: {scope}")

    class HoldsScope(BasePermission):
        def has_permission(self, request: Request, view: "APIView") -> bool:
            if scope in scopes_of(request):
                return True
            if not getattr(request.user, "is_authenticated", False):
                raise NotAuthenticated("Send a valid key as a bearer token.")
            raise ScopeMissing("Your key or role does not include this.", scope=scope)

    HoldsScope.__name__ = f"Requires_{scope.replace(':', '_')}"
    return HoldsScope


def actor_of(request: Request | HttpRequest) -> Actor:
    """Who asks, as an opaque id for the log. Raises NotAuthenticated for a stranger."""
    who: object = request.user
    if isinstance(who, ServiceClientIdentity):
        return Actor(ActorKind.CLIENT, str(who.client_id))
    if isinstance(who, User) and who.is_active:
        return Actor(ActorKind.STAFF, str(who.pk))
    raise NotAuthenticated("Log in, or send a valid key as a bearer token.")
