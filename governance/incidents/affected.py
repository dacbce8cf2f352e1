"""How many people and records a breach touched, with the query that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from psycopg import sql

from governance.incidents.errors import TableUnknown
from governance.kernel import personal_data
from governance.kernel.clock import now

_SUBJECT_COLUMNS = ("subject_id", "subject")


@dataclass(frozen=True, slots=True)
class Affected:
    """Approximate numbers (Art. 33(3)(a)), the query that produced them, and when it ran."""

    people: int
    records: int
    query: str
    measured_at: datetime


def count(
    table: str, *, time_column: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> Affected:
    """Count the people and rows of a table with personal data, within a window of one of its time columns.

    Any table that a registered source answers for and that has a subject column can be counted. Raises TableUnknown.
    """
    columns = _columns(table) if table in personal_data.covered_tables() else {}
    subject = next((name for name in _SUBJECT_COLUMNS if name in columns), None)
    if subject is None or (time_column is not None and not columns.get(time_column, "").startswith("timestamp")):
        raise TableUnknown("No source answers for such a table with a subject and that time column.")
    conditions = []
    for bound, sign in ((since, ">="), (until, "<")):
        if time_column is not None and bound is not None:
            conditions.append(
                sql.SQL("{} {} {}").format(sql.Identifier(time_column), sql.SQL(sign), sql.Literal(bound))
            )
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
    query = sql.SQL("SELECT count(DISTINCT {}), count(*) FROM {}{}").format(
        sql.Identifier(subject), sql.Identifier(table), where
    )
    with connection.cursor() as cursor:
        text = query.as_string(cursor.cursor)
        cursor.execute(text)
        people, records = cursor.fetchone()
    return Affected(people, records, text, now())


def _columns(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s",
            [table],
        )
        return dict(cursor.fetchall())
