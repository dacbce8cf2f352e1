"""Pages of the console about consent: the explorer, and one person's timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from consent import receipts
from consent.models import NoticeVersion
from consent.terms import Channel
from governance import purposes
from governance.console import consent_explorer, pages
from governance.console.consent_explorer import PERIODS, Asked
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId, from_opaque, opaque

_COLUMNS = ("Received", "Event", "About", "By", "Valid until", "Shown", "Proof", "Receipt")


@require_safe
@permission_required("consent.view_consentevent", raise_exception=True)
def explorer(request: HttpRequest) -> HttpResponse:
    """Where people stand, how that moved, how far they come, who lags: narrowed by purpose, channel, notice and period."""
    asked = _asked(request)
    if (sought := request.GET.get("subject", "").strip()) and _subject(sought) is not None:
        return HttpResponseRedirect(reverse("console_consent_subject", args=[sought]))
    context = {
        "asked": asked,
        "sought": sought,
        "purposes": [one.key for one in purposes.all_current()],
        "channels": [one.value for one in Channel],
        "notices": NoticeVersion.objects.order_by("key", "language", "-version")[:200],
        "notice_keys": NoticeVersion.objects.order_by("key").values_list("key", flat=True).distinct()[:50],
        "periods": PERIODS,
        "standings": consent_explorer.standings(asked),
        "trend": consent_explorer.trend(asked),
        "stages": consent_explorer.stages(asked),
        "lags": consent_explorer.lags(),
        "plot": {"width": consent_explorer.WIDTH, "height": consent_explorer.HEIGHT, "left": consent_explorer.LEFT},
    }
    return render(request, "console/consent.html", console_context(request, "Consent", **context))


@require_safe
@permission_required("consent.view_consentevent", raise_exception=True)
def subject(request: HttpRequest, subject: str) -> HttpResponse:
    """One person's timeline by opaque id: every event, its proof in the log, its receipt."""
    identifier = _subject(subject)
    timeline = consent_explorer.timeline(identifier) if identifier is not None else []
    chosen = request.GET.get("receipt", "")
    shown = next((one for one in timeline if str(one.event.event_id) == chosen), None)
    context = {
        "subject": subject,
        "timeline": timeline,
        "columns": _COLUMNS,
        "receipt": receipts.issue(shown.event.event_id) if shown else "",
        "receipt_of": shown,
        "changed": [one for one in timeline if one.unchanged is False],
    }
    status = 200 if timeline else 404
    return render(
        request, "console/consent_subject.html", console_context(request, "Timeline", **context), status=status
    )


def _asked(request: HttpRequest) -> Asked:
    try:
        notice: UUID | None = UUID(request.GET.get("notice", ""))
    except ValueError:
        notice = None
    return Asked(
        purpose=request.GET.get("purpose", ""),
        channel=request.GET.get("channel", ""),
        notice=notice,
        days=PERIODS.get(request.GET.get("days", ""), 90),
    )


def _subject(text: str) -> SubjectId | None:
    try:
        return SubjectId(from_opaque("sub", text))
    except GovernanceError:
        return None


def console_context(request: HttpRequest, title: str, **values: Any) -> dict[str, Any]:
    """What every page of the console has, and the values of this one."""
    return pages.context(request, title, opaque=opaque, **values)
