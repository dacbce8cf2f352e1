"""Pages of the console that are not lists or forms: verify the log, explain a decision."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from audit import checkpoints, decisions, reasons, verification

_SUPPORTS, _OPPOSES = "#2e6954", "#b45309"


def _context(request: HttpRequest, title: str, **values: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **values}


@require_http_methods(["GET", "POST"])
@permission_required("audit.view_entry", raise_exception=True)
def log(request: HttpRequest) -> HttpResponse:
    """The last checkpoint; a POST verifies the whole log and shows the report."""
    values: dict[str, Any] = {"checkpoint": checkpoints.latest()}
    if request.method == "POST":
        started = time.perf_counter()
        values["report"] = verification.verify_log()
        values["seconds"] = time.perf_counter() - started
    return render(request, "console/log.html", _context(request, "Verify the log", **values))


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason as a signed bar; `x` and `width` in units of a box from -100 to 100."""

    text: str
    signed: str
    x: float
    width: float
    colour: str


@permission_required("audit.view_decision", raise_exception=True)
def decision(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """One decision as the DPO reads it, beside what the person reads (Art. 15(1)(h), 22)."""
    record = decisions.get(decision_id)
    explanation = reasons.explain(decision_id, "en", tier=reasons.Tier.DPO)
    return render(
        request,
        "console/decision.html",
        _context(
            request,
            "Decision",
            explanation=explanation,
            bars=_bars(explanation.reasons),
            facts=_facts(record),
            person_en=reasons.explain(decision_id, "en"),
            person_pl=reasons.explain(decision_id, "pl"),
        ),
    )


def _bars(given: tuple[reasons.Reason, ...]) -> list[Bar]:
    largest = max((abs(reason.contribution) for reason in given), default=1.0) or 1.0
    bars = []
    for reason in given:
        share = 100 * reason.contribution / largest
        colour = _SUPPORTS if share >= 0 else _OPPOSES
        bars.append(Bar(reason.text, f"{reason.contribution:+.3f}", min(0.0, share), abs(share), colour))
    return bars


def _facts(record: decisions.Decision) -> list[tuple[str, Any]]:
    return [
        ("Action", record.chosen),
        ("Score", record.score),
        ("Decided", record.decided_at),
        ("Purpose", record.purpose),
        ("Model", record.model_version),
        ("Policy", record.policy_version),
        ("Notice", record.notice_version),
        ("Verdict of the gate", record.verdict_id),
        ("Consent event", record.consent_event_id),
        ("Log entry of the batch", record.entry_id),
    ]
