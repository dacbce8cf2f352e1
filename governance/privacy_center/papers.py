"""Signed papers that people bring back, and the versions of notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.models import NoticeVersion
from dsar import certificates
from dsar.certificates import ErasureCertificate
from dsar.errors import CertificateInvalid


@dataclass(frozen=True)
class Version:
    """One line of the list of versions."""

    id: UUID
    version: int
    published_at: datetime
    material_change: bool


@dataclass(frozen=True)
class Paper:
    """What a pasted text turned out to be; both are empty when its signature does not hold."""

    certificate: ErasureCertificate | None = None
    receipt: tuple[tuple[str, str], ...] = ()


def versions_of(key: str, language: str) -> tuple[Version, ...]:
    """Every version of a notice in a language, newest first."""
    rows = NoticeVersion.objects.filter(key=key, language=language).order_by("-version")
    return tuple(Version(row.id, row.version, row.published_at, row.material_change) for row in rows)


def check(token: str) -> Paper:
    """Verify a pasted text against the keys of this service."""
    try:
        return Paper(certificate=certificates.verify(token, certificates.public_key()))
    except CertificateInvalid:
        return Paper()
