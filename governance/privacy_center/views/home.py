"""The way in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from governance.privacy_center.languages import preferred, public_page
from governance.privacy_center.rendering import page


@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """/ leads to the language that the browser asks for."""
    response = HttpResponseRedirect(reverse("privacy_center:home", kwargs={"language": preferred(request)}))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@public_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """One screen: what we do, and four things that you can do."""
    return page(request, "home.html")


@public_page
def missing(request: HttpRequest, anything: str) -> HttpResponse:
    """An address that is none of ours, said in the language it was asked in, with the way back."""
    return page(request, "problem.html", {"status": 404}, status=404)
