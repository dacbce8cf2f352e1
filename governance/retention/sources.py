"""Where this package refers to a person: a legal hold names whose data it keeps."""

from __future__ import annotations

from django.db import connection

from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, Retained, SourceDefaults
from governance.retention.models import LegalHold

_TABLE = "retention_legalhold"
_GROUND = "Art. 17(3)(e): the record that data were held for legal claims"
_UNGROUNDED = "SELECT count(*) FROM retention_legalhold WHERE subject_id = %s AND reason = ''"


class LegalHolds(SourceDefaults):
    """Holds on a person. They stay after an erasure, as the ground on which something was kept; the id in them leads
    nowhere then."""

    key = "retention.holds"
    title = "Legal holds"
    tables = frozenset({_TABLE})
    categories: tuple[str, ...] = ("legal",)
    order = 900

    def locate(self, subject: SubjectId) -> Located:
        return Located({_TABLE: LegalHold.objects.filter(subject_id=subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """That there is a hold, and since when. The reason is about a claim in preparation (Art. 15(4))."""
        rows = LegalHold.objects.filter(subject_id=subject).order_by("pk")
        return [
            ExportRecord(_TABLE, "observed", None, {"placed_at": row.placed_at.isoformat(), "released_at": _iso(row)})
            for row in rows
        ]

    def erase(self, subject: SubjectId) -> Erased:
        kept = LegalHold.objects.filter(subject_id=subject).count()
        return Erased(retained=(Retained(_TABLE, kept, _GROUND, None),) if kept else ())

    def residual(self, subject: SubjectId) -> Residual:
        """Holds without a reason, which nothing would entitle us to keep; the database refuses such a row."""
        with connection.cursor() as cursor:
            cursor.execute(_UNGROUNDED, [subject])
            return Residual(cursor.fetchone()[0], sha256_hex(_UNGROUNDED.encode()))


def _iso(row: LegalHold) -> str | None:
    return row.released_at.isoformat() if row.released_at else None
