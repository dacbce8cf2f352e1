"""Who is who in a batch: a pure decision over what the vault knows, in the order of the rows, without a query.

A row whose identifiers all lead to one subject is that subject, and brings its new identifiers along (a known e-mail address with
a new phone number). A row that leads to two subjects, or that brings a second customer or national id for one subject, is a
conflict: it changes nothing and is reported. Rows of one batch may describe the same person; the first one makes the subject.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId
from pseudonymize.errors import IdentifierConflict
from pseudonymize.identity import INDEXED_KINDS, MULTIPLE_KINDS, IdentifierKind

Found = tuple[IdentifierKind, bytes]
"""An identifier as the vault finds it: kind and blind index."""


@dataclass(frozen=True, repr=False, slots=True)
class Row:
    """One identity of a batch, ready to match: its values, its indexes, and whether it is on the suppression list."""

    position: int
    values: Mapping[IdentifierKind, str]
    indexes: Mapping[IdentifierKind, bytes]
    suppressed: bool = False

    @property
    def found(self) -> list[Found]:
        return list(self.indexes.items())

    def __repr__(self) -> str:
        return f"Row({self.position})"


@dataclass(frozen=True, repr=False, slots=True)
class Addition:
    """An identifier to write for a subject."""

    subject: SubjectId
    kind: IdentifierKind
    value: str
    blind_index: bytes | None

    def __repr__(self) -> str:
        return f"Addition({self.subject}, {self.kind})"


@dataclass(frozen=True, slots=True)
class Known:
    """What the vault knows about the identifiers of a batch: who has each, and which kinds those subjects hold."""

    owners: Mapping[Found, SubjectId]
    held: Mapping[SubjectId, AbstractSet[IdentifierKind]]


@dataclass(slots=True)
class Matched:
    """The decision over a batch. `subjects` is by position of the row; problems too."""

    subjects: dict[int, SubjectId] = field(default_factory=dict)
    created: list[SubjectId] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    problems: dict[int, GovernanceError] = field(default_factory=dict)
    known: set[SubjectId] = field(default_factory=set)


def decide(rows: Sequence[Row], known: Known, new_subject: Callable[[], SubjectId]) -> Matched:
    """Match every row to a subject, known or new, and say what has to be written."""
    owners = dict(known.owners)
    held = {subject: set(kinds) for subject, kinds in known.held.items()}
    result = Matched()
    for row in rows:
        if row.suppressed:
            result.refused.append(row.position)
            continue
        candidates = {owners[found] for found in row.found if found in owners}
        conflict = _conflict(row, candidates, owners, held)
        if conflict is not None:
            result.problems[row.position] = conflict
            continue
        subject = _subject(candidates, known, result, new_subject)
        result.subjects[row.position] = subject
        _add(row, subject, owners, held.setdefault(subject, set()), result)
    return result


def _conflict(
    row: Row,
    candidates: AbstractSet[SubjectId],
    owners: Mapping[Found, SubjectId],
    held: Mapping[SubjectId, AbstractSet[IdentifierKind]],
) -> IdentifierConflict | None:
    if len(candidates) > 1:
        kinds = sorted(kind.value for kind, index in row.found if (kind, index) in owners)
        return IdentifierConflict("The identifiers lead to different subjects.", kinds=kinds)
    for subject in candidates:
        second = sorted(
            kind.value
            for kind, index in row.found
            if kind not in MULTIPLE_KINDS and kind in held.get(subject, ()) and (kind, index) not in owners
        )
        if second:
            return IdentifierConflict(
                "The subject has another identifier of a kind that people have one of.", kinds=second
            )
    return None


def _subject(
    candidates: AbstractSet[SubjectId], known: Known, result: Matched, new_subject: Callable[[], SubjectId]
) -> SubjectId:
    for subject in candidates:
        if subject in known.held:
            result.known.add(subject)
        return subject
    subject = new_subject()
    result.created.append(subject)
    return subject


def _add(
    row: Row, subject: SubjectId, owners: dict[Found, SubjectId], held: set[IdentifierKind], result: Matched
) -> None:
    for kind, value in row.values.items():
        index = row.indexes.get(kind)
        if kind in INDEXED_KINDS:
            if index is None or (kind, index) in owners:
                continue
            owners[(kind, index)] = subject
        elif kind in held:
            # What the vault has stays: an import does not correct a name, `rectify` does (Art. 16).
            continue
        held.add(kind)
        result.additions.append(Addition(subject, kind, value, index))
