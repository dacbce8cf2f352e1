"""What journeys hold about a person: where they are in which."""

from __future__ import annotations

from typing import Any

from engine.journeys.models import Place
from governance.kernel.subject_tables import SubjectTable


class PlacesSource(SubjectTable):
    """Places in journeys (observed)."""

    key = "journeys.places"
    title = "Sequences of messages that you are in"
    model = Place
    related = ("journey",)
    categories: tuple[str, ...] = ("communication history",)
    order = 140

    def describe(self, row: Place) -> dict[str, Any]:
        return {
            "journey": row.journey.key,
            "version": row.journey.version,
            "step": row.position,
            "state": row.state,
            "entered_at": row.entered_at.isoformat(),
        }
