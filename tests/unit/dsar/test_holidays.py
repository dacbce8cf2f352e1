"""Public holidays of Poland against published calendars."""

from datetime import date

import pytest

from dsar.holidays import easter_sunday, holidays, is_working_day


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (1961, 4, 2),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2038, 4, 25),
    ],
)
def test_easter_falls_where_the_almanac_says(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


def test_poland_2025_has_its_fourteen_holidays() -> None:
    assert sorted(holidays("PL", 2025)) == [
        date(2025, 1, 1),
        date(2025, 1, 6),
        date(2025, 4, 20),
        date(2025, 4, 21),
        date(2025, 5, 1),
        date(2025, 5, 3),
        date(2025, 6, 8),
        date(2025, 6, 19),
        date(2025, 8, 15),
        date(2025, 11, 1),
        date(2025, 11, 11),
        date(2025, 12, 24),
        date(2025, 12, 25),
        date(2025, 12, 26),
    ]


def test_christmas_eve_is_free_only_since_2025() -> None:
    assert is_working_day(date(2024, 12, 24), "PL")
    assert not is_working_day(date(2025, 12, 24), "PL")


def test_a_country_without_rules_is_refused_and_not_guessed() -> None:
    with pytest.raises(KeyError):
        is_working_day(date(2026, 1, 5), "XX")
