"""What experiments hold about a person: which arms they were exposed to."""

import hashlib
from typing import Final

from django.db import connection

from engine.experiments.models import Exposure
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults

_TABLE: Final = Exposure._meta.db_table
_RESIDUAL: Final = f"SELECT count(*) FROM {_TABLE} WHERE subject_id = %s"  # noqa: S608 - a table name of ours


class ExposuresSource(SourceDefaults):
    """Arms of experiments (observed)."""

    key = "experiments.exposures"
    title = "Tests that you took part in"
    tables = frozenset({_TABLE})
    categories: tuple[str, ...] = ("experiments",)
    order = 150

    def locate(self, subject: SubjectId) -> Located:
        return Located({_TABLE: Exposure.objects.filter(subject_id=subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        rows = Exposure.objects.select_related("experiment").filter(subject_id=subject).order_by("id")
        return [
            ExportRecord(
                _TABLE,
                "observed",
                None,
                {"experiment": row.experiment.key, "arm": row.arm, "exposed_at": row.exposed_at.isoformat()},
            )
            for row in rows
        ]

    def erase(self, subject: SubjectId) -> Erased:
        deleted, _ = Exposure.objects.filter(subject_id=subject).delete()
        return Erased(deleted=deleted)

    def residual(self, subject: SubjectId) -> Residual:
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, [subject])
            count: int = cursor.fetchone()[0]
        return Residual(count, hashlib.sha256(_RESIDUAL.encode()).hexdigest())
