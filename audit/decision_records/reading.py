"""Reading decisions back: one query for the rows, the head of a batch once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from audit import models
from audit.decision_records.forms import Attribution, Decision, Term
from audit.decision_records.packing import Record, unpack
from audit.errors import UnknownDecision
from governance.kernel.ids import SubjectId

_READ = """
SELECT id, batch_id, position, subject_id, verdict_id, consent_event_id, record, sealed_input FROM audit_decision
"""


@dataclass(frozen=True, slots=True)
class Head:
    """What a batch says of all its decisions."""

    id: UUID
    entry_id: UUID
    header: str
    count: int
    created_at: datetime
    said: Mapping[str, Any]


def get(decision_id: UUID) -> Decision:
    """One decision. Raises ``UnknownDecision``, also when it was erased with its subject."""
    return many([decision_id])[0]


def many(decision_ids: Sequence[UUID]) -> list[Decision]:
    """Decisions in the order of their ids, read with one query. Raises ``UnknownDecision`` when one of them is not there."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_READ} WHERE id = ANY(%s)", [list(decision_ids)])  # a constant
        found = {row[0]: row for row in cursor.fetchall()}
    if any(one not in found for one in decision_ids):
        raise UnknownDecision
    return [_shown(found[one]) for one in decision_ids]


def find(batch_id: UUID) -> list[UUID]:
    """The ids of the decisions of a batch that are still there, in order."""
    return list(models.Decision.objects.filter(batch_id=batch_id).order_by("position").values_list("id", flat=True))


def of_subject(subject: SubjectId, limit: int = 1000) -> list[Decision]:
    """The decisions about a person, latest first (Art. 15(1)(h))."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_READ} WHERE subject_id = %s ORDER BY id DESC LIMIT %s", [subject, limit])  # a constant
        return [_shown(row) for row in cursor.fetchall()]


@lru_cache(maxsize=256)
def head_of(batch_id: UUID) -> Head:
    """Cached: a batch never changes. Raises ``UnknownDecision``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry_id, header, count, created_at FROM audit_decision_batch WHERE id = %s", [batch_id])
        row = cursor.fetchone()
    if row is None:
        raise UnknownDecision
    entry_id, header, count, created_at = row
    return Head(batch_id, entry_id, header, count, created_at, json.loads(header))


def _shown(row: tuple[Any, ...]) -> Decision:
    decision_id, batch_id, position, subject, verdict, consent_event, record_, sealed = row
    head = head_of(batch_id)
    said = head.said
    packed: Record = unpack(bytes(record_), head.header)
    return Decision(
        id=decision_id,
        batch_id=batch_id,
        entry_id=head.entry_id,
        subject=SubjectId(subject),
        decided_at=head.created_at,
        kind=said["kind"],
        object=said["object"],
        purpose=said["purpose"],
        model_family=said["model_family"],
        model_version=said["model_version"],
        policy_version=said["policy_version"],
        notice_version=said["notice_version"],
        effect=said["effect"],
        verdict_id=verdict,
        consent_event_id=consent_event,
        chosen=packed.chosen,
        score=packed.score,
        intercept=float(said["intercept"]),
        terms=tuple(map(Term, said["features"], packed.bins, packed.contributions)),
        alternatives=packed.alternatives,
        random_draw=packed.random_draw,
        counterfactual=packed.counterfactual,
        position=position,
        seed=said.get("seed", ""),
        attribution=Attribution(*said["attribution"]),
        solely_automated=said["solely_automated"],
        sealed_input=bytes(sealed),
    )
