"""Whole tables in memory: from whatever speaks Arrow, and as Polars frames."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from pseudonymize.errors import TableUnreadable


def frame(table: pa.Table) -> pl.DataFrame:
    """A table as a Polars frame."""
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)  # noqa: S101  a table makes a frame
    return made


def as_table(table: Any) -> pa.Table:
    """A table of Arrow columns of whatever speaks Arrow. Raises TableUnreadable."""
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise TableUnreadable("This is not a table of Arrow columns.")
