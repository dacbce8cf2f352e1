"""Tables sum without rounding, know categories, and a retrained model carries on from the one in use."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.learning import evaluation, retraining
from engine.learning.errors import RetrainedFromAnother, TablesMalformed
from engine.learning.tables import ScoringTables, Term, grid_of, order_of, strongest

BANK_FULL = os.environ.get("ZGODA_BANK_FULL", "")
"""The path of the table `bank_full` (UCI Bank Marketing, as Parquet), which does not come with the project."""


def a_model(seed: int, *, features: int = 5, pairs: int = 3, scale: float = 1.0) -> ScoringTables:
    chance = np.random.default_rng(seed)

    def term(*which: int) -> Term:
        cuts = tuple(np.unique(chance.normal(0, 1, chance.integers(1, 20))) for _ in which)
        return Term(which, cuts, chance.normal(0, scale, [len(one) + 2 for one in cuts]))

    chosen = list(itertools.combinations(range(features), 2))[:pairs]
    terms = [term(number) for number in range(features)] + [term(*pair) for pair in chosen]
    return ScoringTables(tuple(f"f{number}" for number in range(features)), float(chance.normal()), tuple(terms))


def rows_of(seed: int, count: int = 500, features: int = 5) -> np.ndarray:
    chance = np.random.default_rng(seed)
    rows = chance.normal(0, 1, (count, features))
    rows[chance.random(rows.shape) < 0.05] = np.nan
    return rows


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([1e-6, 0.1, 1.0, 40.0, 1e6]), st.randoms())
def test_contributions_sum_to_the_score_without_any_error_in_whatever_order(seed: int, scale: float, order) -> None:
    tables = a_model(seed, scale=scale)
    scored = tables.score(rows_of(seed, 40))
    shuffled = list(range(len(tables.terms)))
    order.shuffle(shuffled)
    single = np.full(40, tables.intercept, dtype=np.float32)
    for number in shuffled:
        single += scored.contributions[:, number]
    assert (single.astype(np.float64) == scored.raw).all()
    assert (scored.contributions.astype(np.float64).sum(axis=1) + tables.intercept == scored.raw).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_one_row_scores_as_it_does_among_many(seed: int) -> None:
    tables, rows = a_model(seed), rows_of(seed, 30)
    many = tables.score(rows)
    for place, row in enumerate(rows.tolist()):
        one = tables.score_one(row)
        assert one.raw == many.raw[place]
        assert one.contributions == tuple(many.contributions[place].tolist())
        assert one.bins == tuple(many.bins[place].tolist())
        assert one.probability == pytest.approx(many.probability[place])


def test_pieces_of_a_batch_score_as_the_whole() -> None:
    tables, rows = a_model(1), rows_of(1, 20_000)
    whole = tables.score(rows)
    assert np.array_equal(tables.score(rows[8_000:9_000]).raw, whole.raw[8_000:9_000])


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_the_strongest_terms_are_the_first_of_all_in_order(seed: int, wanted: int) -> None:
    contributions = np.round(np.random.default_rng(seed).normal(0, 1, (50, 6)), 1)  # with ties
    by_weight = np.take_along_axis(np.abs(contributions), strongest(contributions, wanted), axis=1)
    assert np.array_equal(
        by_weight, np.take_along_axis(np.abs(contributions), order_of(contributions), axis=1)[:, :wanted]
    )


def test_the_grid_is_as_fine_as_single_precision_allows() -> None:
    assert grid_of(0.0) == grid_of(1.0) == 2.0**-23
    assert grid_of(9.0) == 2.0**-19


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_table_with_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(TablesMalformed):
        ScoringTables(("a",), 0.0, (Term((0,), (np.array([1.0]),), np.array([0.0, value, 1.0])),))
    with pytest.raises(TablesMalformed):
        ScoringTables(("a",), 0.0, (Term((0,), (np.array([1.0]),), np.array([0.0, 1.0])),))


def test_categories_are_coded_and_an_unknown_one_counts_as_missing() -> None:
    levels = (("admin", "retired", "student"), None)
    cuts = np.array([0.5, 1.5])
    tables = ScoringTables(("job", "age"), 0.0, (Term((0,), (cuts,), np.array([-9.0, 1.0, 2.0, 3.0])),), levels)
    rows = pl.DataFrame({"age": [1, 2, 3, 4], "job": ["student", "admin", "astronaut", None]})
    assert tables.score(rows).raw.tolist() == [3.0, 1.0, -9.0, -9.0]
    again = ScoringTables.from_bytes(tables.to_bytes())
    assert (again.levels, again.sha256) == (levels, tables.sha256)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_retrained_model_is_the_mean_of_two_wherever_their_cuts_lie(seed: int, share: float) -> None:
    one, other = a_model(seed), a_model(seed + 1, pairs=2)
    mean = retraining.blended(one, other, share)
    rows = rows_of(seed, 100)
    expected = (1 - share) * one.score(rows).raw + share * other.score(rows).raw
    assert np.abs(mean.score(rows).raw - expected).max() < 1e-4
    assert set(mean.term_names) == {*one.term_names, *other.term_names}


def test_a_model_carries_on_from_one_with_the_same_features_alone() -> None:
    for other, share in ((a_model(2, features=4), 0.3), (a_model(2), 1.5), (a_model(2), -0.1)):
        with pytest.raises(RetrainedFromAnother):
            retraining.blended(a_model(1), other, share)


def test_the_overlap_counts_the_strongest_reasons_that_two_models_share() -> None:
    cuts = (np.array([0.0]),)

    def model(*weights: float) -> ScoringTables:
        terms = [Term((at,), cuts, np.full(3, weight)) for at, weight in enumerate(weights)]
        return ScoringTables(tuple("abcde"), 0.0, tuple(terms))

    rows = np.zeros((10, 5))
    one = model(5, 4, 3, 2, 1)
    assert retraining.overlap(one, one, rows) == 1.0
    assert retraining.overlap(one, model(5, 4, 1, 2, 3), rows) == pytest.approx(2 / 3)
    assert retraining.overlap(one, model(5, 4, 1, 2, 3), rows, told=5) == 1.0


def test_firm_reasons_hold_where_what_weighs_the_same_changes_places() -> None:
    cuts = (np.array([0.0]),)

    def model(*weights: float) -> ScoringTables:
        terms = [Term((at,), cuts, np.full(3, weight)) for at, weight in enumerate(weights)]
        return ScoringTables(tuple("abcdef"), 0.0, tuple(terms))

    rows = np.zeros((10, 6))
    told = retraining.held(model(5, 4, 2, 1.9, 1.8, 0), model(5, 4, 1.9, 2, 1.8, 0), rows)
    assert (told.firm, told.told) == (1.0, 1.0)
    assert (told.firm_count, told.told_count) == (2.0, 5.0)
    apart = retraining.held(model(5, 4, 3, 1, 1, 0), model(5, 4, 1, 3, 1, 0), rows)
    assert (apart.firm, apart.told) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_what_is_not_larger_than_chance_would_make_it_says_less() -> None:
    class Machine:
        validation_size = 0.15

        def __init__(self, *bags: list[float]) -> None:
            self.bagged_scores_ = [np.array(bags)]
            self.term_scores_ = [np.mean(bags, axis=0)]
            self.bin_weights_ = [np.ones(len(bags[0]))]

    from engine.learning import boosting

    same = boosting.steadied(Machine([0.5, -1.0, 0.0], [0.5, -1.0, 0.0])).term_scores_[0]
    assert same.tolist() == [0.5, -1.0, 0.0]
    wavering = boosting.steadied(Machine([0.4, 1.2, 0.1], [0.0, 0.8, -0.1])).term_scores_[0]
    assert 0 < wavering[0] < 0.2
    assert 0.9 < wavering[1] < 1.0
    assert wavering[2] == 0.0
    assert boosting.steadied(Machine([0.3, 0.4])).term_scores_[0].tolist() == [0.3, 0.4], (
        "one bag says nothing of chance"
    )


# Three boosting machines are fitted.
@pytest.mark.slow
def test_reasons_are_steadier_when_a_model_carries_on_and_it_learns_all_the_same() -> None:
    pytest.importorskip("interpret", reason="needs the extra `engine`")
    from engine.learning import boosting

    chance = np.random.default_rng(3)
    rows = chance.normal(size=(6000, 6))
    rows[:, 3] = rows[:, 0] + 0.3 * chance.normal(size=6000)  # two that can stand for one another
    rows[:, 5] = chance.integers(0, 4, 6000)
    raw = (
        rows[:, 0]
        - 0.6 * rows[:, 1]
        + 0.4 * rows[:, 2] * rows[:, 1]
        + np.array([0.8, -0.8, 0.2, 0.0])[rows[:, 5].astype(int)]
    )
    labels = (chance.random(6000) < 1 / (1 + np.exp(-raw))).astype(np.int8)
    names, levels = tuple("abcdef"), (None,) * 5 + (("w", "x", "y", "z"),)
    design = boosting.Design(pairs=(("b", "c"),), bags=2, bins=16, pair_bins=8, step=0.05, fewest_rows=50)
    test, first, second = rows[5000:], slice(0, 2500), slice(2500, 5000)

    one = boosting.fit_tables(names, rows[first], labels[first], design=design, levels=levels)
    alone = boosting.fit_tables(names, rows[second], labels[second], design=design, levels=levels)
    on = retraining.refit(one, rows[second], labels[second], design=design)

    assert one.term_names[-1] == "b & c"
    assert retraining.overlap(one, on, test) > retraining.overlap(one, alone, test) + 0.02
    quality = [evaluation.auc(labels[5000:], tables.score(test).raw) for tables in (one, alone, on)]
    assert quality[2] > min(quality[:2]) - 0.005
    assert boosting.MOST_PAIRS == 20
    with pytest.raises(ValueError, match="pairs"):
        boosting.Design(most_pairs=21)


# Four models on 45,000 rows: some minutes; the benchmark `decisions` reports the figures.
@pytest.mark.slow
@pytest.mark.skipif(not BANK_FULL, reason="ZGODA_BANK_FULL names the table bank_full")
def test_on_bank_full_the_tables_are_as_good_as_tuned_trees_and_their_reasons_are_steady() -> None:
    from benchmarks.decisions import banking

    told = banking(Path(BANK_FULL))
    assert told.auc > told.trees_auc - 0.005
    assert told.carried_on >= retraining.STEADY
    assert told.held.firm >= retraining.STEADY


def test_models_are_made_and_scored_without_the_service() -> None:
    """Whoever trains on a machine of their own needs neither settings nor a database."""
    program = (
        "import sys; from engine.learning import boosting, counterfactuals, evaluation, retraining, tables, training"
    )
    program += "; assert 'django.db.models' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3], env={"PATH": ""})
