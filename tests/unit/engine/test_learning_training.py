"""Fitting, calibration and figures, on a small shop that is made up and the same at every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

pytest.importorskip("interpret", reason="needs the extra `engine`")

from engine.features.definitions import Feature, FeatureSet, Unit  # noqa: E402
from engine.learning import boosting, evaluation, training  # noqa: E402
from engine.learning.errors import NothingToLearn  # noqa: E402

FEATURES = FeatureSet("test", 1, tuple(Feature(name, Unit.COUNT, name) for name in ("a", "b", "noise")))
CUTS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6)]
SPLIT = training.TimeSplit(tuple(CUTS[:3]), (CUTS[3],), (CUTS[4],))


def _rows(count: int = 3000) -> pl.DataFrame:
    generator = np.random.default_rng(1)
    a, b, noise = generator.normal(size=(3, count))
    raw = 1.5 * a - b + 0.8 * a * b
    return pl.DataFrame(
        {
            "cut": [CUTS[number % 5] for number in range(count)],
            "a": a, "b": b, "noise": noise,
            "lapsed": (generator.random(count) < 1 / (1 + np.exp(-raw))).astype(np.int8),
        }
    )  # fmt: skip


# Fitting a boosting machine takes a second or two.
@pytest.mark.slow
def test_the_tables_score_as_the_machine_they_were_compiled_from() -> None:
    from interpret.glassbox import ExplainableBoostingClassifier

    rows = _rows()
    x, y = rows.select(FEATURES.names).to_numpy(), rows.get_column("lapsed").to_numpy()
    machine = ExplainableBoostingClassifier(
        feature_names=list(FEATURES.names), interactions=2, outer_bags=2, n_jobs=1, random_state=0
    ).fit(x, y)
    tables = boosting.compile_machine(FEATURES.names, machine)
    unseen = np.random.default_rng(2).normal(0, 3, (5000, 3))
    unseen[::50, 0] = np.nan
    scored = tables.score(unseen)
    assert np.abs(scored.contributions - machine.eval_terms(unseen)).max() < 2e-6
    assert np.abs(scored.probability - machine.predict_proba(unseen)[:, 1]).max() < 5e-6
    assert any("&" in name for name in tables.term_names)


@pytest.mark.slow  # two models are fitted
def test_training_finds_what_is_there_and_its_probabilities_are_honest() -> None:
    trained = training.train(_rows(), FEATURES, SPLIT)
    assert trained.quality.auc > 0.8
    assert trained.quality.calibration_error < 0.08
    assert trained.against_reference.low < trained.against_reference.difference < trained.against_reference.high
    assert trained.rows == 1800
    again = training.train(_rows(), FEATURES, SPLIT)
    assert again.tables.sha256 == trained.tables.sha256, "the same rows make the same model"


def test_buckets_of_a_policy_count_as_their_middle() -> None:
    rows = pl.DataFrame({"x": ["[30, 40)", "<20", ">=90", "[-5, 5)", None]})
    assert rows.select(training._number(rows, "x")).to_series().to_list() == [35.0, 20.0, 90.0, 0.0, None]


def test_a_split_that_is_not_in_time_order_is_refused() -> None:
    with pytest.raises(ValueError, match="follow one another"):
        training.TimeSplit((CUTS[0], CUTS[3]), (CUTS[2],), (CUTS[4],))


def test_one_outcome_teaches_nothing() -> None:
    with pytest.raises(NothingToLearn):
        boosting.fit_tables(("a",), np.zeros((10, 1)), np.zeros(10, dtype=np.int8))
    with pytest.raises(NothingToLearn):
        boosting.platt(np.zeros(10), np.ones(10, dtype=np.int8))


def test_platt_undoes_a_wrong_scale() -> None:
    generator = np.random.default_rng(3)
    honest = generator.normal(0, 2, 20_000)
    labels = (generator.random(20_000) < 1 / (1 + np.exp(-honest))).astype(np.int8)
    slope, offset = boosting.platt(3 * honest + 1, labels)
    assert slope == pytest.approx(1 / 3, rel=0.05)
    assert offset == pytest.approx(-1 / 3, abs=0.06)


def test_the_area_under_the_curve_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    generator = np.random.default_rng(4)
    labels = (generator.random(2000) < 0.3).astype(np.int8)
    score = np.round(np.clip(labels * 0.2 + generator.random(2000) * 0.8, 0.001, 0.999), 2)  # with ties
    figures = evaluation.quality(labels, score)
    assert figures.auc == pytest.approx(roc_auc_score(labels, score), abs=1e-12)
    assert figures.logloss == pytest.approx(log_loss(labels, score), abs=1e-9)


def test_a_model_is_not_better_than_itself() -> None:
    labels = (np.random.default_rng(5).random(500) < 0.5).astype(np.int8)
    score = np.random.default_rng(6).random(500)
    assert evaluation.difference(labels, score, score) == evaluation.Difference(0.0, 0.0, 0.0)


def test_time_passes_between_the_parts() -> None:
    assert SPLIT.cuts == tuple(CUTS)
    assert all(later - earlier > timedelta() for earlier, later in zip(SPLIT.cuts, SPLIT.cuts[1:], strict=False))
