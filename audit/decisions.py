"""Records of automated decisions: what was used, what came out and why, as it was then (Art. 13(2)(f), 15(1)(h), 22; AI Act Art. 12).

A batch is recorded in columns: one log entry commits to the root of an inner Merkle tree over its decisions, so that one person gets a
proof of their one decision without seeing anybody else's. The frozen input comes sealed under the subject's key. A non-offer is a
decision too. An erasure deletes the records of a person; the hashes stay, and with them every other proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from audit import log, models, receipts
from audit.decision_records import Alternative, Bins, Floats, Names, Record, pack, pack_alternatives, unpack
from audit.errors import BatchNotValid, NotInTransaction, SubjectErased, UnknownDecision
from audit.merkle import HASH_SIZE, inclusion_spans, leaf_hashes, perfect_root
from audit.tiles import WIDTH, Edge, spans_from_tiles
from audit.tombstones import erased_among
from governance.kernel import clock, crypto
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.canonical import canonical_json, sha256_hex
from governance.kernel.copy import copy_rows
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

__all__ = ["Alternative", "Decision", "DecisionBatch", "RecordedBatch", "Term", "get", "of_subject", "prove", "record"]

EFFECTS = ("marketing", "similarly_significant")
LARGEST_BATCH = 65_536
SUM_TOLERANCE = 1e-5
_NOBODY = bytes(16)
_COLUMNS = {
    "id": "uuid",
    "batch_id": "uuid",
    "position": "int4",
    "subject_id": "uuid",
    "salt": "bytea",
    "verdict_id": "uuid",
    "consent_event_id": "uuid",
    "chosen": "text",
    "score": "float8",
    "record": "bytea",
    "sealed_input": "bytea",
}


@dataclass(frozen=True, slots=True)
class DecisionBatch:
    """Decisions made together by one model version under one policy version. Columns are aligned: one element for each decision.

    ``scores`` are the sums of ``intercept`` and the row of ``contributions`` (n x k, one column for each of ``feature_names``);
    ``bins`` says which bin of each feature applied. ``chosen`` is an action or ``"none"``. ``alternatives`` is one list for all, or one
    for each. ``sealed_inputs`` is ciphertext under the subject's key. ``counterfactual_features`` holds feature numbers (-1: none).
    """

    kind: str
    object: str
    purpose: str
    model_version: str
    policy_version: str
    notice_version: str
    feature_names: tuple[str, ...]
    subjects: Sequence[SubjectId]
    verdict_ids: Sequence[UUID | None]
    consent_event_ids: Sequence[UUID | None]
    scores: Floats
    contributions: Floats
    intercept: float
    bins: Bins
    chosen: Sequence[str]
    sealed_inputs: Sequence[bytes]
    effect: str = "marketing"
    alternatives: Sequence[Sequence[Alternative]] | Sequence[Alternative] = ()
    random_draw: Sequence[float | None] | None = None
    actor: Actor = SYSTEM
    model_family: str = ""
    counterfactual_features: NDArray[np.int16] | None = None
    counterfactual_bins: Bins | None = None


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """Where a batch was recorded; ``decision_ids`` in the order of the batch."""

    id: UUID
    decision_ids: list[UUID]
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Term:
    """What one feature contributed: which bin of it applied, and how far it moved the score."""

    feature: str
    bin: int
    contribution: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as it was made."""

    id: UUID
    batch_id: UUID
    entry_id: UUID
    subject: SubjectId
    decided_at: datetime
    kind: str
    object: str
    purpose: str
    model_family: str
    model_version: str
    policy_version: str
    notice_version: str
    effect: str
    verdict_id: UUID | None
    consent_event_id: UUID | None
    chosen: str
    score: float
    intercept: float
    terms: tuple[Term, ...]
    alternatives: tuple[Alternative, ...]
    random_draw: float | None
    counterfactual: tuple[str, int] | None
    sealed_input: bytes = field(repr=False)


