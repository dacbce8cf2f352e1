"""Public holidays that move a legal deadline (Regulation (EEC, Euratom) 1182/71, Art. 3(4)), per country, as rules.

Poland: Act of 18 January 1951 on days free from work, as amended (Epiphany since 2011, Christmas Eve since 2025).
Another country is added by one more entry of :data:`RULES`.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm of Meeus, Jones and Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)


# (month, day, first year in force)
_POLAND_FIXED = (
    (1, 1, 1951),  # New Year's Day
    (1, 6, 2011),  # Epiphany
    (5, 1, 1951),  # State holiday
    (5, 3, 1990),  # Constitution Day
    (8, 15, 1989),  # Assumption
    (11, 1, 1951),  # All Saints' Day
    (11, 11, 1989),  # Independence Day
    (12, 24, 2025),  # Christmas Eve
    (12, 25, 1951),  # Christmas Day
    (12, 26, 1951),  # Second day of Christmas
)
_POLAND_FROM_EASTER = (0, 1, 49, 60)  # Easter Sunday, Easter Monday, Pentecost, Corpus Christi


def _poland(year: int) -> frozenset[date]:
    fixed = {date(year, month, day) for month, day, since in _POLAND_FIXED if year >= since}
    easter = easter_sunday(year)
    return frozenset(fixed | {easter + timedelta(days=days) for days in _POLAND_FROM_EASTER})


RULES: dict[str, Callable[[int], frozenset[date]]] = {"PL": _poland}


@lru_cache(maxsize=256)
def holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of ``country`` (ISO 3166-1 alpha-2) in ``year``. Raises ``KeyError`` for a country without rules."""
    return RULES[country](year)


def is_working_day(day: date, country: str) -> bool:
    """Whether ``day`` is neither Saturday, Sunday nor a public holiday of ``country``."""
    return day.weekday() < 5 and day not in holidays(country, day.year)
