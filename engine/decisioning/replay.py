"""Replaying: the recorded decision must come out again, bit for bit, from its frozen input and its model's tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from audit import decisions
from audit.decisions import Decision
from engine.decisioning.errors import ReplayDiffers
from engine.decisioning.recording import LABEL
from engine.learning import registry
from engine.learning.tables import ScoringTables
from pseudonymize import vault


def replay(decision_ids: Sequence[UUID]) -> int:
    """Score the frozen inputs again and compare score, contributions and bins; returns how many decisions were replayed.

    Raises ReplayDiffers naming the first that does not come out the same, UnknownDecision, SubjectForgotten.
    """
    recorded = decisions.many(decision_ids)
    opened = vault.open_many([one.subject for one in recorded], LABEL, [one.sealed_input for one in recorded])
    inputs = [json.loads(record) for record in opened]
    by_model: dict[UUID, list[int]] = {}
    for place, said in enumerate(inputs):
        by_model.setdefault(UUID(said["model_id"]), []).append(place)
    for model, places in by_model.items():
        # Recalled, not loaded: a system that a person has stopped decides nothing, but what it decided can still be checked.
        tables = registry.recall(model).tables
        rows = np.array(
            [[inputs[place]["features"][name] for name in tables.feature_names] for place in places], np.float64
        )
        _compare(tables, rows, [recorded[place] for place in places])
    return len(recorded)


def _compare(
    tables: ScoringTables, rows: np.ndarray[tuple[int, int], np.dtype[np.float64]], recorded: Sequence[Decision]
) -> None:
    scored = tables.score(rows)
    contributions, raw = scored.contributions.astype(np.float32), scored.raw.astype(np.float32)
    for place, decision in enumerate(recorded):
        same = (
            np.float32(decision.score) == raw[place]
            and [term.contribution for term in decision.terms] == contributions[place].astype(float).tolist()
            and [term.bin for term in decision.terms] == scored.bins[place].tolist()
            and decision.intercept == tables.intercept
        )
        if not same:
            raise ReplayDiffers("The decision does not come out again.", decision=str(decision.id))
