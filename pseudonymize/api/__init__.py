"""REST: what pipelines, staff and auditors ask of this package.

`pseudonymize:run` runs policies, detection and risk, asks for reveals and crosses bridges; `pseudonymize:write` publishes policies and
rotates keys; `pseudonymize:reveal` approves what takes three people; `pseudonymize:read` looks. The addresses are those of
`/api/v1/`: `/pseudonymize`, `/detect`, `/policies`, `/domains`, `/keys`, `/manifests`, `/risk`, `/reveal-requests`, `/bridges`; the same
under `/api/v1/pseudonymize/`, where they were before.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from pseudonymize.api import controlling, governing, leases, running

_VIEWS: dict[str, Any] = {
    "pseudonymize/files": running.Files,
    "pseudonymize/files/<str:number>": running.FileStatus,
    "pseudonymize/files/<str:number>/result": running.FileResult,
    "pseudonymize/leases": leases.Leases,
    "detect": running.Detect,
    "policies": governing.Policies,
    "policies/validate": governing.PolicyValidation,
    "policies/dry-run": governing.PolicyDryRun,
    "domains": governing.Domains,
    "domains/<str:domain>": governing.DomainPage,
    "keys": governing.Keys,
    "keys/<str:domain>/rotate": governing.KeyRotation,
    "keys/<str:domain>/destroy": governing.KeyDestruction,
    "manifests": governing.Manifests,
    "manifests/verify": governing.ManifestVerification,
    "manifests/<str:manifest>": governing.ManifestPage,
    "risk": governing.Risk,
    "risk/anonymise": governing.Anonymisation,
    "reveal-requests": controlling.RevealRequests,
    "reveal-requests/<str:number>": controlling.RevealRequestPage,
    "reveal-requests/<str:number>/approve": controlling.RevealApproval,
    "reveal-requests/<str:number>/reveal": controlling.Reveal,
    "reveal-requests/<str:number>/evidence": controlling.RevealEvidence,
    "bridges": controlling.Bridges,
    "bridges/<str:number>": controlling.BridgePage,
    "bridges/<str:number>/approve": controlling.BridgeApproval,
    "bridges/<str:number>/translate": controlling.Translation,
}
FORMER = "/api/v1/pseudonymize/"
"""Where the addresses were before; they work, and the document names the present ones."""


def _name(route: str) -> str:
    return "pseudonymize-" + route.replace("<str:", "").replace(">", "").replace("/", "-")


top: list[URLPattern] = [
    path("pseudonymize", running.Pseudonymize.as_view(), name="pseudonymize"),
    *(path(route, view.as_view(), name=_name(route)) for route, view in _VIEWS.items()),
]
"""Directly under /api/v1/."""

urlpatterns: list[URLPattern] = [
    path("", running.Pseudonymize.as_view()),
    *(path(route, view.as_view()) for route, view in _VIEWS.items() if not route.startswith("pseudonymize/")),
]
"""Under /api/v1/pseudonymize/."""


def documented(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Which addresses are in the OpenAPI document: every one once (a hook of drf-spectacular)."""
    ours = {f"{FORMER}{route}" for route in _VIEWS if not route.startswith("pseudonymize/")} | {FORMER}

    def former(address: str) -> bool:
        return address in {route.replace("<str:", "{").replace(">", "}") for route in ours}

    return [endpoint for endpoint in endpoints if not former(endpoint[0])]
