"""Evidence of an event, sealed under the subject's key: erasing the person shreds it, the digest in the event stays.

Addresses of the network are cut before they are sealed (a /24 of IPv4, a /48 of IPv6): enough to show where a click came from, too
little to follow somebody.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from consent.drafts import ConsentDraft
from consent.models import ConsentEvidence
from consent.terms import GRANTS
from governance.kernel.canonical import canonical_json, sha256_hex
from governance.kernel.clock import today
from governance.kernel.copy import copy_rows
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId, uuid7_many
from governance.kernel.logs import get_logger
from pseudonymize import vault

LABEL: Final = "consent.evidence"
KEEP: Final = timedelta(days=3 * 365)
"""How long evidence and events are kept at least: the limitation period for claims of a business (Polish Civil Code, Art. 118)."""

_logger = get_logger(__name__)
_COLUMNS: Final = ("id", "event_id", "subject_id", "ciphertext", "ciphertext_sha256", "keep_until", "shredded_at")
_TYPES: Final = ("uuid", "uuid", "uuid", "bytea", "text", "date", "timestamptz")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext of one event's evidence and its digest; None where there is none."""

    ciphertext: bytes
    sha256: str


def keep_until() -> date:
    """Until when what is recorded today is kept."""
    return today() + KEEP


def seal(drafts: Sequence[ConsentDraft]) -> list[Sealed | None]:
    """The evidence of each draft, sealed, aligned. A grant fails with what the vault says (SubjectForgotten, SubjectUnknown,
    KeyProviderUnavailable); anything else goes on without its evidence, for a withdrawal waits for nothing."""
    places = [place for place, draft in enumerate(drafts) if draft.evidence]
    sealed: list[Sealed | None] = [None] * len(drafts)
    if not places:
        return sealed
    try:
        records = vault.seal_many(
            [drafts[place].subject for place in places], LABEL, [_plain(drafts[place]) for place in places]
        )
    except GovernanceError:
        records = [_one(drafts[place]) for place in places]
    for place, record in zip(places, records, strict=True):
        sealed[place] = Sealed(record, sha256_hex(record)) if record else None
    return sealed


def store(sealed: Sequence[tuple[UUID, SubjectId, Sealed]]) -> None:
    """Write the ciphertext of (event, subject, sealed evidence) with COPY."""
    until = keep_until()
    rows = (
        (row, event, subject, one.ciphertext, one.sha256, until, None)
        for row, (event, subject, one) in zip(uuid7_many(len(sealed)), sealed, strict=True)
    )
    copy_rows("consent_evidence", _COLUMNS, rows, _TYPES)


def reveal(event: UUID) -> dict[str, Any] | None:
    """The evidence of an event in the clear; None when there is none or it was shredded. Raises SubjectForgotten, SealBroken."""
    row = ConsentEvidence.objects.filter(event_id=event, ciphertext__isnull=False).first()
    if row is None or row.ciphertext is None:
        return None
    opened: dict[str, Any] = json.loads(vault.open_for(SubjectId(row.subject_id), LABEL, bytes(row.ciphertext)))
    return opened


def truncated(address: str) -> str:
    """The network of an address: a /24 of IPv4, a /48 of IPv6; empty for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def _plain(draft: ConsentDraft) -> bytes:
    evidence: Mapping[str, Any] = draft.evidence or {}
    if isinstance(evidence.get("ip"), str):
        evidence = {**evidence, "ip": truncated(evidence["ip"])}
    return canonical_json(dict(evidence))


def _one(draft: ConsentDraft) -> bytes:
    try:
        return vault.seal_for(draft.subject, LABEL, _plain(draft))
    except GovernanceError as error:
        if draft.event_type in GRANTS:
            raise
        _logger.warning("consent_evidence_not_sealed", kind=str(draft.event_type), error_class=type(error).__name__)
        return b""
