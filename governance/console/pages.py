"""What the pages of the console share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from governance.kernel.errors import NotFound


def context(request: HttpRequest, title: str, **values: Any) -> dict[str, Any]:
    """What a page's template gets: the frame of the console, and the page's own values."""
    return {**admin.site.each_context(request), "title": title, **values}


def absent_is_not_found(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 404 where the page is about something that is not there, for one that was erased or mistyped is no crash."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.title) from error

    return answered