def record(batch: DecisionBatch) -> RecordedBatch:
    """Record a batch, at most 65,536 decisions, in the caller's transaction.

    Raises ``BatchNotValid`` when columns do not fit or contributions do not sum to the scores, ``SubjectErased`` when a person among
    them was erased, ``NotInTransaction``.
    """
    count = _checked(batch)
    if not connection.in_atomic_block:
        raise NotInTransaction("Record decisions in the transaction that acts on them.")
    if erased_among(set(batch.subjects)):
        raise SubjectErased
    batch_id, ids = uuid7(), uuid7_many(count)
    salts = os.urandom(32 * count)
    names = Names()
    chosen = np.array([names.number(name) for name in batch.chosen], dtype=np.uint16)
    tails = _tails(batch, names)
    header = _header(batch, batch_id, names)
    records = pack(_packed_columns(batch, ids, salts, chosen), tails)
    leaves = leaf_hashes(records)
    edge = Edge()
    tile_roots = b"".join(tile.root for tile in edge.append(leaves) if tile.level == 0)
    root = edge.root()
    entry_id = log.emit(
        "decision.batch_recorded",
        actor=batch.actor,
        object=f"decision_batch:{batch_id}",
        purpose=batch.purpose,
        facts={"count": count, "root": root.hex(), "header_sha256": sha256_hex(header)},
    )
    models.DecisionBatch.objects.create(
        id=batch_id,
        entry_id=entry_id,
        header=header.decode(),
        kind=batch.kind,
        purpose=batch.purpose,
        model_version=batch.model_version,
        policy_version=batch.policy_version,
        count=count,
        root=root,
        leaf_hashes=b"".join(leaves),
        tile_roots=tile_roots,
        created_at=clock.now(),
    )
    rows = zip(
        ids,
        [batch_id] * count,
        range(count),
        batch.subjects,
        [salts[at : at + 32] for at in range(0, len(salts), 32)],
        batch.verdict_ids,
        batch.consent_event_ids,
        batch.chosen,
        batch.scores.astype(float).tolist(),
        records,
        batch.sealed_inputs,
        strict=True,
    )
    copy_rows("audit_decision", tuple(_COLUMNS), rows, tuple(_COLUMNS.values()))
    return RecordedBatch(batch_id, ids, entry_id)


def get(decision_id: UUID) -> Decision:
    """One decision. Raises ``UnknownDecision``, also when it was erased with its subject."""
    return _shown(_row(decision_id))


def find(batch_id: UUID) -> list[UUID]:
    """The ids of the decisions of a batch that are still there, in order."""
    return list(models.Decision.objects.filter(batch_id=batch_id).order_by("position").values_list("id", flat=True))


def of_subject(subject: SubjectId, limit: int = 1000) -> list[Decision]:
    """The decisions about a person, latest first (Art. 15(1)(h))."""
    rows = models.Decision.objects.filter(subject_id=subject).select_related("batch").defer(*_HEAVY).order_by("-id")
    return [_shown(row) for row in rows[:limit]]


def prove(decision_id: UUID) -> str:
    """A receipt for one decision as JSON text, for ``audit/verify.py --decision``: the record, its path to the batch's root, and the
    path of the batch's entry to a signed checkpoint. Raises ``UnknownDecision``, ``NotYetSequenced``.
    """
    row = _row(decision_id)
    return json.dumps(
        {
            "format": "zgoda-decision-receipt/1",
            "record": _text(bytes(row.record)),
            "header": row.batch.header,
            "index": row.position,
            "count": row.batch.count,
            "proof": [_text(hash_) for hash_ in inner_proof(row.batch_id, row.position, row.batch.count)],
            "receipt": receipts.receipt(row.batch.entry_id).text,
        },
        indent=2,
    )


def inner_proof(batch_id: UUID, position: int, count: int) -> list[bytes]:
    """The audit path of a decision inside its batch; reads the tiles that it needs and no more."""
    return spans_from_tiles(inclusion_spans(position, count), lambda level, index: _inner_tile(batch_id, level, index))


def decision_tag(salt: bytes, subject: UUID, verdict: UUID | None, consent_event: UUID | None) -> bytes:
    """The commitment to whom a decision was about and on which ground, 32 bytes; meaningless once the salt is erased."""
    parts = (
        subject.bytes,
        _NOBODY if verdict is None else verdict.bytes,
        _NOBODY if consent_event is None else consent_event.bytes,
    )
    return crypto.mac(salt, b"zgoda decision" + b"".join(parts))


_HEAVY = ("batch__leaf_hashes", "batch__tile_roots")


def _checked(batch: DecisionBatch) -> int:
    """Decide whether the batch adds up; returns how many decisions it has."""
    count, features = len(batch.subjects), len(batch.feature_names)
    if not 0 < count <= LARGEST_BATCH:
        raise BatchNotValid(f"A batch has 1 to {LARGEST_BATCH} decisions.")
    columns: Mapping[str, Sequence[Any]] = {
        "verdict_ids": batch.verdict_ids,
        "consent_event_ids": batch.consent_event_ids,
        "chosen": batch.chosen,
        "sealed_inputs": batch.sealed_inputs,
    }
    wrong = [name for name, column in columns.items() if len(column) != count]
    shapes = (batch.scores.shape, batch.contributions.shape, batch.bins.shape)
    if wrong or shapes != ((count,), (count, features), (count, features)):
        raise BatchNotValid("The columns of the batch have different lengths.")
    if batch.random_draw is not None and len(batch.random_draw) != count:
        raise BatchNotValid("There is not one draw for each decision.")
    if batch.effect not in EFFECTS:
        raise BatchNotValid(f"The effect is one of {', '.join(EFFECTS)}.")
    if any("@" in name or len(name) > 200 for name in {*batch.chosen, *batch.feature_names}):
        raise BatchNotValid("Actions and features are short names.")
    sums = batch.contributions.astype(np.float64).sum(axis=1) + batch.intercept
    scores = batch.scores.astype(np.float64)
    # Written so that a NaN fails.
    if not (np.abs(sums - scores) <= SUM_TOLERANCE * np.maximum(1.0, np.abs(scores))).all():
        raise BatchNotValid("The contributions do not sum to the score: the reason would not be the computation.")
    return count


