"""A feature at an instant knows nothing of what came after it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events.reading import History
from engine.features.definitions import SHOPPING
from engine.features.point_in_time import lapses, shopping_features
from governance.kernel.ids import SubjectId

CUT = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = tuple(SubjectId(uuid.UUID(int=number)) for number in range(5))


def _history(visits: list[tuple[int, datetime, int]], others: list[tuple[int, datetime]] = ()) -> History:  # type: ignore[assignment]
    at = pl.Datetime("us", "UTC")
    rows = [(person, instant, cents, 0, cents // 10, 2) for person, instant, cents in visits]
    schema = {
        "subject": pl.UInt32,
        "at": at,
        "value_cents": pl.Int64,
        "discount_cents": pl.Int64,
        "coupon_cents": pl.Int64,
        "lines": pl.Int64,
    }
    extra = pl.DataFrame(list(others), schema={"subject": pl.UInt32, "at": at}, orient="row")
    return History(PEOPLE, pl.DataFrame(rows, schema=schema, orient="row"), extra, extra)


def _days(number: float) -> datetime:
    return CUT - timedelta(days=number)


def test_the_figures_are_what_a_person_would_count() -> None:
    history = _history(
        [(0, _days(100), 1000), (0, _days(20), 3000), (0, _days(2), 500)], [(0, _days(3)), (0, _days(-3))]
    )
    row = shopping_features(history, CUT).row(0, named=True)
    assert row["recency_days"] == 2.0
    assert (row["visits"], row["spend_cents"], row["tenure_days"]) == (3, 4500, 100)
    assert (row["visits_7"], row["visits_28"], row["visits_84"]) == (1, 2, 2)
    assert (row["spend_7_cents"], row["spend_28_cents"]) == (500, 3500)
    assert row["gap_days"] == pytest.approx(100 / 3)
    assert row["recency_to_gap"] == pytest.approx(2 / (100 / 3))
    assert (row["coupons_redeemed"], row["campaigns_received"]) == (1, 1)


_VISITS = st.lists(st.tuples(st.integers(0, 4), st.floats(-200, 200), st.integers(0, 10_000)), max_size=40)


@given(_VISITS, _VISITS)
@settings(max_examples=60)
def test_later_events_change_nothing(
    earlier: list[tuple[int, float, int]], later: list[tuple[int, float, int]]
) -> None:
    before = [(person, _days(abs(days) + 0.001), cents) for person, days, cents in earlier]
    after = [(person, _days(-abs(days)), cents) for person, days, cents in later]
    extra = [(person, _days(-abs(days))) for person, days, _ in later]
    alone = shopping_features(_history(before), CUT)
    assert alone.equals(shopping_features(_history(before + after, extra), CUT))


def test_what_happens_at_the_cut_is_after_it() -> None:
    history = _history([(0, CUT, 100), (1, _days(1), 100)])
    assert shopping_features(history, CUT).get_column("subject").to_list() == [1]
    assert lapses(history, CUT).rows() == [(1, 1)]


def test_only_who_was_active_can_lapse() -> None:
    history = _history(
        [
            (0, _days(85), 1),
            (1, _days(83), 1),
            (2, _days(10), 1),
            (2, _days(-27), 1),
            (3, _days(10), 1),
            (3, _days(-29), 1),
        ]
    )
    assert dict(lapses(history, CUT).iter_rows()) == {1: 1, 2: 0, 3: 1}


def test_every_feature_is_there_and_is_a_number() -> None:
    features = shopping_features(_history([(0, _days(0.5), 0)]), CUT)
    assert tuple(features.columns) == ("subject", *SHOPPING.names)
    assert np.isfinite(features.drop("subject").to_numpy()).all()


def test_a_change_of_meaning_changes_the_digest() -> None:
    from dataclasses import replace

    changed = replace(
        SHOPPING, features=(replace(SHOPPING.features[0], meaning="something else"), *SHOPPING.features[1:])
    )
    assert changed.sha256 != SHOPPING.sha256
