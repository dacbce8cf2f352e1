"""The registry of personal-data sources: every place that holds something about a data subject, and how to reach it.

A source answers for the tables it names. Requests of data subjects (Art. 15-21) and retention walk this registry; that is how
`dsar` erases what `engine` keeps without importing it. It lives in the kernel because the lowest packages have sources too.
An architecture test fails when a table that refers to a subject has no source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from governance.kernel.errors import Conflict
from governance.kernel.ids import SubjectId

Provenance = Literal["given", "observed", "inferred", "received"]


@dataclass(frozen=True, slots=True)
class Located:
    """How many rows about the subject each table holds."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One record for the person's package (Art. 15, 20)."""

    table: str
    provenance: Provenance
    purpose: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Retained:
    """What is kept in spite of an erasure: on which ground (Art. 17(3)) and until when."""

    table: str
    count: int
    ground: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did in one source. Doing it again reports zeros and the same retained rows."""

    deleted: int = 0
    anonymised: int = 0
    shredded: int = 0
    retained: tuple[Retained, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Residual:
    """What an independent query still finds after an erasure, and the digest of that query."""

    count: int
    query_sha256: str


class PersonalDataSource(Protocol):
    """One place with personal data. `order` places it in an erasure: small first, the identity vault (1000) last."""

    key: str
    title: str
    tables: frozenset[str]
    categories: tuple[str, ...]
    order: int

    def locate(self, subject: SubjectId) -> Located: ...
    def export(self, subject: SubjectId) -> list[ExportRecord]: ...
    def rectify(self, subject: SubjectId, field: str, value: str) -> int: ...
    def erase(self, subject: SubjectId) -> Erased: ...
    def restrict(self, subject: SubjectId, restricted: bool) -> int: ...
    def residual(self, subject: SubjectId) -> Residual: ...


class SourceDefaults:
    """For sources without fields that a person could correct and without processing of their own to restrict."""

    def rectify(self, subject: SubjectId, field: str, value: str) -> int:
        return 0

    def restrict(self, subject: SubjectId, restricted: bool) -> int:
        return 0


class SourceRegisteredTwice(Conflict):
    """Two sources claim one key or one table."""

    code = "source_registered_twice"


_sources: dict[str, PersonalDataSource] = {}


def register(source: PersonalDataSource) -> None:
    """Add a source, from `AppConfig.ready()`. Raises SourceRegisteredTwice when its key or a table of it is taken."""
    taken = {table for other in _sources.values() if other.key != source.key for table in other.tables}
    if source.key in _sources and type(_sources[source.key]) is not type(source):
        raise SourceRegisteredTwice(f"The source {source.key} is registered already.")
    if taken & source.tables:
        raise SourceRegisteredTwice(f"Tables with two sources: {', '.join(sorted(taken & source.tables))}.")
    _sources[source.key] = source


def sources() -> tuple[PersonalDataSource, ...]:
    """All sources in the order of erasure."""
    return tuple(sorted(_sources.values(), key=lambda source: (source.order, source.key)))


def covered_tables() -> frozenset[str]:
    """Every table that some source answers for."""
    return frozenset(table for source in _sources.values() for table in source.tables)
