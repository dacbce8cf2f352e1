"""What a decision is, handed in and read back: the dataclasses that cross the border of this package. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from audit.decision_records.packing import Alternative, Bins, Change, Floats
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.ids import SubjectId


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the contributions came about. An additive model's are its own terms; any other model's rest on a method and a choice of what to
    compare with, which both are named, because another choice gives other reasons."""

    method: str = "additive_terms"
    background: str = ""


EXACT = Attribution()


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
    seed: str = ""
    attribution: Attribution = EXACT
    solely_automated: bool = True


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
    counterfactual: tuple[Change, ...] | None
    sealed_input: bytes = field(repr=False)
    position: int = 0
    seed: str = ""
    attribution: Attribution = EXACT
    solely_automated: bool = True
