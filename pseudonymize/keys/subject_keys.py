"""A random key per data subject, in a table of its own. Destroying it makes every copy of their ciphertext unreadable (Art. 17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.kernel import crypto
from governance.kernel.canonical import digest, sha256_hex
from governance.kernel.copy import copy_rows
from governance.kernel.ids import SubjectId, uuid7_many
from pseudonymize.errors import SubjectForgotten, SubjectUnknown
from pseudonymize.keys import kek, wrapping
from pseudonymize.models import DataSubject, SubjectKey


@dataclass(frozen=True, slots=True)
class Destroyed:
    """The tombstone of a key."""

    key_id: str
    proof_sha256: str


def issue(subjects: Sequence[SubjectId], at: datetime) -> list[bytes]:
    """Make a key for each subject, wrapped under the current version. Call with the vault shared.

    There is no get-or-create: a subject gets a key once, when enrolled, so an erased one can never be given a new one.
    """
    version = kek.current_version()
    fresh = [crypto.random_key() for _ in subjects]
    parts = [wrapping.of_subject(subject, version, b"").parts for subject in subjects]
    records = wrapping.wrap(version, fresh, parts)
    copy_rows(
        SubjectKey._meta.db_table,
        ["id", "subject_id", "wrapped", "kek_version", "created_at", "proof_sha256"],
        (
            (row, subject, record, version, at, "")
            for row, subject, record in zip(uuid7_many(len(fresh)), subjects, records, strict=True)
        ),
        types=["uuid", "uuid", "bytea", "int4", "timestamptz", "varchar"],
    )
    return fresh


def live(subjects: Sequence[SubjectId]) -> dict[SubjectId, bytes]:
    """The keys of those who have one; who is unknown or was erased is left out. One query."""
    rows = [
        (SubjectId(subject), version, bytes(record))
        for subject, version, record in SubjectKey.objects.filter(
            subject__in=subjects, wrapped__isnull=False
        ).values_list("subject_id", "kek_version", "wrapped")
        if record is not None
    ]
    keys = wrapping.unwrap([wrapping.of_subject(subject, version, record) for subject, version, record in rows])
    return {subject: key for (subject, _, _), key in zip(rows, keys, strict=True)}


def require(subjects: Sequence[SubjectId]) -> dict[SubjectId, bytes]:
    """The keys of all of them. Raises SubjectForgotten when one was erased, SubjectUnknown when one was never here."""
    keys = live(subjects)
    missing = [subject for subject in subjects if subject not in keys]
    if missing:
        if DataSubject.objects.filter(id__in=missing).count() == len(set(missing)):
            raise SubjectForgotten(count=len(set(missing)))
        raise SubjectUnknown(count=len(set(missing)))
    return keys


def destroy(subject: SubjectId, at: datetime) -> Destroyed | None:
    """Delete the wrapped key and leave a tombstone; None when there is nothing left to destroy. Call with the vault owned.

    The proof is the digest of what was destroyed, so that a copy found later can be told to be this key.
    """
    row = SubjectKey.objects.select_for_update().filter(subject=subject, wrapped__isnull=False).first()
    if row is None:
        return None
    record = bytes(row.wrapped or b"")
    wrapping.drop(wrapping.of_subject(subject, row.kek_version, record))
    row.wrapped, row.destroyed_at = None, at
    row.proof_sha256 = digest(
        {
            "key": str(row.id),
            "wrapped_sha256": sha256_hex(record),
            "kek_version": row.kek_version,
            "destroyed_at": at.isoformat(),
        }
    )
    row.save(update_fields=["wrapped", "destroyed_at", "proof_sha256"])
    return Destroyed(str(row.id), row.proof_sha256)
