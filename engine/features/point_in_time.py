"""Features as of an instant: computed from what had happened before it, and from nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from engine.events.reading import History
from engine.features.definitions import SHOPPING, WINDOWS

ACTIVE_DAYS = 84
LAPSE_DAYS = 28
_DAY_US = 86_400_000_000


def shopping_features(history: History, cut: datetime) -> pl.DataFrame:
    """The feature set SHOPPING at `cut`: one row for everybody who had visited before, as `subject` (a place in
    `history.subjects`) and one Float64 column per feature. Money in cents, times in days."""
    known = history.before(cut)
    per_person = known.visits.group_by("subject").agg(*_totals(cut), *_windowed(cut))
    joined = (
        per_person.join(_counted(known.redemptions, "coupons_redeemed"), on="subject", how="left")
        .join(_counted(known.campaigns, "campaigns_received"), on="subject", how="left")
        .with_columns(pl.col("coupons_redeemed", "campaigns_received").fill_null(0))
        .with_columns(gap_days=pl.col("tenure_days") / pl.col("visits"))
        # Somebody who came only today has no gap yet; a ratio of 0 days in 0-day gaps says nothing, so it is 0.
        .with_columns(
            recency_to_gap=pl.when(pl.col("gap_days") > 0)
            .then(pl.col("recency_days") / pl.col("gap_days"))
            .otherwise(0.0)
        )
    )
    return joined.select("subject", *(pl.col(name).cast(pl.Float64) for name in SHOPPING.names)).sort("subject")


def active(history: History, cut: datetime) -> pl.Series:
    """Who visited in the twelve weeks before `cut`: of the others it is no news that they do not come."""
    since = cut - timedelta(days=ACTIVE_DAYS)
    return history.visits.filter((pl.col("at") >= since) & (pl.col("at") < cut)).get_column("subject").unique().sort()


def lapses(history: History, cut: datetime) -> pl.DataFrame:
    """For everybody active at `cut` whether they lapse: no visit in the four weeks from it. Columns `subject`, `lapsed` (0 or 1)."""
    until = cut + timedelta(days=LAPSE_DAYS)
    came = history.visits.filter((pl.col("at") >= cut) & (pl.col("at") < until)).get_column("subject").unique()
    people = active(history, cut)
    return pl.DataFrame({"subject": people, "lapsed": (~people.is_in(came.implode())).cast(pl.Int8)})


def _totals(cut: datetime) -> list[pl.Expr]:
    instant, value = pl.lit(cut), pl.col("value_cents")
    return [
        ((instant - pl.col("at").max()).dt.total_microseconds() / _DAY_US).alias("recency_days"),
        pl.len().alias("visits"),
        value.sum().alias("spend_cents"),
        value.mean().alias("basket_cents"),
        pl.col("lines").mean().alias("lines_per_visit"),
        pl.col("coupon_cents").sum(),
        pl.col("discount_cents").sum(),
        (instant - pl.col("at").min()).dt.total_days().alias("tenure_days"),
    ]


def _windowed(cut: datetime) -> list[pl.Expr]:
    expressions = []
    for days in WINDOWS:
        within = pl.col("at") >= cut - timedelta(days=days)
        expressions += [
            within.sum().alias(f"visits_{days}"),
            pl.col("value_cents").filter(within).sum().alias(f"spend_{days}_cents"),
            pl.col("coupon_cents").filter(within).sum().alias(f"coupon_{days}_cents"),
        ]
    return expressions


def _counted(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.group_by("subject").agg(pl.len().alias(name))
