"""Pages about automated decisions: the explorer, one decision with its reasons, its paper, and the review by a person."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from audit import decisions, log, reviews, sealing
from audit.errors import TemplatesMissing
from audit.explanations import dossiers, frequencies, papers, reasons
from audit.explanations.frequencies import Period
from audit.explanations.reasons import Tier
from audit.models import Decision, DecisionBatch, Review
from governance.accounts.api import actor_of
from governance.console.pages import absent_is_not_found, context
from governance.kernel import clock
from governance.kernel.errors import GovernanceError

_REVIEW = "audit.change_review"
_LISTED = 50
_BARS = 12
_DAYS = 28


class Wanted(forms.Form):
    """Which decisions the explorer shows."""

    model = forms.CharField(required=False, max_length=200)
    action = forms.CharField(required=False, max_length=200)
    effect = forms.ChoiceField(
        required=False, choices=[("", "any")] + [(one, one.replace("_", " ")) for one in decisions.EFFECTS]
    )
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)

    def period(self) -> Period:
        """What was asked for; the last four weeks without a date."""
        said = self.cleaned_data if self.is_valid() else {}
        since = said.get("since") or clock.today() - timedelta(days=_DAYS)
        until = said.get("until")
        return Period(
            said.get("model", ""),
            said.get("action", ""),
            said.get("effect", ""),
            datetime.combine(since, time.min, UTC),
            datetime.combine(until + timedelta(days=1), time.min, UTC) if until else None,
        )


@require_safe
@permission_required("audit.view_decision", raise_exception=True)
def explorer(request: HttpRequest) -> HttpResponse:
    """Decisions by model, action, effect and period: which reasons decide, what comes out, and the newest of them."""
    form = Wanted(request.GET)
    period = form.period()
    counted = frequencies.count(period)
    values = {
        "form": form,
        "counted": counted,
        "reasons": _shares(counted.reasons, counted.decisions),
        "actions": _shares(counted.actions, counted.decisions),
        "models": list(
            DecisionBatch.objects.order_by("model_version").values_list("model_version", flat=True).distinct()[:100]
        ),
        "newest": _newest(period),
        "most": frequencies.MOST,
    }
    return render(request, "console/decisions.html", context(request, "Decisions", **values))


def _shares(counts: dict[str, int], of: int) -> list[dict[str, Any]]:
    """The most frequent with their share in per cent: bars of the page."""
    return [
        {"name": name, "count": count, "share": f"{100 * count / of:.1f}"}
        for name, count in list(counts.items())[:_BARS]
    ]


def _newest(period: Period) -> list[Decision]:
    shown = ("id", "chosen", "score", "batch__created_at", "batch__model_version", "batch__purpose")
    rows = Decision.objects.select_related("batch").only(*shown)
    if period.model_version:
        rows = rows.filter(batch__model_version=period.model_version)
    if period.action:
        rows = rows.filter(chosen=period.action)
    if period.effect:
        rows = rows.filter(batch__header__contains=f'"effect":"{period.effect}"')
    if period.since:
        rows = rows.filter(batch__created_at__gte=period.since)
    if period.until:
        rows = rows.filter(batch__created_at__lt=period.until)
    return list(rows.order_by("-id")[:_LISTED])


@require_safe
@permission_required("audit.view_decision", raise_exception=True)
@absent_is_not_found
def decision(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """One decision as the officer reads it, beside what the person reads (Art. 15(1)(h), 22)."""
    dossier = dossiers.of(decision_id, Tier.DPO, actor=actor_of(request))
    open_ = next((one for one in reviews.of_decision(decision_id) if one.state != Review.State.DECIDED), None)
    values = {
        "dossier": dossier,
        "decision_id": decision_id,
        "person": [_person(dossier.decision, language) for language in ("en", "pl")],
        "review": open_,
        "statement": _statement(request, open_),
        "mine": open_ is not None and open_.assignee == str(actor_of(request)),
        "may_review": request.user.has_perm(_REVIEW),
        "outcomes": Review.Outcome.choices,
    }
    return render(request, "console/decision.html", context(request, "Decision", **values))


@require_safe
@permission_required("audit.view_decision", raise_exception=True)
@absent_is_not_found
def paper(request: HttpRequest, decision_id: UUID, tier: str) -> HttpResponse:
    """The dossier as a signed PDF; the authority's opens the frozen input and takes the right to review."""
    if tier not in {Tier.DPO, Tier.AUTHORITY}:
        raise Http404
    if tier == Tier.AUTHORITY and not request.user.has_perm(_REVIEW):
        raise PermissionDenied
    dossier = dossiers.of(decision_id, Tier(tier), actor=actor_of(request))
    response = HttpResponse(papers.of_dossier(dossier), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="decision-{decision_id}-{tier}.pdf"'
    return response


@require_safe
@permission_required("audit.view_decision", raise_exception=True)
@absent_is_not_found
def receipt(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """The proof of one decision, for `audit/verify.py --decision`."""
    response = HttpResponse(decisions.prove(decision_id), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="decision-{decision_id}.json"'
    return response


@require_POST
@permission_required(_REVIEW, raise_exception=True)
def review(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Take the open review, or decide it. What cannot be done is said on the page."""
    actor = actor_of(request)
    open_ = next((one for one in reviews.of_decision(decision_id) if one.state != Review.State.DECIDED), None)
    try:
        if open_ is None:
            messages.warning(request, "Nobody waits for a review of this decision.")
        elif "take" in request.POST:
            reviews.assign(open_.id, assignee=actor, actor=actor)
            messages.success(request, "The review is yours.")
        else:
            _decide(request, open_, actor)
            messages.success(request, "Decided. The person is written to.")
    except GovernanceError as error:
        messages.error(request, str(error) or error.title)
    return HttpResponseRedirect(reverse("console_decision", args=[decision_id]))


def _statement(request: HttpRequest, open_: reviews.Review | None) -> str:
    """What the person said, for whoever has taken the review; that it was read is an entry of the log."""
    actor = actor_of(request)
    if open_ is None or open_.assignee != str(actor):
        return ""
    with transaction.atomic():
        log.emit(
            "decision.statement_read",
            actor=actor,
            object=f"decision:{open_.decision_id}",
            purpose=dossiers.PURPOSE,
            subject=open_.subject,
        )
        return sealing.open_one(open_.subject, sealing.STATEMENT, open_.sealed_statement).decode()


def _decide(request: HttpRequest, open_: reviews.Review, actor: Any) -> None:
    reason = request.POST.get("reason", "").strip()[:4000]
    (sealed,) = sealing.seal_many([open_.subject], sealing.REASON, [reason.encode()]) if reason else (b"",)
    reviews.decide(
        open_.id,
        outcome=request.POST.get("outcome", ""),
        ground=request.POST.get("ground", ""),
        sealed_reason=sealed,
        new_action=request.POST.get("new_action", "").strip(),
        actor=actor,
    )


def _person(record: decisions.Decision, language: str) -> reasons.Explanation | None:
    try:
        return reasons.explain_decision(record, language)
    except TemplatesMissing:
        return None
