"""How keys look in the OpenAPI document. Registered with drf-spectacular when it is imported."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object


class ServiceClientScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library ships no types
    """A service client's key as a bearer token."""

    target_class = "governance.accounts.api.ServiceClientAuthentication"
    name = "serviceClientKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, object]:
        return dict(build_bearer_security_scheme_object("Authorization", "Bearer"))
