"""Journeys move by the clock."""

from engine.journeys import travel
from governance.jobs.handlers import every


@every(seconds=5, name="journeys.move")
def move() -> None:
    """Start what is due, then take everybody who is due a step on, until nobody is."""
    travel.start_due()
    while travel.advance():
        pass
