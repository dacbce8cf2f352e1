"""The independent search after an erasure: it trusts neither the plan nor the sources.

Three looks: each source's own residual query; every table of the database that has a column for a subject, found in
the catalogue of PostgreSQL itself; and the claims of the request, under which the vault must not find anybody any more.
A row counts as residual unless a source declared it retained, with a ground, or it is a tombstone that holds nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from psycopg import sql

from dsar import identity_lookup
from dsar.models import Plan, RescanResult, Step, SubjectRequest
from governance.kernel import clock, personal_data
from governance.kernel.canonical import digest
from governance.kernel.ids import SubjectId

# Ordinary and partitioned tables (not the partitions themselves: the parent answers for them) outside the system schemas.
_COLUMNS = """
    SELECT c.relname, a.attname
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname = current_schema()
      AND a.atttypid = 'uuid'::regtype
      AND (a.attname IN ('subject', 'subject_id') OR a.attname LIKE '%%\\_subject\\_id')
    ORDER BY 1, 2
"""


# Rows that stay without content: a condition that shows it, checked by the search itself, and the ground of keeping them.
TOMBSTONES: dict[str, tuple[str, str]] = {
    "consent_ledger_head": (
        "erased_at IS NOT NULL",
        "Art. 5(2), 17(1): the mark by which the gate refuses from now on",
    ),
    "consent_evidence": ("ciphertext IS NULL", "Art. 5(2): the digest of evidence that was destroyed"),
}


@dataclass(frozen=True, order=True)
class SubjectColumn:
    """A column that can hold the opaque id of a data subject."""

    table: str
    column: str


@dataclass(frozen=True)
class TableFinding:
    """What is left in one column: found rows, empty tombstones among them, those that a ground covers, and the rest."""

    table: str
    column: str
    found: int
    tombstones: int
    retained: int

    @property
    def residual(self) -> int:
        """Rows with content that no ground covers."""
        return max(0, self.found - self.tombstones - self.retained)


@dataclass(frozen=True)
class Rescan:
    """The result of a search; zero is what an erasure needs."""

    tables: tuple[TableFinding, ...]
    sources: dict[str, int]
    query_sha256s: dict[str, str]
    identifiers_found: int

    @property
    def residual(self) -> int:
        """Everything that is left without a ground."""
        return sum(finding.residual for finding in self.tables) + sum(self.sources.values()) + self.identifiers_found

    @property
    def digest(self) -> str:
        """SHA-256 over the queries that were asked."""
        asked = [[finding.table, finding.column] for finding in self.tables]
        return digest({"columns": asked, "sources": dict(sorted(self.query_sha256s.items()))})


def subject_columns() -> tuple[SubjectColumn, ...]:
    """Every column of the database that can hold a subject, from PostgreSQL's catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        return tuple(SubjectColumn(table, column) for table, column in cursor.fetchall())


def search(request: SubjectRequest, plan: Plan) -> Rescan:
    """Search for the person of a request after the steps of ``plan``. Reads only."""
    assert request.subject_id is not None  # noqa: S101 - a plan exists only for a found person
    subject = SubjectId(request.subject_id)
    retained = _retained(plan)
    findings = []
    for place in subject_columns():
        found, tombstones = _count(place, subject)
        declared = min(found - tombstones, retained[place.table])
        findings.append(TableFinding(place.table, place.column, found, tombstones, declared))
    residuals = {source.key: source.residual(subject) for source in personal_data.sources()}
    return Rescan(
        tables=tuple(findings),
        sources={key: residual.count for key, residual in residuals.items()},
        query_sha256s={key: residual.query_sha256 for key, residual in residuals.items()},
        identifiers_found=identity_lookup.still_found(request),
    )


def record(plan: Plan, result: Rescan) -> RescanResult:
    """Keep a result, in the caller's transaction."""
    return RescanResult.objects.create(
        plan=plan,
        at=clock.now(),
        residual=result.residual,
        tables=[
            {
                "table": finding.table,
                "column": finding.column,
                "found": finding.found,
                "tombstones": finding.tombstones,
                "retained": finding.retained,
                "residual": finding.residual,
            }
            for finding in result.tables
        ],
        sources=[
            {"source": key, "residual": count, "query_sha256": result.query_sha256s[key]}
            for key, count in sorted(result.sources.items())
        ],
        identifiers_found=result.identifiers_found,
        query_sha256=result.digest,
    )


def steps_to_reopen(plan: Plan, result: Rescan) -> list[Step]:
    """The steps whose sources answer for what was found; the vault's too when somebody is still found there."""
    tables = {finding.table for finding in result.tables if finding.residual}
    keys = {key for key, count in result.sources.items() if count}
    for source in personal_data.sources():
        if source.tables & tables or (result.identifiers_found and source.order >= 1000):
            keys.add(source.key)
    return list(plan.steps.filter(source_key__in=keys))


def _retained(plan: Plan) -> Counter[str]:
    counter: Counter[str] = Counter()
    for kept in plan.steps.values_list("retained", flat=True):
        for item in kept:
            counter[item["table"]] += item["count"]
    return counter


def _count(place: SubjectColumn, subject: UUID) -> tuple[int, int]:
    """Rows about the subject, and how many of them are tombstones."""
    condition = TOMBSTONES[place.table][0] if place.table in TOMBSTONES else "false"
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}) FROM {} WHERE {} = %s").format(
        sql.SQL(condition), sql.Identifier(place.table), sql.Identifier(place.column)
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [subject])
        found, tombstones = cursor.fetchone()
        return int(found), int(tombstones)
