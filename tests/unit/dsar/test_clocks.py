"""The legal clock: month ends, weekends, holidays, and the one extension."""

from datetime import date

import pytest

from dsar import clocks
from dsar.clocks import Pace
from dsar.errors import ExtensionRefused

REASONS = "Many systems have to be searched for this request."


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 3, 10), date(2026, 4, 10)),  # plain: a Friday
        (date(2026, 1, 31), date(2026, 3, 2)),  # no 31 February; the 28th is a Saturday
        (date(2024, 1, 31), date(2024, 2, 29)),  # leap year
        (date(2025, 11, 25), date(2025, 12, 29)),  # Christmas Day, then 26 December, then a weekend
        (date(2025, 11, 24), date(2025, 12, 29)),  # Christmas Eve, free since 2025
        (date(2026, 3, 3), date(2026, 4, 3)),  # Good Friday is a working day in Poland
        (date(2026, 3, 5), date(2026, 4, 7)),  # Easter Sunday and Monday
        (date(2026, 10, 11), date(2026, 11, 12)),  # Independence Day
        (date(2026, 12, 1), date(2027, 1, 4)),  # New Year's Day is a Friday
    ],
)
def test_a_request_is_due_on_the_same_numbered_day_or_the_next_working_one(received: date, due: date) -> None:
    assert clocks.due(received, "PL") == due


def test_an_extension_adds_two_months_to_the_first() -> None:
    due = clocks.extend(date(2026, 3, 10), date(2026, 4, 10), "PL", reasons=REASONS, already_extended=False)
    assert due == date(2026, 6, 10)


def test_an_extension_after_month_one_is_refused() -> None:
    with pytest.raises(ExtensionRefused):
        clocks.extend(date(2026, 3, 10), date(2026, 4, 11), "PL", reasons=REASONS, already_extended=False)


def test_a_second_extension_is_refused() -> None:
    with pytest.raises(ExtensionRefused):
        clocks.extend(date(2026, 3, 10), date(2026, 3, 20), "PL", reasons=REASONS, already_extended=True)


def test_an_extension_without_reasons_is_refused() -> None:
    with pytest.raises(ExtensionRefused):
        clocks.extend(date(2026, 3, 10), date(2026, 3, 20), "PL", reasons="   busy   ", already_extended=False)


@pytest.mark.parametrize(
    ("today", "pace", "left"),
    [
        (date(2026, 3, 11), Pace.ON_TRACK, 30),
        (date(2026, 4, 3), Pace.APPROACHING, 7),
        (date(2026, 4, 10), Pace.APPROACHING, 0),
        (date(2026, 4, 11), Pace.OVERDUE, -1),
    ],
)
def test_the_pace_is_said_in_words(today: date, pace: Pace, left: int) -> None:
    clock = clocks.read(date(2026, 3, 10), date(2026, 4, 10), today)
    assert (clock.pace, clock.days_left) == (pace, left)


def test_an_answered_request_is_not_overdue() -> None:
    assert clocks.read(date(2026, 3, 10), date(2026, 4, 10), date(2026, 9, 1), answered=True).pace is Pace.ANSWERED
