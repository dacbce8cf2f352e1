"""Counting in constant memory, and what a sample can say."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from pseudonymize.runs.residual import upper_bound
from pseudonymize.tables.distinct import KEPT, DistinctCount


def test_few_values_are_counted_exactly_over_batches_and_nulls_do_not_count() -> None:
    count = DistinctCount()
    count.add(pa.array(["a", "b", None, "a"]))
    count.add(pa.chunked_array([["b"], ["c", None]]))
    assert (count.estimate(), count.exact) == (3, True)


def test_many_values_are_estimated_within_five_percent() -> None:
    count = DistinctCount()
    for start in range(0, 300_000, 100_000):
        count.add(pa.array(np.arange(start, start + 150_000)))
    assert not count.exact
    assert count.estimate() == pytest.approx(350_000, rel=0.05)
    assert len(count.hashes) == KEPT


@pytest.mark.parametrize(
    "column",
    [
        pa.array([dt.date(2026, 1, 1), None]),
        pa.array([dt.datetime(2026, 1, 1), None]),
        pa.array([1.5, None]),
        pa.array([True, None]),
        pa.array(["x", None]).dictionary_encode(),
        pa.array(["x", None], pa.large_string()),
    ],
)
def test_every_plain_type_can_be_counted(column: pa.Array) -> None:
    count = DistinctCount()
    count.add(column)
    assert count.estimate() == 1


def test_a_column_of_nulls_or_nothing_has_no_values() -> None:
    count = DistinctCount()
    count.add(pa.nulls(3))
    count.add(pa.array([], pa.string()))
    assert count.estimate() == 0


def test_a_table_searched_whole_is_what_it_is() -> None:
    assert upper_bound(0, 100, 100, 0.95) == 0
    assert upper_bound(5, 100, 100, 0.95) == 0.05
    assert upper_bound(0, 0, 0, 0.95) == 0


def test_a_small_clean_sample_of_a_large_table_does_not_prove_much() -> None:
    assert upper_bound(0, 100, 1_000_000, 0.95) > 0.02
    assert upper_bound(0, 20_000, 1_000_000, 0.95) < 0.0005
    assert upper_bound(0, 100, 1_000_000, 0.99) > upper_bound(0, 100, 1_000_000, 0.95)


def test_the_bound_covers_the_truth_as_often_as_it_says() -> None:
    """1,000 samples of 500 from a table with 2 % dirty rows: at 95 % the bound may miss about 50 times."""
    random = np.random.default_rng(7)
    hits = random.hypergeometric(ngood=200, nbad=9_800, nsample=500, size=1_000)
    missed = sum(upper_bound(int(found), 500, 10_000, 0.95) < 0.02 for found in hits)
    assert missed <= 75