def _packed_columns(
    batch: DecisionBatch, ids: Sequence[UUID], salts: bytes, chosen: NDArray[np.uint16]
) -> dict[str, Any]:
    people = zip(batch.subjects, batch.verdict_ids, batch.consent_event_ids, strict=True)
    tags = b"".join(decision_tag(salts[32 * at : 32 * at + 32], *whom) for at, whom in enumerate(people))
    draws = batch.random_draw
    none = np.full(len(ids), -1, dtype=np.int16)
    return {
        "id": b"".join(one.bytes for one in ids),
        "tag": tags,
        "input_sha256": b"".join(hashlib.sha256(sealed).digest() for sealed in batch.sealed_inputs),
        "score": batch.scores,
        "draw": np.nan if draws is None else np.array([np.nan if draw is None else draw for draw in draws]),
        "chosen": chosen,
        "counterfactual_feature": none if batch.counterfactual_features is None else batch.counterfactual_features,
        "counterfactual_bin": 0 if batch.counterfactual_bins is None else batch.counterfactual_bins,
        "contributions": batch.contributions,
        "bins": batch.bins,
    }


def _tails(batch: DecisionBatch, names: Names) -> list[bytes] | None:
    """The alternatives of each decision, packed; None when the batch shares one list."""
    each = [one for one in batch.alternatives if not isinstance(one, Alternative)]
    if not each:
        return None
    if len(each) != len(batch.subjects) or len(each) != len(batch.alternatives):
        raise BatchNotValid("There is not one list of alternatives for each decision.")
    return [pack_alternatives(alternatives, names) for alternatives in each]


def _header(batch: DecisionBatch, batch_id: UUID, names: Names) -> bytes:
    shared = [[one.action, one.score, one.lost_because] for one in batch.alternatives if isinstance(one, Alternative)]
    header: dict[str, Any] = {
        "v": 1,
        "id": str(batch_id),
        "kind": batch.kind,
        "object": batch.object,
        "purpose": batch.purpose,
        "model_family": batch.model_family or family_of(batch.model_version),
        "model_version": batch.model_version,
        "policy_version": batch.policy_version,
        "notice_version": str(batch.notice_version),
        "effect": batch.effect,
        "features": list(batch.feature_names),
        "intercept": float(batch.intercept),
        "names": names.listed(),
    }
    return canonical_json(header | ({"alternatives": shared} if shared else {}))


def family_of(model_version: str) -> str:
    """The family of a model version: ``lapse`` of ``lapse@3``, ``lapse:3`` or ``lapse/3``."""
    for separator in "@:/":
        model_version = model_version.split(separator, 1)[0]
    return model_version


def _row(decision_id: UUID) -> models.Decision:
    row = models.Decision.objects.select_related("batch").defer(*_HEAVY).filter(pk=decision_id).first()
    if row is None:
        raise UnknownDecision
    return row


def _inner_tile(batch_id: UUID, level: int, index: int) -> bytes:
    column = "leaf_hashes" if level == 0 else "tile_roots"
    size = WIDTH * HASH_SIZE
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT substring({column} FROM %s FOR %s) FROM audit_decision_batch WHERE id = %s",  # noqa: S608  # one of two constants
            [index * size + 1, size, batch_id],
        )
        return bytes(cursor.fetchone()[0])


def tile_roots_of(leaves: bytes) -> bytes:
    """The roots of the full tiles over leaf hashes in a row."""
    size = WIDTH * HASH_SIZE
    return b"".join(perfect_root(leaves[at : at + size]) for at in range(0, len(leaves) // size * size, size))


def _shown(row: models.Decision) -> Decision:
    said = json.loads(row.batch.header)
    packed: Record = unpack(bytes(row.record), row.batch.header)
    terms = zip(said["features"], packed.bins, packed.contributions, strict=True)
    return Decision(
        id=row.id,
        batch_id=row.batch_id,
        entry_id=row.batch.entry_id,
        subject=SubjectId(row.subject_id),
        decided_at=row.batch.created_at,
        kind=said["kind"],
        object=said["object"],
        purpose=said["purpose"],
        model_family=said["model_family"],
        model_version=said["model_version"],
        policy_version=said["policy_version"],
        notice_version=said["notice_version"],
        effect=said["effect"],
        verdict_id=row.verdict_id,
        consent_event_id=row.consent_event_id,
        chosen=packed.chosen,
        score=packed.score,
        intercept=float(said["intercept"]),
        terms=tuple(Term(*term) for term in terms),
        alternatives=packed.alternatives,
        random_draw=packed.random_draw,
        counterfactual=packed.counterfactual,
        sealed_input=bytes(row.sealed_input),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
