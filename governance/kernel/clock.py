"""The one clock. Everything asks here for the time, so that a test can say what time it is."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The current calendar day in UTC."""
    return now().date()
