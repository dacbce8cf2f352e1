"""Records of automated decisions: what was used, what came out and why, as it was then (Art. 13(2)(f), 15(1)(h), 22; AI Act Art. 12).

A batch is recorded in columns: one log entry commits to the root of an inner Merkle tree over its decisions, so that one person gets a
proof of their one decision without seeing anybody else's. The frozen input comes sealed under the subject's key. A non-offer is a
decision too. An erasure deletes the records of a person; the hashes stay, and with them every other proof.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from audit import log, models
from audit.decision_records.forms import EXACT, Attribution, Decision, DecisionBatch, RecordedBatch, Term
from audit.decision_records.packing import (
    MOST_CHANGES,
    NO_CHANGE,
    NOT_SEARCHED,
    Alternative,
    Bins,
    Change,
    Names,
    pack,
    pack_alternatives,
)
from audit.decision_records.proofs import prove, prove_batch, tile_roots_of
from audit.decision_records.reading import find, get, many, of_subject
from audit.decision_records.retries import Asked
from audit.errors import BatchNotValid, NotInTransaction, SubjectErased, SubjectInEntry
from audit.merkle import leaf_hashes
from audit.tiles import Edge
from audit.tombstones import erased_among
from governance.kernel import clock, crypto
from governance.kernel.canonical import canonical_json, sha256_hex
from governance.kernel.copy import copy_encoded
from governance.kernel.errors import JSON, InvalidInput
from governance.kernel.ids import SubjectId, from_opaque, uuid7, uuid7_many

__all__ = [
    "EXACT", "MOST_CHANGES", "NOT_SEARCHED", "NO_CHANGE", "Alternative", "Attribution", "Change", "Decision", "DecisionBatch",
    "RecordedBatch", "Term", "find", "get", "many", "of_subject", "prove", "prove_batch", "record", "tile_roots_of",
]  # fmt: skip

EFFECTS = ("marketing", "similarly_significant")
LARGEST_BATCH = 65_536
SUM_TOLERANCE = 1e-6
_NOBODY = bytes(16)
_MOST_POINTERS = 100
_COLUMNS = (
    "id", "batch_id", "position", "subject_id", "salt", "verdict_id", "consent_event_id", "chosen", "score", "record", "sealed_input",
)  # fmt: skip
# Each field with its length, as PostgreSQL's binary COPY has it: id, batch, position, subject, salt; score; anything else.
_ROW_HEAD = struct.Struct(">hi16si16siii16si32s")
_ROW_SCORE = struct.Struct(">id")
_LENGTH = struct.Struct(">i")
_ADDRESS = re.compile(r"[^\s@]@(?!v?\d)[^\s@]+\.[A-Za-z]{2,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_OPAQUE = re.compile(r"sub_[0-9A-Za-z]{26}")
_NULL = _LENGTH.pack(-1)


def record(batch: DecisionBatch, *, asked: Asked | None = None) -> RecordedBatch:
    """Record a batch, at most 65,536 decisions, in the caller's transaction. ``asked`` marks the request, for who looks it up when it is
    sent again (``retries``).

    Raises ``BatchNotValid`` when columns do not fit or contributions do not sum to the scores, ``SubjectErased`` when a person among
    them was erased, ``NotInTransaction``.
    """
    count = _checked(batch)
    if not connection.in_atomic_block:
        raise NotInTransaction("Record decisions in the transaction that acts on them.")
    if gone := erased_among(set(batch.subjects)):
        raise SubjectErased(errors=_pointers("subject", [subject in gone for subject in batch.subjects]))
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
        request_key=asked and asked.key,
        request_mac=asked and asked.mac,
    )
    copy_encoded("audit_decision", _COLUMNS, _rows(batch, ids, batch_id, salts, records))
    return RecordedBatch(batch_id, ids, entry_id)


def _rows(
    batch: DecisionBatch, ids: Sequence[UUID], batch_id: UUID, salts: bytes, records: Sequence[bytes]
) -> Iterator[bytes]:
    """The rows of the table in PostgreSQL's binary form, in the order of ``_COLUMNS``."""
    owner, count, length = batch_id.bytes, len(_COLUMNS), _LENGTH.pack
    grounds: dict[UUID | None, bytes] = {None: _NULL}
    actions: dict[str, bytes] = {}
    columns = zip(
        ids, batch.subjects, batch.verdict_ids, batch.consent_event_ids, batch.chosen,
        batch.scores.astype(np.float32).tolist(),  # as the record holds them: verification compares the two
        records, batch.sealed_inputs, strict=True,
    )  # fmt: skip
    for position, (one, subject, verdict, event, chosen, score, record_, sealed) in enumerate(columns):
        salt = salts[32 * position : 32 * position + 32]
        for ground in (verdict, event):
            if ground not in grounds:
                grounds[ground] = _field(ground.bytes)
        if chosen not in actions:
            actions[chosen] = _field(chosen.encode())
        yield b"".join(
            (
                _ROW_HEAD.pack(count, 16, one.bytes, 16, owner, 4, position, 16, subject.bytes, 32, salt),
                grounds[verdict],
                grounds[event],
                actions[chosen],
                _ROW_SCORE.pack(8, score),
                length(len(record_)),
                record_,
                length(len(sealed)),
                sealed,
            )
        )


