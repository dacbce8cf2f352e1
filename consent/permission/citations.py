"""Answers of the gate that something rests on, kept for good: one row per verdict, or one per set with a digest of its members.

A batch of verdicts has one log entry with their digest; so has a set. `covers` is how a training run or a batch of decisions is held
against the set that it cites.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from audit import log
from consent.errors import NotCovered, UnknownVerdict
from consent.models import ConsentVerdict, ConsentVerdictSet
from consent.permission.verdicts import Verdict, Verdicts
from governance.kernel.actors import Actor
from governance.kernel.copy import copy_rows
from governance.kernel.errors import JSON
from governance.kernel.ids import PurposeKey, SubjectId, uuid7, uuid7_many

_COLUMNS: Final = (
    "id", "subject_id", "purpose_key", "purpose_version", "channel", "allowed", "reason", "basis", "event_id", "notice_version_id",
    "valid_until", "decided_at", "entry_id",
)  # fmt: skip
_TYPES: Final = (
    "uuid", "uuid", "text", "int4", "text", "bool", "text", "text", "uuid", "uuid", "timestamptz", "timestamptz", "uuid",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CitedVerdict:
    """A verdict as it was kept."""

    id: UUID
    subject: SubjectId
    purpose: PurposeKey
    purpose_version: int
    channel: str
    allowed: bool
    reason: str
    basis: str
    event_id: UUID | None
    notice_version_id: UUID | None
    decided_at: datetime
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class CitedSet:
    """The answer for a set as it was kept."""

    id: UUID
    purpose: PurposeKey
    purpose_version: int
    channel: str
    basis: str
    asked: int
    allowed: int
    refused: dict[str, int]
    allowed_sha256: str
    decided_at: datetime
    cited_for: str
    entry_id: UUID


def write(verdicts: Sequence[Verdict], *, actor: Actor, cited_for: str) -> list[UUID]:
    """Keep verdicts with COPY, under one log entry; returns their ids in order."""
    if not verdicts:
        return []
    ids = uuid7_many(len(verdicts))
    contents = [_content(identifier, verdict) for identifier, verdict in zip(ids, verdicts, strict=True)]
    first = verdicts[0]
    with transaction.atomic():
        entry = log.emit(
            "consent.verdicts_cited",
            actor=actor,
            object=f"consent_verdict:{ids[0]}" if len(ids) == 1 else f"consent_verdicts:{ids[0]}..{ids[-1]}",
            subject=first.subject if len(ids) == 1 else None,
            purpose=first.purpose,
            facts={
                "verdicts": len(ids),
                "allowed": sum(verdict.allowed for verdict in verdicts),
                "verdicts_sha256": digest(contents),
                "channel": first.channel.value,
                "cited_for": cited_for,
            },
        )
        copy_rows("consent_verdict", _COLUMNS, ((*content, entry) for content in contents), _TYPES)
    return ids


def digest(contents: Iterable[Sequence[object]]) -> str:
    """SHA-256 over verdicts (the columns of `consent_verdict` up to `decided_at`), one a line: what their log entry commits to."""
    lines = "\n".join("|".join("" if value is None else str(value) for value in content) for content in contents)
    return hashlib.sha256(lines.encode()).hexdigest()


def write_set(verdicts: Verdicts, *, actor: Actor, cited_for: str) -> UUID:
    """Keep the answer for a set; returns its id."""
    refused: dict[str, JSON] = {reason.value: count for reason, count in sorted(verdicts.refused.items())}
    sha256 = digest_of(verdicts.allowed)
    identifier = uuid7()
    with transaction.atomic():
        entry = log.emit(
            "consent.verdict_set_cited",
            actor=actor,
            object=f"consent_verdict_set:{identifier}",
            purpose=verdicts.purpose,
            facts={
                "asked": len(verdicts),
                "allowed": len(verdicts.allowed),
                "refused": refused,
                "allowed_sha256": sha256,
                "purpose_version": verdicts.purpose_version,
                "channel": verdicts.channel.value,
                "cited_for": cited_for,
            },
        )
        ConsentVerdictSet.objects.create(
            id=identifier,
            purpose_key=verdicts.purpose,
            purpose_version=verdicts.purpose_version,
            channel=verdicts.channel.value,
            basis=verdicts.basis.value,
            asked=len(verdicts),
            allowed=len(verdicts.allowed),
            refused=refused,
            allowed_sha256=sha256,
            decided_at=verdicts.at,
            cited_for=cited_for,
            actor=str(actor),
            entry_id=entry,
        )
    return identifier


def digest_of(subjects: Iterable[SubjectId]) -> str:
    """SHA-256 over the 16 bytes of each id, in order of id: equal sets have equal digests, and it names nobody."""
    return hashlib.sha256(b"".join(sorted(subject.bytes for subject in subjects))).hexdigest()


def cited(verdict_id: UUID) -> CitedVerdict:
    """A kept verdict. Raises UnknownVerdict."""
    row = ConsentVerdict.objects.filter(id=verdict_id).first()
    if row is None:
        raise UnknownVerdict
    return CitedVerdict(
        id=row.id,
        subject=SubjectId(row.subject_id),
        purpose=PurposeKey(row.purpose_key),
        purpose_version=row.purpose_version,
        channel=row.channel,
        allowed=row.allowed,
        reason=row.reason,
        basis=row.basis,
        event_id=row.event_id,
        notice_version_id=row.notice_version_id,
        decided_at=row.decided_at,
        entry_id=row.entry_id,
    )


def cited_set(set_id: UUID) -> CitedSet:
    """A kept answer for a set. Raises UnknownVerdict."""
    row = ConsentVerdictSet.objects.filter(id=set_id).first()
    if row is None:
        raise UnknownVerdict
    return CitedSet(
        id=row.id,
        purpose=PurposeKey(row.purpose_key),
        purpose_version=row.purpose_version,
        channel=row.channel,
        basis=row.basis,
        asked=row.asked,
        allowed=row.allowed,
        refused=dict(row.refused),
        allowed_sha256=row.allowed_sha256,
        decided_at=row.decided_at,
        cited_for=row.cited_for,
        entry_id=row.entry_id,
    )


def covers(set_id: UUID, subjects: Iterable[SubjectId]) -> CitedSet:
    """The set, if exactly these subjects are the ones that it allowed. Raises UnknownVerdict, NotCovered."""
    found = cited_set(set_id)
    if digest_of(subjects) != found.allowed_sha256:
        raise NotCovered("These are not exactly the subjects that the set allowed.")
    return found


def _content(identifier: UUID, verdict: Verdict) -> tuple[object, ...]:
    return (
        identifier,
        verdict.subject,
        verdict.purpose,
        verdict.purpose_version,
        verdict.channel.value,
        verdict.allowed,
        verdict.reason.value,
        verdict.basis.value,
        verdict.event_id,
        verdict.notice_version_id,
        verdict.valid_until,
        verdict.at,
    )
