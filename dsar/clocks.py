"""The legal clock of a request (Art. 12(3), Regulation 1182/71): pure dates, no database.

A request is answered without undue delay and within one month of receipt. The period ends with the same-numbered day
of the next month (its last day, if there is none), and runs on to the next working day when that day is a Saturday,
Sunday or public holiday. It may be extended once by two further months, with reasons, told within the first month.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dsar.errors import ExtensionRefused
from dsar.holidays import is_working_day

MONTHS = 1
EXTENSION_MONTHS = 2
SOON_DAYS = 7
MINIMUM_REASONS = 10


class Pace(StrEnum):
    """How a request stands against its clock; shown in words, never by colour alone."""

    ON_TRACK = "on_track"
    APPROACHING = "approaching"
    OVERDUE = "overdue"
    ANSWERED = "answered"


@dataclass(frozen=True)
class Clock:
    """The clock of one request on one day: ``days_left`` is negative when overdue."""

    received_on: date
    due_on: date
    extended: bool
    days_left: int
    pace: Pace


def add_months(day: date, months: int) -> date:
    """The same-numbered day ``months`` later, or the last day of that month when it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def next_working_day(day: date, country: str) -> date:
    """``day`` itself if it is a working day of ``country``, otherwise the first one after it."""
    while not is_working_day(day, country):
        day += timedelta(days=1)
    return day


def due(received_on: date, country: str, *, extended: bool = False) -> date:
    """The last day to answer a request received on ``received_on``; the day of receipt is not counted."""
    months = MONTHS + (EXTENSION_MONTHS if extended else 0)
    return next_working_day(add_months(received_on, months), country)


def extend(received_on: date, on: date, country: str, *, reasons: str, already_extended: bool) -> date:
    """The new last day when the clock is extended on ``on``, or raises :class:`ExtensionRefused` (Art. 12(3))."""
    if already_extended:
        raise ExtensionRefused("The time limit of this request was extended before.")
    if len(reasons.strip()) < MINIMUM_REASONS:
        raise ExtensionRefused("An extension needs its reasons: the person is told them.")
    if on < received_on:
        raise ExtensionRefused("An extension cannot be dated before the request was received.")
    if on > due(received_on, country):
        raise ExtensionRefused("The person must be told of an extension within one month of receipt.")
    return due(received_on, country, extended=True)


def read(received_on: date, due_on: date, today: date, *, extended: bool = False, answered: bool = False) -> Clock:
    """The clock as it stands on ``today``."""
    days_left = (due_on - today).days
    if answered:
        pace = Pace.ANSWERED
    elif days_left < 0:
        pace = Pace.OVERDUE
    elif days_left <= SOON_DAYS:
        pace = Pace.APPROACHING
    else:
        pace = Pace.ON_TRACK
    return Clock(received_on, due_on, extended, days_left, pace)
