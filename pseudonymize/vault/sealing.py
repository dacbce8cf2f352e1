"""Sealing other packages' data under a subject's key: shredded with the rest when the subject is forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from governance.kernel import crypto
from governance.kernel.ids import SubjectId
from pseudonymize.keys import subject_keys


def seal_for(subject: SubjectId, label: str, data: bytes) -> bytes:
    """Encrypt under the subject's key, bound to the subject and the label (such as `consent.evidence`).

    Raises SubjectForgotten for an erased subject, SubjectUnknown for one who was never enrolled.
    """
    return seal_many([subject], label, [data])[0]


def open_for(subject: SubjectId, label: str, record: bytes) -> bytes:
    """Decrypt what `seal_for` sealed for the same subject and label.

    Raises SubjectForgotten when the key is destroyed, SealBroken when the record was changed or is another subject's or label's.
    """
    return open_many([subject], label, [record])[0]


def seal_many(subjects: Sequence[SubjectId], label: str, datas: Sequence[bytes]) -> list[bytes]:
    """`seal_for` over aligned columns; one query for the keys."""
    keys = subject_keys.require(subjects)
    return crypto.seal_many(
        [keys[subject] for subject in subjects], datas, [_associated(subject, label) for subject in subjects]
    )


def open_many(subjects: Sequence[SubjectId], label: str, records: Sequence[bytes]) -> list[bytes]:
    """`open_for` over aligned columns; one query for the keys."""
    keys = subject_keys.require(subjects)
    return crypto.unseal_many(
        [keys[subject] for subject in subjects], records, [_associated(subject, label) for subject in subjects]
    )


def _associated(subject: SubjectId, label: str) -> list[bytes]:
    return [b"zgoda/subject-data", subject.bytes, label.encode()]
