"""The pages behind the `type` of a problem document, and the last resorts: 404 and 500."""

from __future__ import annotations

import inspect

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from governance.kernel import errors, problems
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)


class InternalError(errors.GovernanceError):
    """Something unforeseen. The request id finds it in the log."""

    code = "internal_error"
    title = "Something went wrong on our side"


def page(request: HttpRequest, code: str) -> HttpResponse:
    """What an error means and what the caller can do: made from the error classes, so that it cannot lag behind."""
    kind = problems.catalogue().get(code.replace("-", "_"))
    if kind is None:
        raise Http404
    explanation = inspect.getdoc(kind)
    return render(
        request, "problem.html", {"code": kind.code, "title": kind.title, "status": kind.status, "text": explanation}
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problems.response(errors.NotFound(), request)
    return render(request, "not_found.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    _logger.error("request_crashed", exc_info=True)
    if request.path.startswith("/api/"):
        return problems.response(InternalError(), request)
    return render(request, "server_error.html", {"request_id": getattr(request, "request_id", "")}, status=500)
