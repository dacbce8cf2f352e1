"""Every decision of a long run comes out again bit for bit, whatever its numbers were, also after a person stopped the system."""

from __future__ import annotations

import os

import numpy as np
import polars as pl
import pytest

from audit import decisions
from audit.decisions import DecisionBatch
from engine.decisioning import recording, replay
from engine.decisioning.errors import ReplayDiffers
from engine.decisioning.offers import CATALOGUE, Policy
from engine.decisioning.recording import Order
from engine.features.definitions import SHOPPING
from engine.learning import registry
from engine.learning.errors import ModelStopped, ModelUnknown
from engine.learning.registry import LoadedModel
from governance.airegister import systems
from governance.kernel import clock
from governance.kernel.ids import SubjectId, uuid7
from pseudonymize import vault
from tests.integration.consent.arrange import STAFF
from tests.integration.engine.campaigning import enrol
from tests.integration.engine.test_decisioning_runs import a_model

ROWS = int(os.environ.get("ZGODA_REPLAY_ROWS", "1000"))


def odd_rows(count: int) -> pl.DataFrame:
    """Features as they come: cents and days, and numbers at the edges of what a float is."""
    chance = np.random.default_rng(5)
    values = chance.lognormal(1, 2, (count, len(SHOPPING.names)))
    edges = [0.0, -0.0, 0.1 + 0.2, 5e-324, 1e308, np.nan, 7.0, np.nextafter(7.0, 0), 21.0]
    at = chance.random(values.shape) < 0.2
    values[at] = chance.choice(edges, at.sum())
    return pl.DataFrame(values, schema=list(SHOPPING.names))


def recorded(model: LoadedModel, subject: SubjectId, rows: pl.DataFrame) -> list:
    """The rows decided by the model and recorded as a run records them."""
    order = Order(
        uuid7(),
        "replayed",
        model,
        "profiling",
        CATALOGUE,
        Policy(),
        "0" * 64,
        clock.now(),
        1,
        STAFF,  # type: ignore[arg-type]
    )
    scored = model.tables.score(rows)
    count = rows.height
    sealed = vault.seal_many([subject] * count, recording.LABEL, recording._inputs(rows, order))
    batch = DecisionBatch(
        kind="offer",
        object="decision_run:none",
        purpose="offers",
        model_version=model.version,
        model_family="lapse",
        policy_version="offers:0",
        notice_version="1",
        feature_names=model.tables.term_names,
        subjects=[subject] * count,
        verdict_ids=[None] * count,
        consent_event_ids=[None] * count,
        scores=scored.raw.astype(np.float32),
        contributions=scored.contributions,
        intercept=model.tables.intercept,
        bins=scored.bins,
        chosen=["none"] * count,
        sealed_inputs=sealed,
    )
    return decisions.record(batch).decision_ids


@pytest.mark.django_db
def test_every_decision_of_a_run_replays_and_its_reasons_sum_to_its_score() -> None:
    model, (subject,) = a_model(), enrol(1)
    ids = recorded(model, subject, odd_rows(ROWS))

    assert replay.replay(ids) == ROWS
    for decision in decisions.many(ids[:: max(1, ROWS // 500)]):
        assert decision.intercept + sum(term.contribution for term in decision.terms) == decision.score


@pytest.mark.django_db
def test_what_a_stopped_system_decided_can_still_be_replayed_and_it_decides_nothing_more() -> None:
    model, (subject,) = a_model(), enrol(1)
    ids = recorded(model, subject, odd_rows(20))
    systems.stop(model.system, "Its reasons look wrong.", actor=STAFF)

    assert replay.replay(ids) == 20
    assert registry.recall(model.id).tables.sha256 == model.tables.sha256
    assert registry.recall_version(model.version).id == model.id
    with pytest.raises(ModelStopped):
        registry.load(model.id)
    for unknown in ("lapse-99", "lapse", "lapse-", "lapse-x", "nobody-1"):
        with pytest.raises(ModelUnknown):
            registry.recall_version(unknown)


@pytest.mark.django_db
def test_another_model_does_not_replay_them() -> None:
    model, (subject,) = a_model(), enrol(1)
    rows = odd_rows(20)
    other = a_model(made=model.tables.calibrated(1.0, 0.25))
    ids = recorded(other, subject, rows)
    assert replay.replay(ids) == 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "recall", lambda _: model)
        with pytest.raises(ReplayDiffers):
            replay.replay(ids)
