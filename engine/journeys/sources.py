"""What journeys hold about a person: where they are in which."""

import hashlib
from typing import Final

from django.db import connection

from engine.journeys.models import Place
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults

_TABLE: Final = Place._meta.db_table
_RESIDUAL: Final = f"SELECT count(*) FROM {_TABLE} WHERE subject_id = %s"  # noqa: S608 - a table name of ours


class PlacesSource(SourceDefaults):
    """Places in journeys (observed)."""

    key = "journeys.places"
    title = "Sequences of messages that you are in"
    tables = frozenset({_TABLE})
    categories: tuple[str, ...] = ("communication history",)
    order = 140

    def locate(self, subject: SubjectId) -> Located:
        return Located({_TABLE: Place.objects.filter(subject_id=subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        rows = Place.objects.select_related("journey").filter(subject_id=subject).order_by("id")
        return [
            ExportRecord(
                _TABLE,
                "observed",
                None,
                {
                    "journey": row.journey.key,
                    "version": row.journey.version,
                    "step": row.position,
                    "state": row.state,
                    "entered_at": row.entered_at.isoformat(),
                },
            )
            for row in rows
        ]

    def erase(self, subject: SubjectId) -> Erased:
        deleted, _ = Place.objects.filter(subject_id=subject).delete()
        return Erased(deleted=deleted)

    def residual(self, subject: SubjectId) -> Residual:
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, [subject])
            count: int = cursor.fetchone()[0]
        return Residual(count, hashlib.sha256(_RESIDUAL.encode()).hexdigest())
