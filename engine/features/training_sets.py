"""Building a training set: for permitted people only, each row as of its cut, with what happened next as the label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
from django.db import transaction

from audit import log
from consent.permission import citations
from engine.events import reading
from engine.features import models
from engine.features.definitions import SHOPPING, FeatureSet
from engine.features.errors import CutNotInstant, NobodyToLearnFrom, RebuiltDiffers, TrainingSetUnknown
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


@dataclass(frozen=True, slots=True)
class _View:
    """What a set is made from: at which cuts, of what had arrived by `known_until`; with `arrival`, features know only what arrived that
    soon after their cut."""

    cuts: Sequence[datetime]
    known_until: datetime | None
    arrival: timedelta | None

    def known_at(self, cut: datetime) -> datetime | None:
        """Until when something may have arrived to be known at a cut."""
        if self.arrival is None:
            return self.known_until
        soon = cut + self.arrival
        return soon if self.known_until is None else min(self.known_until, soon)


def lapse(
    subjects: Sequence[SubjectId],
    cuts: Sequence[datetime],
    *,
    verdict_set_id: UUID,
    actor: Actor,
    arrival: timedelta | None = None,
    progress: Progress = no_progress,
) -> TrainingSet:
    """The training set of "will this person lapse in the next four weeks?", one row a person and cut at which they were active.

    `verdict_set_id` is the gate's answer for these people (`gate.cite_set`). The set holds what is known now, and keeps the instant, so
    that `rebuild` gives the same rows whatever arrives later. A feature at a cut counts what happened before it; with `arrival` only what
    also arrived no later than that after the cut, as serving would have known it. Without it late events count: a history that was
    imported years afterwards has no other. Raises CutNotInstant, UnknownVerdict, NotCovered when they are not exactly whom it allowed,
    NobodyToLearnFrom.
    """
    if not cuts or any(cut.tzinfo is None for cut in cuts):
        raise CutNotInstant("Give at least one cut, each an instant with its time zone.")
    cited = citations.covers(verdict_set_id, subjects)
    view = _View(cuts, reading.settled(), arrival)
    return _kept(_built(subjects, view, progress), SHOPPING, cited, view, actor)


def rebuild(training_set_id: UUID, subjects: Sequence[SubjectId], *, progress: Progress = no_progress) -> TrainingSet:
    """A kept set once more, from what was known when it was built: the same rows, bit for bit, whatever has arrived since.

    Raises TrainingSetUnknown, NotCovered when these are not the people of that set, RebuiltDiffers.
    """
    row = models.TrainingSet.objects.filter(pk=training_set_id).first()
    if row is None:
        raise TrainingSetUnknown
    if (row.feature_set, row.feature_sha256) != (SHOPPING.label, SHOPPING.sha256):
        raise RebuiltDiffers("The definitions of its features have changed.")
    cited = citations.covers(row.verdict_set_id, subjects)
    frame = _built(subjects, _View(row.cuts, row.known_until, row.arrival), progress)
    content = _content(frame)
    if content != row.content_sha256:
        raise RebuiltDiffers(wanted=row.content_sha256, found=content)
    return TrainingSet(row.id, SHOPPING, frame, cited.id, content)


def _built(subjects: Sequence[SubjectId], view: _View, progress: Progress) -> pl.DataFrame:
    """Rows by cut and then by subject, in whatever order the subjects come. Raises NobodyToLearnFrom."""
    people = sorted(subjects)
    whole = reading.history(people, known_until=view.known_until)
    parts = []
    for done, cut in enumerate(view.cuts, start=1):
        seen = whole if view.arrival is None else reading.history(people, known_until=view.known_at(cut))
        parts.append(_at(whole, seen, cut))
        progress(done, len(view.cuts))
    frame = pl.concat(parts)
    if frame.is_empty():
        raise NobodyToLearnFrom
    return frame


def _at(whole: reading.History, seen: reading.History, cut: datetime) -> pl.DataFrame:
    """One cut: features before it, the label after it. The two meet only here."""
    rows = lapses(whole, cut).join(shopping_features(seen, cut), on="subject", how="inner", maintain_order="left")
    names = pl.Series([str(subject) for subject in whole.subjects], dtype=pl.String)
    return rows.with_columns(subject=names.gather(rows.get_column("subject")), cut=pl.lit(cut)).select(
        "subject", "cut", *SHOPPING.names, "lapsed"
    )


def _content(frame: pl.DataFrame) -> str:
    """Of the values, not of the people: the digest tells a rebuilt set from another one and says nothing about anybody."""
    return hashlib.sha256(frame.drop("subject").write_csv().encode()).hexdigest()


def _kept(
    frame: pl.DataFrame, features: FeatureSet, cited: citations.CitedSet, view: _View, actor: Actor
) -> TrainingSet:
    content = _content(frame)
    identifier = uuid7()
    with transaction.atomic():
        facts: dict[str, JSON] = {
            "rows": frame.height,
            "features": features.label,
            "content_sha256": content,
            "verdict_set": str(cited.id),
            "known_until": None if view.known_until is None else view.known_until.isoformat(),
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
            cuts=list(view.cuts),
            known_until=view.known_until,
            arrival=view.arrival,
            rows=frame.height,
            people=frame.get_column("subject").n_unique(),
            content_sha256=content,
            created_at=clock.now(),
            entry_id=entry,
        )
    return TrainingSet(identifier, features, frame, cited.id, content)
