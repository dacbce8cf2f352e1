"""The way from a page to a consent that counts, in numbers: served, answered, letter sent, given, confirmed.

Served and not answered is a fact too: a rate of consent without it says nothing (Art. 7(4), recital 42). Nothing here is about anybody:
a tally has a day, a surface, a notice version and a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from consent.models import OptInTally
from consent.terms import OptInStep
from governance.kernel.clock import today

_COUNT = """
    INSERT INTO consent_optin_tally (day, surface, notice_version_id, step, count)
    SELECT %(day)s, %(surface)s, notice, %(step)s, 1 FROM unnest(%(notices)s::uuid[]) notice ORDER BY notice
    ON CONFLICT (day, surface, notice_version_id, step) DO UPDATE SET count = consent_optin_tally.count + 1
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel: how often, and which share of the step before."""

    step: OptInStep
    count: int
    of_previous: float | None


def count(step: OptInStep, surface: str, notices: Iterable[UUID]) -> None:
    """Count one more for each notice (once however often it is named)."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT, {"day": today(), "surface": surface[:40], "step": step.value, "notices": sorted(set(notices))}
        )


def stages(*, since: date, notices: Iterable[UUID] | None = None, surface: str = "") -> list[Stage]:
    """The funnel since a day, of some notices or surfaces or of all."""
    rows = OptInTally.objects.filter(day__gte=since)
    if notices is not None:
        rows = rows.filter(notice_version_id__in=list(notices))
    if surface:
        rows = rows.filter(surface=surface)
    sums = dict(rows.values_list("step").annotate(times=Sum("count")).order_by())
    found: list[Stage] = []
    for step in OptInStep:
        times = int(sums.get(step.value, 0))
        before = found[-1].count if found else 0
        found.append(Stage(step, times, times / before if before else None))
    return found
