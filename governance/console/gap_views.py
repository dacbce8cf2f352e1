"""Gaps in the log: entries that were taken away before they had a number, what surrounds them, and what a person found out."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from audit.errors import UnknownEntry
from audit.models import Entry, Leaf
from audit.rereading import gaps
from audit.rereading.gaps import Cause, Gap
from audit.rereading.rows import facts_of
from governance.accounts.api import actor_of
from governance.console.pages import absent_is_not_found, context
from governance.kernel.errors import GovernanceError

_ACKNOWLEDGE = "audit.add_entry"
_AROUND = 5
_CAUSES = {
    Cause.RESTORED: "the database was restored from a backup under processes that went on",
    Cause.SAVEPOINT: "a savepoint was rolled back by hand, past transaction.atomic",
    Cause.INCIDENT: "somebody took them away; the case says more",
}


class Found(forms.Form):
    """What a person found out. Not in free text: nobody could erase it."""

    cause = forms.ChoiceField(choices=[(cause.value, words) for cause, words in _CAUSES.items()])
    case = forms.CharField(max_length=200)


@require_safe
@permission_required("audit.view_entry", raise_exception=True)
def gap_list(request: HttpRequest) -> HttpResponse:
    """Every gap, those first that nobody has looked into."""
    found = sorted(gaps.gaps(), key=lambda gap: bool(gap.acknowledged_by))
    seen_at = dict(Entry.objects.filter(pk__in=[gap.entry_id for gap in found]).values_list("pk", "occurred_at"))
    rows = [(gap, seen_at.get(gap.entry_id)) for gap in found]
    return render(request, "console/log_gaps.html", context(request, "Gaps in the log", rows=rows))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("audit.view_entry", raise_exception=True)
@absent_is_not_found
def gap(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One gap and the entries around it; a POST says why it is there, which becomes an entry in the name of whoever says so."""
    one = next((one for one in gaps.gaps() if one.entry_id == entry_id), None)
    if one is None:
        raise UnknownEntry
    form = Found(request.POST or None)
    if request.method == "POST":
        if not request.user.has_perm(_ACKNOWLEDGE):
            raise PermissionDenied
        if form.is_valid() and _acknowledge(request, one, form):
            return HttpResponseRedirect(reverse("console_log_gaps"))
    values = {
        "gap": one,
        "facts": facts_of(Entry.objects.values_list("header", flat=True).get(pk=entry_id)),
        "around": _around(one),
        "form": form,
        "may_acknowledge": request.user.has_perm(_ACKNOWLEDGE),
    }
    return render(request, "console/log_gap.html", context(request, "Gap in the log", **values))


def _acknowledge(request: HttpRequest, one: Gap, form: Found) -> bool:
    """False when it cannot be done, which is said on the page."""
    said = form.cleaned_data
    try:
        gaps.acknowledge(one.entry_id, actor=actor_of(request), cause=Cause(said["cause"]), case=said["case"])
    except GovernanceError as error:
        messages.error(request, error.detail or error.title)
        return False
    messages.success(request, "Acknowledged. Reports list this gap as known from now on.")
    return True


def _around(one: Gap) -> list[tuple[int, Entry]]:
    """The entries next to the one that tells of the gap: what was lost was written shortly before it."""
    if one.seq is None:
        return []
    near = Leaf.objects.filter(seq__gte=one.seq - _AROUND, seq__lte=one.seq + _AROUND).order_by("seq")
    numbers = dict(near.values_list("seq", "entry_id"))
    entries = Entry.objects.in_bulk(list(numbers.values()))
    return [(seq, entries[entry_id]) for seq, entry_id in numbers.items() if entry_id in entries]
