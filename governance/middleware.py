"""What every request gets: an id, a log line that names the route and never the URL, and the console's own script policy."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from governance.kernel import logs
from governance.kernel.ids import opaque, uuid7

_logger = logs.get_logger(__name__)
_QUIET_ROUTES = frozenset({"livez", "readyz"})


class RequestContext:
    """Binds `request_id` to log lines and answers with it; logs method, route, status and duration."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = opaque("req", uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        logs.bind(request_id=request_id)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            route = request.resolver_match.route if request.resolver_match else "unmatched"
            if route not in _QUIET_ROUTES:
                duration = round(1000 * (time.perf_counter() - started), 1)
                _logger.info(
                    "request_answered",
                    method=request.method,
                    route=route,
                    status=response.status_code,
                    duration_ms=duration,
                )
            response["X-Request-Id"] = request_id
            return response
        finally:
            logs.unbind()


class ConsoleScriptPolicy:
    """The admin theme evaluates expressions: its pages alone get a policy that lets it; every other page keeps the strict one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/console/"):
            response._csp_replace = settings.CONSOLE_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return response