def _field(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def decision_tag(salt: bytes, subject: UUID, verdict: UUID | None, consent_event: UUID | None) -> bytes:
    """The commitment to whom a decision was about and on which ground, 32 bytes; meaningless once the salt is erased."""
    parts = (
        subject.bytes,
        _NOBODY if verdict is None else verdict.bytes,
        _NOBODY if consent_event is None else consent_event.bytes,
    )
    return crypto.mac(salt, b"zgoda decision" + b"".join(parts))


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
    if batch.attribution.method != EXACT.method and not batch.attribution.background:
        raise BatchNotValid("Name what the contributions of this model are compared with.")
    _check_changes(batch, count, features)
    if any("@" in name or len(name) > 200 for name in {*batch.chosen, *batch.feature_names}):
        raise BatchNotValid("Actions and features are short names.")
    if len(set(batch.feature_names)) != features:
        raise BatchNotValid("Each feature stands once.")
    _check_head(batch)
    sums = batch.contributions.astype(np.float64).sum(axis=1) + batch.intercept
    scores = batch.scores.astype(np.float64)
    # Written so that a NaN fails.
    fits = np.abs(sums - scores) <= SUM_TOLERANCE * np.maximum(1.0, np.abs(scores))
    if not fits.all():
        raise BatchNotValid(
            "The contributions do not sum to the score: the reason would not be the computation.",
            errors=_pointers("contributions", (~fits).tolist()),
        )
    return count


def _check_changes(batch: DecisionBatch, count: int, features: int) -> None:
    changed = batch.counterfactual_features
    if changed is None:
        return
    if changed.size not in {count, MOST_CHANGES * count} or changed.max() >= features:
        raise BatchNotValid("A counterfactual names at most two of the features.")
    one, other = changed.reshape(count, -1)[:, [0, -1]].T
    if changed.size != count and ((one == other) & (one >= 0)).any():
        raise BatchNotValid("A counterfactual changes a feature once.")


def _check_head(batch: DecisionBatch) -> None:
    """What the decisions share outlives every person among them, so it names nobody."""
    shared = (batch.kind, batch.object, batch.seed, str(batch.notice_version), *astuple(batch.attribution))
    versions = (batch.model_family, batch.model_version, batch.policy_version)  # such as lapse@3
    if any("@" in text for text in shared) or any(_ADDRESS.search(text) for text in versions):
        raise BatchNotValid("What the decisions of a batch share looks like an address: it is never erased.")


def _check_names(header: bytes, subjects: Sequence[SubjectId]) -> None:
    said = header.decode()
    named = {UUID(found) for found in _UUID.findall(said)}
    for found in _OPAQUE.findall(said):
        with suppress(InvalidInput):
            named.add(from_opaque("sub", found))
    if not named.isdisjoint(subjects):
        raise SubjectInEntry("What the decisions of a batch share names a subject among them: it is never erased.")


def _pointers(field: str, wrong: Sequence[bool]) -> list[JSON]:
    """Where the decisions are that something is wrong with; the first hundred."""
    places = [place for place, one in enumerate(wrong) if one]
    return [{"pointer": f"/decisions/{place}/{field}"} for place in places[:_MOST_POINTERS]]


def _packed_columns(
    batch: DecisionBatch, ids: Sequence[UUID], salts: bytes, chosen: NDArray[np.uint16]
) -> dict[str, Any]:
    people = zip(batch.subjects, batch.verdict_ids, batch.consent_event_ids, strict=True)
    tags = b"".join(decision_tag(salts[32 * at : 32 * at + 32], *whom) for at, whom in enumerate(people))
    draws = batch.random_draw
    features, bins = _changes(batch, len(ids))
    return {
        "id": b"".join(one.bytes for one in ids),
        "tag": tags,
        "input_sha256": b"".join(hashlib.sha256(sealed).digest() for sealed in batch.sealed_inputs),
        "score": batch.scores,
        "draw": np.nan if draws is None else np.array([np.nan if draw is None else draw for draw in draws]),
        "chosen": chosen,
        "counterfactual_features": features,
        "counterfactual_bins": bins,
        "contributions": batch.contributions,
        "bins": batch.bins,
    }


def _changes(batch: DecisionBatch, count: int) -> tuple[NDArray[np.int16], Bins]:
    """Numbers and bins of the counterfactual features, two columns each."""
    features = np.full((count, MOST_CHANGES), NO_CHANGE, dtype=np.int16)
    bins = np.zeros((count, MOST_CHANGES), dtype=np.uint16)
    if batch.counterfactual_features is None or batch.counterfactual_bins is None:
        features[:, 0] = NOT_SEARCHED
        return features, bins
    given = batch.counterfactual_features.reshape(count, -1)
    features[:, : given.shape[1]] = given
    bins[:, : given.shape[1]] = batch.counterfactual_bins.reshape(count, -1)
    return features, bins


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
        "v": 2,
        "id": str(batch_id),
        "kind": batch.kind,
        "object": batch.object,
        "purpose": batch.purpose,
        "model_family": batch.model_family or family_of(batch.model_version),
        "model_version": batch.model_version,
        "policy_version": batch.policy_version,
        "notice_version": str(batch.notice_version),
        "effect": batch.effect,
        "solely_automated": batch.solely_automated,
        "attribution": [batch.attribution.method, batch.attribution.background],
        "features": list(batch.feature_names),
        "intercept": float(batch.intercept),
        "names": names.listed(),
    }
    header |= {"seed": batch.seed} if batch.seed else {}
    written = canonical_json(header | ({"alternatives": shared} if shared else {}))
    _check_names(written, batch.subjects)
    return written


def family_of(model_version: str) -> str:
    """The family of a model version: ``lapse`` of ``lapse@3``, ``lapse:3`` or ``lapse/3``."""
    for separator in "@:/":
        model_version = model_version.split(separator, 1)[0]
    return model_version
