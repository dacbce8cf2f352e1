"""The language of a page is in its address: /en/… and /pl/…; links in letters keep theirs, and no cookie is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

NAMES = {"en": "English", "pl": "Polski"}
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class LanguageConverter:
    """A path segment that is one of our languages."""

    regex = "|".join(NAMES)

    def to_python(self, value: str) -> str:
        """The code itself."""
        return value

    def to_url(self, value: str) -> str:
        """The code itself."""
        return value


def preferred(request: HttpRequest) -> str:
    """The language that the browser asks for, of those we have."""
    found = translation.get_language_from_request(request)[:2]
    return found if found in NAMES else "en"


def public_page(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """A view of the privacy centre: in the language of its address, never stored by a cache, free of CSRF tokens."""

    @csrf_exempt
    @wraps(view)
    def in_language(request: HttpRequest, language: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with translation.override(language):
            response = view(request, *args, **kwargs)
        response.headers["Content-Language"] = language
        # What is about one person is for that person's eyes only.
        patch_cache_control(response, no_store=True, private=True)
        return response

    return in_language
