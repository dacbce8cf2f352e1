"""The Today page: four numbers, what needs a person by legal deadline, the last ninety days, and what happened last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate, TruncWeek
from django.http import HttpRequest
from django.urls import reverse

from audit import reviews
from audit.heads import checkpoints
from audit.models import Checkpoint, Entry
from consent import propagation, spool
from consent.models import ConsentEvent, ConsentState
from consent.terms import EventType, State
from dsar.models import SubjectRequest
from dsar.states import ANSWERED, FINAL, Status
from governance.aggregates.models import Budget
from governance.incidents import clocks as breach_clocks
from governance.jobs import queue
from governance.kernel import clock

_DAYS = 90
_WEEKS = 12
_LOW_BUDGET = 0.2
_LAST_ENTRIES = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the big numbers: its value, what it is made of, and the list behind it."""

    title: str
    value: str
    detail: str
    link: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person, with the deadline that the law gives it."""

    title: str
    article: str
    due: datetime | None
    state: str
    link: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the Today page. A visitor sees the numbers of what they may view."""
    permitted = request.user.has_perm
    context |= {
        "title": "Today",
        "as_of": clock.now(),
        "figures": [figure for permission, figure in _figures() if permitted(permission)],
        "needs": sorted(_needs(permitted), key=lambda need: need.due or datetime.max.replace(tzinfo=UTC)),
        "tracker": _tracker() if permitted("audit.view_entry") else [],
        "trend": json.dumps(_trend()) if permitted("consent.view_consentevent") else "",
        "checkpoint": checkpoints.latest() if permitted("audit.view_checkpoint") else None,
        "entries": Entry.objects.order_by("-id")[:_LAST_ENTRIES] if permitted("audit.view_entry") else [],
    }
    return context


def _open_requests() -> Any:
    return SubjectRequest.objects.exclude(status__in=[status.value for status in ANSWERED | FINAL])


def _figures() -> Iterator[tuple[str, Figure]]:
    counts = _open_requests().aggregate(open=Count("id"), overdue=Count("id", filter=Q(due_on__lt=clock.today())))
    requests = reverse("admin:dsar_subjectrequest_changelist")
    yield "dsar.view_subjectrequest", Figure("Open requests", str(counts["open"]), "of people, Art. 15 to 22", requests)
    overdue = Figure("Overdue", str(counts["overdue"]), "past the legal date", f"{requests}?due_on__lt={clock.today()}")
    yield "dsar.view_subjectrequest", overdue
    yield "consent.view_consentstate", _consent_rate()
    yield "aggregates.view_budget", _budget_left()


def _consent_rate() -> Figure:
    """Given, of all that were asked and answered; the change is given less withdrawn in the last week."""
    answered = [State.GIVEN, State.REFUSED, State.WITHDRAWN, State.EXPIRED]
    counts = ConsentState.objects.filter(status__in=answered).aggregate(
        given=Count("id", filter=Q(status=State.GIVEN)), answered=Count("id")
    )
    week = ConsentEvent.objects.filter(received_at__gte=clock.now() - timedelta(days=7)).aggregate(
        given=Count("id", filter=Q(event_type=EventType.GIVEN)),
        withdrawn=Count("id", filter=Q(event_type=EventType.WITHDRAWN)),
    )
    rate = f"{counts['given'] / counts['answered']:.0%}" if counts["answered"] else "–"
    detail = f"{week['given']} given, {week['withdrawn']} withdrawn in 7 days"
    return Figure("Consent rate", rate, detail, reverse("admin:consent_consentstate_changelist"))


def _budget_left() -> Figure:
    shares = Budget.objects.annotate(left=1.0 - 1.0 * F("epsilon_used_micro") / F("epsilon_total_micro"))
    scarcest = shares.order_by("left").first()
    link = reverse("admin:aggregates_budget_changelist")
    if scarcest is None:
        return Figure("Privacy budget left", "–", "no budget has been set", link)
    return Figure("Privacy budget left", f"{scarcest.left:.0%}", f"the scarcest: {scarcest}", link)


