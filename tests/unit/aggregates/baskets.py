"""A small shop whose rows the tests of this folder count: two stores and one that is not public, two days, an amount
in cents."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.aggregates.contributions import Bounded
from governance.aggregates.datasets import DEFAULT_CAPS
from governance.aggregates.preparation import Prepared, prepare
from governance.aggregates.queries import Bounds, Schema

SECRET = bytes(range(32))
SCHEMA = Schema(
    "baskets",
    {"store": ("north", "south"), "day": (1, 2), "postcode": None},
    {"amount": Bounds(-2, 5, "cent")},
    DEFAULT_CAPS,
)
Row = tuple[str, str | None, int | None, int | None]
"""Subject, store, day, amount."""


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    columns = {"subject": pl.String, "store": pl.String, "day": pl.Int64, "amount": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(postcode=pl.lit("00-001"))


def prepared(rows: Sequence[Row], schema: Schema = SCHEMA) -> Prepared:
    return prepare(frame(rows), schema, SECRET)


def bounded(rows: Sequence[Row], secret: bytes = SECRET, schema: Schema = SCHEMA) -> Bounded:
    return Bounded(prepared(rows, schema), secret)
