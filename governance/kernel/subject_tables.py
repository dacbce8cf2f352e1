"""The commonest personal-data source: one table whose rows are about one person each and go with them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import connection, models

from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Provenance, Residual, SourceDefaults


def count_residual(query: str, subject: SubjectId) -> Residual:
    """What `query` still finds; it takes the subject's id as text in every `%(subject)s`.

    Compared as text the id is searched for by scan, not through the index and the ORM that `erase` uses: what one of the two ways
    misses the other finds.
    """
    with connection.cursor() as cursor:
        cursor.execute(query, {"subject": str(subject)})
        (count,) = cursor.fetchone()
    return Residual(count, sha256_hex(query.encode()))


class SubjectTable(SourceDefaults):
    """A source over one model with a `subject_id`. A subclass names the model and says what the person reads of a row."""

    model: ClassVar[type[models.Model]]
    provenance: ClassVar[Provenance] = "observed"
    # What `describe` follows from a row.
    related: ClassVar[tuple[str, ...]] = ()
    table: ClassVar[str]
    tables: frozenset[str]

    def __init_subclass__(cls) -> None:
        cls.table = cls.model._meta.db_table
        cls.tables = frozenset({cls.table})

    def describe(self, row: Any) -> dict[str, Any]:
        """The row in the person's package (Art. 15), as JSON holds it."""
        raise NotImplementedError

    def purpose_of(self, row: Any) -> str | None:
        """The purpose that the row was processed for, where it has one."""
        return None

    def locate(self, subject: SubjectId) -> Located:
        return Located({self.table: self._rows(subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        rows = self._rows(subject).select_related(*self.related).order_by("pk")
        return [ExportRecord(self.table, self.provenance, self.purpose_of(row), self.describe(row)) for row in rows]

    def erase(self, subject: SubjectId) -> Erased:
        deleted, _ = self._rows(subject).delete()
        return Erased(deleted=deleted)

    def residual(self, subject: SubjectId) -> Residual:
        query = f"SELECT count(*) FROM {self.table} WHERE subject_id::text = %(subject)s"  # noqa: S608 - a table of ours
        return count_residual(query, subject)

    def _rows(self, subject: SubjectId) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(subject_id=subject)
