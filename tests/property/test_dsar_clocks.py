"""Properties of the legal clock over every date a service will see."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar import clocks
from dsar.errors import ExtensionRefused
from dsar.holidays import easter_sunday, is_working_day

days = st.dates(min_value=date(2018, 5, 25), max_value=date(2120, 12, 31))
REASONS = "Many systems have to be searched for this request."


@given(days)
def test_a_deadline_is_a_working_day_and_never_before_a_month(received: date) -> None:
    due = clocks.due(received, "PL")
    assert is_working_day(due, "PL")
    assert due >= clocks.add_months(received, 1)


@given(days)
def test_no_working_day_lies_between_the_month_and_the_deadline(received: date) -> None:
    day, due = clocks.add_months(received, 1), clocks.due(received, "PL")
    while day < due:
        assert not is_working_day(day, "PL")
        day += timedelta(days=1)


@given(days, days)
def test_who_comes_first_is_due_first(one: date, other: date) -> None:
    first, second = sorted((one, other))
    assert clocks.due(first, "PL") <= clocks.due(second, "PL")
    assert clocks.due(first, "PL", extended=True) <= clocks.due(second, "PL", extended=True)


@given(days, st.integers(min_value=1, max_value=36))
def test_a_month_later_has_the_same_number_or_is_the_last_day(day: date, months: int) -> None:
    later = clocks.add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or ((later + timedelta(days=1)).day == 1 and later.day < day.day)


@given(days, st.integers(min_value=-5, max_value=200))
def test_an_extension_is_accepted_exactly_inside_month_one(received: date, offset: int) -> None:
    on = received + timedelta(days=offset)
    if received <= on <= clocks.due(received, "PL"):
        due = clocks.extend(received, on, "PL", reasons=REASONS, already_extended=False)
        assert due == clocks.due(received, "PL", extended=True)
        assert due > clocks.due(received, "PL")
    else:
        with pytest.raises(ExtensionRefused):
            clocks.extend(received, on, "PL", reasons=REASONS, already_extended=False)


@given(st.integers(min_value=1900, max_value=2299))
def test_easter_is_a_sunday_between_22_march_and_25_april(year: int) -> None:
    easter = easter_sunday(year)
    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)
