"""Problem details (RFC 9457): the one shape in which every API error leaves the service."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from governance.kernel import errors
from governance.kernel.logs import get_logger

CONTENT_TYPE = "application/problem+json"
_logger = get_logger(__name__)
_PACKAGES = frozenset({"governance", "consent", "pseudonymize", "audit", "dsar", "engine"})


def document(error: errors.GovernanceError, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
    """The problem document of an error. `type` is a page of this service that explains it."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code.replace('_', '-')}",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
    }
    if instance:
        body["instance"] = instance
    if request_id:
        body["request_id"] = request_id
    return body | error.fields


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our errors and DRF's become problems; anything unknown is a bare 500 made by `server_error`."""
    error = _translated(exception)
    if error is None:
        return None
    from rest_framework.views import set_rollback

    set_rollback()
    request = context["request"]
    headers = {}
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.fields:
        headers["Retry-After"] = str(error.fields["retry_after"])
    body = document(error, instance=request.path, request_id=getattr(request, "request_id", ""))
    if error.status >= 500:
        _logger.error("request_failed", code=error.code)
    return Response(body, status=error.status, headers=headers, content_type=CONTENT_TYPE)


def _translated(exception: Exception) -> errors.GovernanceError | None:
    match exception:
        case errors.GovernanceError():
            return exception
        case exceptions.ValidationError():
            return errors.InvalidInput(errors=list(_pointers(exception.detail)))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.NotAuthenticated("Send a valid key as a bearer token.")
        case exceptions.PermissionDenied() | PermissionDenied():
            return errors.NotPermitted()
        case exceptions.NotFound() | Http404():
            return errors.NotFound()
        case exceptions.Throttled():
            return errors.TooManyRequests(retry_after=int(getattr(exception, "wait", None) or 1))
        case RequestDataTooBig():
            return errors.BodyTooLarge()
        case exceptions.ParseError():
            return MalformedBody(str(exception.detail))
        case exceptions.APIException():
            return _other(exception)
        case _:
            return None


class MalformedBody(errors.InvalidInput):
    """The body is not JSON."""

    code = "malformed_body"
    status = 400
    title = "The body is not valid JSON"


def _other(exception: exceptions.APIException) -> errors.GovernanceError:
    """405, 406, 415: DRF's own answers, in our shape."""
    kind = type(exception).__name__
    code = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")
    problem = type(kind, (errors.GovernanceError,), {"code": code, "status": exception.status_code, "title": kind})
    made: errors.GovernanceError = problem(str(exception.detail))
    return made


def _pointers(detail: Any, path: str = "") -> Any:
    """DRF's nested error structure as a flat list of JSON pointers (RFC 6901)."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from _pointers(value, path + step)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            yield from _pointers(value, path if not isinstance(value, dict) else f"{path}/{index}")
    else:
        yield {"pointer": path, "detail": str(detail)}


def response(error: errors.GovernanceError, request: HttpRequest) -> HttpResponse:
    """A problem outside DRF: handlers of Django and plain views."""
    body = document(error, instance=request.path, request_id=getattr(request, "request_id", ""))
    return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def catalogue() -> dict[str, type[errors.GovernanceError]]:
    """Every error class of the service by its code, for the pages that `type` points to."""

    def walk(kind: type[errors.GovernanceError]) -> Any:
        yield kind
        for child in kind.__subclasses__():
            yield from walk(child)

    # A class without a code of its own is shown as the one whose code it has; DRF's own answers (405, 415) are not ours.
    ours = [
        kind
        for kind in walk(errors.GovernanceError)
        if "code" in vars(kind) and kind.__doc__ and kind.__module__.split(".")[0] in _PACKAGES
    ]
    return {kind.code: kind for kind in sorted(ours, key=lambda kind: (kind.code, kind.__module__, kind.__name__))}
