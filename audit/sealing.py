"""Sealing under a subject's key, done by whoever keeps the keys; they lie above this package and come to us when the apps are ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from audit.errors import SealerMissing
from governance.kernel.ids import SubjectId

INPUT: Final = "audit.decision.input"
STATEMENT: Final = "audit.review.statement"
REASON: Final = "audit.review.reason"


class Sealer(Protocol):
    """Seals and opens aligned columns under each subject's key, bound to a label; raises for a subject who is unknown or erased."""

    def seal_many(self, subjects: Sequence[SubjectId], label: str, datas: Sequence[bytes]) -> list[bytes]:
        """Ciphertexts, aligned."""

    def open_many(self, subjects: Sequence[SubjectId], label: str, records: Sequence[bytes]) -> list[bytes]:
        """Plaintexts, aligned."""


_sealers: list[Sealer] = []


def use(sealer: Sealer) -> None:
    """Name who seals; from ``AppConfig.ready()``."""
    _sealers[:] = [sealer]


def seal_many(subjects: Sequence[SubjectId], label: str, datas: Sequence[bytes]) -> list[bytes]:
    """Seal what belongs to each subject. Raises ``SealerMissing``, and what the sealer raises."""
    return _sealer().seal_many(subjects, label, datas)


def open_one(subject: SubjectId, label: str, record: bytes) -> bytes:
    """Open what was sealed for this subject and label. Raises ``SealerMissing``, and what the sealer raises."""
    return _sealer().open_many([subject], label, [record])[0]


def _sealer() -> Sealer:
    if not _sealers:
        raise SealerMissing
    return _sealers[0]
