"""Addresses that this package answers for everybody, mounted at /.well-known/."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from consent.signals import gpc


@require_safe
def gpc_support(request: HttpRequest) -> JsonResponse:
    """`/.well-known/gpc.json` (W3C Global Privacy Control, section 3.5): this service honours the signal."""
    return JsonResponse(gpc.support())


urlpatterns = [path("gpc.json", gpc_support, name="gpc-support")]
