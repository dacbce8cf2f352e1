"""Will this household lapse in the next four weeks? A training set of permitted people only, pseudonymised by policy, and two models:
one that saw who they are and one that did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from django.db import transaction

from consent import gate
from consent.permission.verdicts import Verdicts
from consent.terms import Channel
from engine.features import training_sets
from engine.learning import evaluation, registry, training
from governance.airegister import systems
from governance.airegister.stages import RiskClass, Role
from governance.demo.setting import TRAINING
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.kernel.progress import Progress, no_progress
from pseudonymize import policies, vault
from pseudonymize.runs import batch
from pseudonymize.runs.manifests import Manifest
from pseudonymize.vault import IdentifierKind

SYSTEM_KEY = "lapse"
POLICY = Path(__file__).with_name("lapse_policy.yaml")
PIPELINE = Actor(ActorKind.SYSTEM, "training-pipeline")
_IDENTITY = list(IdentifierKind)


def _cuts(*months: int) -> tuple[datetime, ...]:
    return tuple(datetime(2017, month, 15, tzinfo=UTC) for month in months)


SPLIT = training.TimeSplit(train=_cuts(4, 5, 6, 7, 8), calibrate=_cuts(9, 10), test=_cuts(11))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The training set twice: with identities, as a pipeline without Zgoda would have it, and as the policy lets it be seen."""

    verdicts: Verdicts
    learnt_from: training_sets.TrainingSet
    identified: pl.DataFrame
    pseudonymised: pl.DataFrame
    manifest: Manifest


def prepare(subjects: Sequence[SubjectId], *, progress: Progress = no_progress) -> Prepared:
    """Ask the gate, build the set for whom it allows, join who they are, and take that away again by policy."""
    verdicts = gate.filter(subjects, TRAINING, Channel.TRAINING)
    with transaction.atomic():
        cited = gate.cite_set(verdicts, actor=PIPELINE, cited_for="lapse training set")
    built = training_sets.lapse(verdicts.allowed, SPLIT.cuts, verdict_set_id=cited, actor=PIPELINE, progress=progress)
    identified = built.frame.join(_identities(verdicts.allowed), on="subject", how="left", maintain_order="left")
    plain = identified.to_arrow(compat_level=pl.CompatLevel.oldest())
    done = batch.apply(plain, policies.load(POLICY), actor=PIPELINE, activity="lapse model", verdict_id=cited)
    seen = pl.from_arrow(done.table)
    assert isinstance(seen, pl.DataFrame)  # noqa: S101 - a table becomes a frame
    return Prepared(verdicts, built, identified, seen, done.manifest)


def _identities(subjects: Sequence[SubjectId]) -> pl.DataFrame:
    with transaction.atomic():
        known = vault.read(subjects, _IDENTITY, purpose=TRAINING, actor=PIPELINE)
    columns = {kind.value: [known[subject].get(kind) for subject in subjects] for kind in _IDENTITY}
    return pl.DataFrame({"subject": [str(subject) for subject in subjects], **columns})


@dataclass(frozen=True, slots=True)
class Compared:
    """The model that decides (it saw pseudonyms), the one that saw identities, and how far their AUC differ."""

    model: registry.LoadedModel
    pseudonymised: training.Trained
    identified: training.Trained
    difference: evaluation.Difference


def train(prepared: Prepared) -> Compared:
    """Train both, register the one that saw no identity, and let it decide."""
    features = prepared.learnt_from.feature_set
    pseudonymised = training.train(prepared.pseudonymised, features, SPLIT)
    identified = training.train(prepared.identified, features, SPLIT)
    model = registry.keep(
        SYSTEM_KEY, pseudonymised, prepared.learnt_from, manifest_id=prepared.manifest.id, actor=PIPELINE
    )
    registry.promote(model, reason="As accurate as the model that saw identities.", actor=PIPELINE)
    return Compared(model, pseudonymised, identified, _difference(pseudonymised, identified))


def _difference(one: training.Trained, other: training.Trained) -> evaluation.Difference:
    """On the same people, where the policy suppressed nobody; otherwise the plain difference without an interval."""
    if len(one.test_labels) == len(other.test_labels) and (one.test_labels == other.test_labels).all():
        return evaluation.difference(one.test_labels, one.test_probability, other.test_probability)
    gap = one.quality.auc - other.quality.auc
    return evaluation.Difference(gap, gap, gap)


def register_system(actor: Actor) -> None:
    """Enter the AI system in the register before it decides anything (AI Act Art. 26)."""
    systems.register_system(
        systems.Registration(
            key=SYSTEM_KEY,
            name="Lapse estimate",
            role=Role.DEPLOYER,
            intended_purpose="Estimates whether a household will stop shopping within four weeks, to choose who gets which offer.",
            risk_class=RiskClass.TRANSPARENCY,
            risk_reasoning="Offers for groceries by e-mail: no area of Annex III, no legal or similarly significant effect.",
            transparency_en="A model estimates from your visits and spending whether you are about to stop shopping with us.",
            transparency_pl="Model szacuje na podstawie Twoich wizyt i wydatków, czy przestajesz robić u nas zakupy.",
            instructions="Use for offers only. Stop it here when its reasons or its errors look wrong.",
        ),
        actor=actor,
    )
