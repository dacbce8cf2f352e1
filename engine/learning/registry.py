"""Trained models by AI system: kept with what they were trained on, loaded from their tables alone, silent once stopped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from audit import log
from engine.features.training_sets import TrainingSet
from engine.learning.errors import ModelStopped, ModelUnknown
from engine.learning.models import ModelVersion
from engine.learning.tables import ScoringTables
from engine.learning.training import Trained
from governance.airegister import systems, versions
from governance.airegister.stages import Stage
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to decide. `version` is `<system>-<number>`, `tables.sha256` its digest."""

    id: UUID
    system: str
    number: int
    tables: ScoringTables
    feature_set: str
    training_set_id: UUID
    manifest_id: UUID | None

    @property
    def version(self) -> str:
        return f"{self.system}-{self.number}"


def keep(
    system: str, trained: Trained, learnt_from: TrainingSet, *, manifest_id: UUID | None, actor: Actor
) -> LoadedModel:
    """Store a trained model and enter it in the register of AI systems (as a candidate: `promote` lets it decide).

    Raises SystemUnknown when the system is not registered: an unregistered system decides nothing.
    """
    identifier, digest = uuid7(), trained.tables.sha256
    with transaction.atomic():
        systems.locked(system)
        number = 1 + (ModelVersion.objects.filter(system_key=system).aggregate(newest=Max("number"))["newest"] or 0)
        facts: dict[str, JSON] = {
            "version": f"{system}-{number}",
            "tables_sha256": digest,
            "training_set": str(learnt_from.id),
            "manifest": str(manifest_id) if manifest_id else None,
            "rows": trained.rows,
        }
        entry = log.emit("learning.model_trained", actor=actor, object=f"model:{identifier}", facts=facts)
        ModelVersion.objects.create(
            id=identifier,
            system_key=system,
            number=number,
            tables=trained.tables.to_bytes(),
            tables_sha256=digest,
            feature_set=learnt_from.feature_set.label,
            feature_sha256=learnt_from.feature_set.sha256,
            training_set_id=learnt_from.id,
            manifest_id=manifest_id,
            metrics=trained.metrics(),
            trained_at=clock.now(),
            entry_id=entry,
        )
        versions.register_version(
            system,
            f"{system}-{number}",
            artifact_sha256=digest,
            training_manifest_id=manifest_id,
            metrics=trained.metrics(),
            actor=actor,
        )
    return load(identifier)


def promote(model: LoadedModel, *, reason: str, actor: Actor) -> None:
    """Let the model decide; the one that did is retired. Raises SystemStopped, StageNotAllowed."""
    versions.promote(model.system, model.version, Stage.LIVE, reason=reason, actor=actor)


def load(model_id: UUID) -> LoadedModel:
    """A model by its id, to decide with. Raises ModelUnknown, ModelStopped."""
    model = recall(model_id)
    if systems.is_stopped(model.system):
        raise ModelStopped("A person stopped this AI system.", system=model.system)
    return model


def recall(model_id: UUID) -> LoadedModel:
    """A model by its id, to look back with: what a stopped system decided must still be replayed and explained. Raises ModelUnknown."""
    return _read(model_id)


def recall_version(version: str) -> LoadedModel:
    """As `recall`, by the name that decisions record (`lapse-3`). Raises ModelUnknown."""
    system, _, number = version.rpartition("-")
    known = (
        ModelVersion.objects.filter(system_key=system, number=int(number))
        if number.isascii() and number.isdigit()
        else None
    )
    identifier = known.values_list("id", flat=True).first() if known is not None else None
    if identifier is None:
        raise ModelUnknown("There is no such model version.", version=version)
    return recall(identifier)


def newest(system: str) -> LoadedModel:
    """The newest model of a system. Raises ModelUnknown, ModelStopped."""
    identifier = ModelVersion.objects.filter(system_key=system).order_by("-number").values_list("id", flat=True).first()
    if identifier is None:
        raise ModelUnknown("The system has no model yet.", system=system)
    return load(identifier)


@lru_cache(maxsize=16)
def _read(model_id: UUID) -> LoadedModel:
    """Cached: a version never changes."""
    row = ModelVersion.objects.filter(id=model_id).first()
    if row is None:
        raise ModelUnknown
    return LoadedModel(
        row.id,
        row.system_key,
        row.number,
        ScoringTables.from_bytes(bytes(row.tables)),
        row.feature_set,
        row.training_set_id,
        row.manifest_id,
    )
