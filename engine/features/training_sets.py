"""Building a training set: for permitted people only, each row as of its cut, with what happened next as the label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl
from django.db import transaction

from audit import log
from consent import citations
from engine.events import reading
from engine.features import models
from engine.features.definitions import SHOPPING, FeatureSet
from engine.features.errors import CutNotInstant, NobodyToLearnFrom
from engine.features.point_in_time import lapses, shopping_features
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.progress import Progress, no_progress


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows to learn from. `frame` has `subject` (UUID as text), `cut`, the features, and `lapsed` (0 or 1)."""

    id: UUID
    feature_set: FeatureSet
    frame: pl.DataFrame
    verdict_set_id: UUID
    sha256: str


def lapse(
    subjects: Sequence[SubjectId],
    cuts: Sequence[datetime],
    *,
    verdict_set_id: UUID,
    actor: Actor,
    progress: Progress = no_progress,
) -> TrainingSet:
    """The training set of "will this person lapse in the next four weeks?", one row a person and cut at which they were active.

    `verdict_set_id` is the gate's answer for these people (`gate.cite_set`). Raises CutNotInstant, UnknownVerdict,
    NotCovered when they are not exactly whom it allowed, NobodyToLearnFrom.
    """
    if not cuts or any(cut.tzinfo is None for cut in cuts):
        raise CutNotInstant("Give at least one cut, each an instant with its time zone.")
    cited = citations.covers(verdict_set_id, subjects)
    history = reading.history(subjects)
    parts = []
    for done, cut in enumerate(cuts, start=1):
        parts.append(_at(history, cut))
        progress(done, len(cuts))
    frame = pl.concat(parts)
    if frame.is_empty():
        raise NobodyToLearnFrom
    return _kept(frame, SHOPPING, cited, cuts, actor)


def _at(history: reading.History, cut: datetime) -> pl.DataFrame:
    """One cut: features before it, the label after it. The two meet only here."""
    rows = lapses(history, cut).join(shopping_features(history, cut), on="subject", how="inner", maintain_order="left")
    names = pl.Series([str(subject) for subject in history.subjects], dtype=pl.String)
    return rows.with_columns(subject=names.gather(rows.get_column("subject")), cut=pl.lit(cut)).select(
        "subject", "cut", *SHOPPING.names, "lapsed"
    )


def _kept(
    frame: pl.DataFrame, features: FeatureSet, cited: citations.CitedSet, cuts: Sequence[datetime], actor: Actor
) -> TrainingSet:
    # Of the values, not of the people: the digest tells a rebuilt set from another one and says nothing about anybody.
    content = hashlib.sha256(frame.drop("subject").write_csv().encode()).hexdigest()
    identifier = uuid7()
    with transaction.atomic():
        facts: dict[str, JSON] = {
            "rows": frame.height,
            "features": features.label,
            "content_sha256": content,
            "verdict_set": str(cited.id),
        }
        entry = log.emit(
            "features.training_set_built",
            actor=actor,
            object=f"training_set:{identifier}",
            purpose=cited.purpose,
            facts=facts,
        )
        models.TrainingSet.objects.create(
            id=identifier,
            feature_set=features.label,
            feature_sha256=features.sha256,
            purpose_key=cited.purpose,
            verdict_set_id=cited.id,
            cuts=list(cuts),
            rows=frame.height,
            people=frame.get_column("subject").n_unique(),
            content_sha256=content,
            created_at=clock.now(),
            entry_id=entry,
        )
    return TrainingSet(identifier, features, frame, cited.id, content)
