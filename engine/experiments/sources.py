"""What experiments hold about a person: which arms they were exposed to."""

from __future__ import annotations

from typing import Any

from engine.experiments.models import Exposure
from governance.kernel.subject_tables import SubjectTable


class ExposuresSource(SubjectTable):
    """Arms of experiments (observed)."""

    key = "experiments.exposures"
    title = "Tests that you took part in"
    model = Exposure
    related = ("experiment",)
    categories: tuple[str, ...] = ("experiments",)
    order = 150

    def describe(self, row: Exposure) -> dict[str, Any]:
        return {"experiment": row.experiment.key, "arm": row.arm, "exposed_at": row.exposed_at.isoformat()}
