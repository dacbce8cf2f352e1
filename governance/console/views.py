"""Pages of the console that are not lists or forms: verify the log. Decisions are in `decision_views`."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from audit import verification
from audit.heads import anchors, checkpoints
from governance.console.pages import context


@require_http_methods(["GET", "POST"])
@permission_required("audit.view_entry", raise_exception=True)
def log(request: HttpRequest) -> HttpResponse:
    """The last checkpoint; a POST verifies the whole log and shows the report."""
    values: dict[str, Any] = {"checkpoint": checkpoints.latest(), "anchors": anchors.states()}
    if request.method == "POST":
        started = time.perf_counter()
        values["report"] = verification.verify_log()
        values["seconds"] = time.perf_counter() - started
    return render(request, "console/log.html", context(request, "Verify the log", **values))
