"""A page from a template: what every page has, and the answer to an error in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from governance.kernel.errors import GovernanceError
from governance.privacy_center.languages import NAMES


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """The page ``privacy_center/<template>`` in the active language."""
    base = {
        "controller": settings.ZGODA_CONTROLLER,
        "dpo_contact": settings.ZGODA_DPO_CONTACT,
        "language": translation.get_language(),
        "languages": language_links(request),
    }
    return render(request, f"privacy_center/{template}", {**base, **(context or {})}, status=status)


def errors_in_words(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A refusal of a verb becomes a page that says what to do next; nothing of what was typed is on it."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except GovernanceError as error:
            if error.status >= 500:
                raise
            response = page(request, "problem.html", {"code": error.code, "status": error.status}, status=error.status)
            if "retry_after" in error.fields:
                response.headers["Retry-After"] = str(error.fields["retry_after"])
            return response

    return wrapped


def language_links(
    request: HttpRequest, differing: Mapping[str, Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The same page in each language; ``differing`` has what else changes in the address, by language.

    A page that answers a form leads to the empty form: forms travel in no address.
    """
    match = request.resolver_match
    current = translation.get_language()
    if match is None or "language" not in match.kwargs:
        return [
            {"code": code, "name": name, "url": f"/{code}/", "current": code == current} for code, name in NAMES.items()
        ]
    return [
        {
            "code": code,
            "name": name,
            "url": reverse(
                match.view_name, kwargs={**match.kwargs, "language": code, **(differing or {}).get(code, {})}
            ),
            "current": code == current,
        }
        for code, name in NAMES.items()
    ]
