"""Sealing identifiers: which ciphertext belongs to which row, subject and kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from governance.kernel import crypto
from governance.kernel.copy import copy_rows
from governance.kernel.ids import SubjectId, uuid7_many
from pseudonymize.identity import IdentifierKind
from pseudonymize.models import SubjectIdentifier
from pseudonymize.vault.blind_index import CANONICAL_VERSIONS, NO_CANONICAL_FORM
from pseudonymize.vault.matching import Addition

_COLUMNS = ["id", "subject_id", "kind", "blind_index", "canonical_version", "ciphertext", "source", "enrolled_at"]
_TYPES = ["uuid", "uuid", "varchar", "bytea", "int2", "bytea", "varchar", "timestamptz"]


@dataclass(frozen=True, repr=False, slots=True)
class Stored:
    """An identifier's row as it lies in the table."""

    id: UUID
    subject: SubjectId
    kind: IdentifierKind
    ciphertext: bytes

    def __repr__(self) -> str:
        return f"Stored({self.id}, {self.kind})"


def associated(subject: SubjectId, kind: IdentifierKind, row: UUID) -> list[bytes]:
    """What an identifier's ciphertext is bound to: moved to another row, subject or kind it does not open."""
    return [b"zgoda/identifier", subject.bytes, kind.value.encode(), row.bytes]


def write(additions: Sequence[Addition], keys: Mapping[SubjectId, bytes], source: str, at: datetime) -> int:
    """Seal and COPY identifiers. In order of (kind, index), so that two batches wait for each other and never in a circle."""
    ordered = sorted(additions, key=lambda item: (item.kind, item.blind_index or b"", item.subject.bytes))
    ids = uuid7_many(len(ordered))
    sealed = crypto.seal_many(
        [keys[item.subject] for item in ordered],
        [item.value.encode() for item in ordered],
        [associated(item.subject, item.kind, row) for item, row in zip(ordered, ids, strict=True)],
    )
    rows = (
        (
            row,
            item.subject,
            item.kind.value,
            item.blind_index,
            CANONICAL_VERSIONS.get(item.kind, NO_CANONICAL_FORM),
            ciphertext,
            source,
            at,
        )
        for row, item, ciphertext in zip(ids, ordered, sealed, strict=True)
    )
    return copy_rows(SubjectIdentifier._meta.db_table, _COLUMNS, rows, types=_TYPES)


def stored(subjects: Sequence[SubjectId], kinds: Sequence[IdentifierKind]) -> list[Stored]:
    """The rows of these subjects and kinds, oldest first. One query."""
    rows = SubjectIdentifier.objects.filter(subject__in=subjects, kind__in=[kind.value for kind in kinds])
    return [
        Stored(row, SubjectId(subject), IdentifierKind(kind), bytes(ciphertext))
        for row, subject, kind, ciphertext in rows.order_by("id").values_list("id", "subject_id", "kind", "ciphertext")
    ]


def open_all(rows: Sequence[Stored], keys: Mapping[SubjectId, bytes]) -> list[str]:
    """The plaintexts, aligned. Raises SealBroken when a row was changed or moved; every subject must be in `keys`."""
    plain = crypto.unseal_many(
        [keys[row.subject] for row in rows],
        [row.ciphertext for row in rows],
        [associated(row.subject, row.kind, row.id) for row in rows],
    )
    return [value.decode() for value in plain]