def _needs(permitted: Any) -> Iterator[Need]:
    if permitted("dsar.view_subjectrequest"):
        for one in _open_requests().order_by("due_on")[:10]:
            waiting = "approve the plan" if one.status == Status.PLANNED else one.status.replace("_", " ")
            link = reverse("admin:dsar_subjectrequest_change", args=[one.id])
            yield Need(f"{one.type} request: {waiting}", "Art. 12(3)", _end_of(one.due_on), _state(one.due_on), link)
    if permitted("audit.view_review"):
        for review in reviews.waiting():
            waits = "decide" if review.assignee else "take it"
            link = reverse("console_decision", args=[review.decision_id])
            title = f"Review of an automated decision: {waits}"
            yield Need(title, "Art. 22(3)", _end_of(review.due_on), _state(review.due_on), link)
    if permitted("incidents.view_personaldatabreach"):
        for breach in breach_clocks.running():
            link = reverse("admin:incidents_personaldatabreach_change", args=[breach.id])
            yield Need("Breach: notify the authority", "Art. 33(1)", breach.due_at, _state(breach.due_at.date()), link)
    if permitted("aggregates.view_budget"):
        for budget in Budget.objects.filter(epsilon_used_micro__gt=(1 - _LOW_BUDGET) * F("epsilon_total_micro")):
            link = reverse("admin:aggregates_budget_change", args=[budget.id])
            yield Need(f"Privacy budget of {budget} is nearly used", "", None, "approaching", link)
    if permitted("consent.view_propagation"):
        yield from _withdrawals_under_way()
    if permitted("jobs.view_job") and (dead := queue.counts()["dead"]):
        link = reverse("admin:jobs_job_changelist") + "?state__exact=dead"
        yield Need(f"{dead} jobs were given up", "", None, "overdue", link)


def _withdrawals_under_way() -> Iterator[Need]:
    """Changes of consents that some system has not settled in its time, and withdrawals that could not be applied."""
    link = reverse("admin:consent_propagation_changelist") + "?escalated_at__isempty=0&state__exact=waiting"
    if late := propagation.overdue():
        yield Need(f"{late} changes of consents have not reached a system", "Art. 7(3), 19", None, "overdue", link)
    if spool.overdue():
        title = f"{spool.pending()} withdrawals wait on this host, and its gate is shut: does a worker run here?"
        yield Need(title, "Art. 7(3)", None, "overdue", link)
    if aside := spool.refused():
        yield Need(
            f"{aside} withdrawals of a time without the database were put aside", "Art. 7(3)", None, "overdue", link
        )


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _state(due: date) -> str:
    days = (due - clock.today()).days
    return "overdue" if days < 0 else "approaching" if days <= 7 else "on track"


def _tracker() -> list[dict[str, str]]:
    """One square a day: green with a signed checkpoint, grey without entries, red with entries that none covers."""
    first = clock.today() - timedelta(days=_DAYS - 1)
    start = datetime.combine(first, time.min, UTC)
    signed = set(
        Checkpoint.objects.filter(created_at__gte=start).values_list(TruncDate("created_at"), flat=True).distinct()
    )
    recorded = dict(
        Entry.objects.filter(occurred_at__gte=start)
        .values_list(TruncDate("occurred_at"))
        .annotate(count=Count("id"))
        .order_by()
    )
    squares = []
    for offset in range(_DAYS):
        day = first + timedelta(days=offset)
        if day in signed:
            colour, word = "bg-primary-600", f"{recorded.get(day, 0)} entries, checkpoint signed"
        elif day in recorded:
            colour, word = "bg-red-600", f"{recorded[day]} entries, no checkpoint"
        else:
            colour, word = "bg-base-200 dark:bg-base-800", "no entries"
        squares.append({"color": colour, "tooltip": f"{day.isoformat()}: {word}"})
    return squares


def _trend() -> dict[str, Any]:
    """Given and withdrawn by week, for the theme's line chart."""
    first = clock.now() - timedelta(weeks=_WEEKS)
    rows = (
        ConsentEvent.objects.filter(
            occurred_at__gte=first, event_type__in=[EventType.GIVEN, EventType.WITHDRAWN, EventType.REFUSED]
        )
        .annotate(week=TruncWeek("occurred_at"))
        .values_list("week", "event_type")
        .annotate(count=Count("id"))
        .order_by("week")
    )
    weeks = sorted({week for week, _, _ in rows})
    counted = {(week, kind): count for week, kind, count in rows}
    kinds = (
        (EventType.GIVEN, "Given", "#2e6954"),
        (EventType.WITHDRAWN, "Withdrawn", "#b45309"),
        (EventType.REFUSED, "Refused", "#6b7280"),
    )
    return {
        "labels": [week.date().isoformat() for week in weeks],
        "datasets": [
            {"label": label, "data": [counted.get((week, kind.value), 0) for week in weeks], "borderColor": colour}
            for kind, label, colour in kinds
        ],
    }
