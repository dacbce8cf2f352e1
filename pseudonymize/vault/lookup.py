"""Finding subjects by what the caller already knows about them. Reveals an opaque id, so no identifier leaves and no entry is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from governance.kernel.ids import SubjectId
from pseudonymize.identity import INDEXED_KINDS, IdentifierKind
from pseudonymize.keys import masters
from pseudonymize.models import DataSubject, SubjectIdentifier
from pseudonymize.vault import blind_index
from pseudonymize.vault.matching import Found


def find_subject(kind: IdentifierKind, value: str) -> SubjectId | None:
    """Whose identifier it is, or None when the vault has nobody of it (also when it is no such identifier at all)."""
    return resolve(kind, [value])[0]


def resolve(kind: IdentifierKind, values: Sequence[str]) -> list[SubjectId | None]:
    """`find_subject` over a column, one query: aligned with `values`. Raises ValueError for a kind without an index."""
    if kind not in INDEXED_KINDS:
        raise ValueError(f"Nobody can be looked up by {kind}.")
    keys = masters.index_keys([kind])
    if keys is None:
        return [None] * len(values)
    indexes = blind_index.of_column(kind, values, keys[kind])
    known = owners({kind: {index for index in indexes if index is not None}})
    return [None if index is None else known.get((kind, index)) for index in indexes]


def owners(indexes: Mapping[IdentifierKind, Collection[bytes]]) -> dict[Found, SubjectId]:
    """Who has each of these blind indexes. One query per kind."""
    known: dict[Found, SubjectId] = {}
    for kind, wanted in indexes.items():
        if wanted:
            rows = SubjectIdentifier.objects.filter(kind=kind.value, blind_index__in=wanted)
            for index, subject in rows.values_list("blind_index", "subject_id"):
                known[(kind, bytes(index or b""))] = SubjectId(subject)
    return known


def held_kinds(subjects: Collection[SubjectId]) -> dict[SubjectId, set[IdentifierKind]]:
    """Which kinds of identifiers each of these subjects has. One query."""
    held: dict[SubjectId, set[IdentifierKind]] = {subject: set() for subject in subjects}
    rows = SubjectIdentifier.objects.filter(subject__in=subjects).values_list("subject_id", "kind").distinct()
    for subject, kind in rows:
        held[SubjectId(subject)].add(IdentifierKind(kind))
    return held


def erased_among(subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
    """Who of these was erased. One query; imports of events and features ask before they write."""
    erased = DataSubject.objects.filter(id__in=subjects, erased_at__isnull=False)
    return frozenset(SubjectId(subject) for subject in erased.values_list("id", flat=True))
