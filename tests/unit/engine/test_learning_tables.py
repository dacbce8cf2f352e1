"""The model is a sum of tables: it scores as the machine it was compiled from, explains itself exactly, and replays bit for bit."""

from __future__ import annotations

import io
import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learning.errors import FeaturesMissing, TablesMalformed
from engine.learning.tables import ScoringTables, Term, bin_of, order_of, range_of, sigmoid

TABLES = ScoringTables(
    ("age", "spend"),
    0.5,
    (
        Term((0,), (np.array([10.0, 20.0]),), np.array([0.1, -1.0, 0.0, 2.0])),
        Term((0, 1), (np.array([15.0]), np.array([100.0])), np.arange(9.0).reshape(3, 3)),
    ),
)


def test_a_value_falls_into_the_bin_that_its_range_says() -> None:
    cuts = np.array([10.0, 20.0])
    values = np.array([np.nan, 9.9, 10.0, 19.9, 20.0, 1e9])
    places = bin_of(values, cuts)
    assert places.tolist() == [0, 1, 2, 2, 3, 3]
    for value, place in zip(values[1:], places[1:], strict=True):
        lower, upper = range_of(cuts, int(place))
        assert lower is None or lower <= value
        assert upper is None or value < upper


def test_contributions_sum_to_the_score() -> None:
    rows = pl.DataFrame({"spend": [50.0, 150.0, None], "age": [5.0, 15.0, 25.0]})
    scored = TABLES.score(rows)
    assert scored.raw.tolist() == [0.5 - 1.0 + 4.0, 0.5 + 0.0 + 8.0, 0.5 + 2.0 + 6.0]
    assert np.array_equal(TABLES.intercept + scored.contributions.sum(axis=1), scored.raw)
    assert TABLES.term_names == ("age", "age & spend")


def test_calibration_keeps_the_model_a_sum() -> None:
    rows = np.array([[5.0, 50.0], [25.0, np.nan]])
    plain, scaled = TABLES.score(rows), TABLES.calibrated(0.5, 1.0).score(rows)
    assert np.allclose(scaled.raw, 0.5 * plain.raw + 1.0)
    assert np.allclose(scaled.contributions, 0.5 * plain.contributions)


def test_the_bytes_read_back_to_the_same_model_and_the_same_digest() -> None:
    again = ScoringTables.from_bytes(TABLES.to_bytes())
    assert again.sha256 == TABLES.sha256
    rows = np.random.default_rng(0).normal(15, 10, (1000, 2))
    assert again.score(rows).raw.tobytes() == TABLES.score(rows).raw.tobytes()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps({"a": 1}), np.arange(3).tobytes()])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TablesMalformed):
        ScoringTables.from_bytes(data)


def test_bytes_with_a_pickled_object_never_run() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, head=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(TablesMalformed):
        ScoringTables.from_bytes(buffer.getvalue())


def test_rows_without_a_feature_are_refused() -> None:
    with pytest.raises(FeaturesMissing) as refused:
        TABLES.score(pl.DataFrame({"age": [1.0]}))
    assert refused.value.fields["missing"] == ["spend"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_the_sigmoid_stays_between_nought_and_one(values: list[float]) -> None:
    probability = sigmoid(np.array(values))
    assert ((probability >= 0) & (probability <= 1)).all()


def test_the_strongest_reason_comes_first() -> None:
    assert order_of(np.array([[0.1, -0.5, 0.5]])).tolist() == [[1, 2, 0]]
