"""The clock of Art. 33(1): 72 hours from when we became aware, through nights, weekends and holidays.

A period in hours does not wait for a working day (Regulation 1182/71, Art. 3(4)). Its length is a setting, because
the law is moving; what a breach got when it became known stays with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from governance.incidents.models import PersonalDataBreach
from governance.incidents.phases import Phase, Risk
from governance.kernel.clock import now


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A breach whose authority waits. `left` is negative once the deadline has passed."""

    id: UUID
    title: str
    aware_at: datetime
    due_at: datetime
    left: timedelta

    @property
    def overdue(self) -> bool:
        return self.left < timedelta(0)


def length() -> timedelta:
    """72 hours, unless the setting ZGODA_BREACH_CLOCK_HOURS says otherwise."""
    return timedelta(hours=getattr(settings, "ZGODA_BREACH_CLOCK_HOURS", 72))


def due(aware_at: datetime) -> datetime:
    """Until when the authority is notified."""
    return aware_at + length()


def running() -> list[RunningClock]:
    """Breaches that are known, not found to be without risk, and not notified yet; the most urgent first."""
    waiting = PersonalDataBreach.objects.filter(phase__in=[Phase.AWARE, Phase.ASSESSED]).exclude(risk=Risk.NONE)
    at = now()
    return [
        RunningClock(breach.id, breach.title, breach.aware_at, breach.due_at, breach.due_at - at)
        for breach in waiting.order_by("due_at")
        if breach.aware_at is not None and breach.due_at is not None
    ]
