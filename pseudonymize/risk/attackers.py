"""What groups mean to somebody who looks for a person (El Emam, "Guide to the De-Identification of Personal Health Information", 2013).

The prosecutor knows that their target is in the table. The journalist does not, and can look people up in the population that the
table comes from. The marketer is content with many people, right on average. Risks are probabilities of naming a row's person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pseudonymize.risk.groups import Groups, combine, encode, group
from pseudonymize.risk.measures import _text


@dataclass(frozen=True, slots=True)
class Attackers:
    """Risks of a table, 0 to 1: of the row at most risk, on average, and the share of rows above the threshold."""

    rows: int
    threshold: float
    prosecutor_highest: float
    prosecutor_average: float
    prosecutor_at_risk: float
    journalist_highest: float
    journalist_at_risk: float
    marketer: float
    unique: float


def attackers(table: Any, quasi: Sequence[str], *, population: Any = None, threshold: float = 0.1) -> Attackers:
    """The three attackers' risks. Without a `population` the journalist has nothing but the table. Raises KeyError."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    groups = group(arrow, quasi)
    if not groups.rows:
        return Attackers(0, threshold, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    larger = groups.sizes if population is None else _sizes_in(groups, arrow, population, quasi)
    risk, journalist = 1.0 / groups.sizes, 1.0 / larger
    return Attackers(
        rows=groups.rows,
        threshold=threshold,
        prosecutor_highest=float(risk.max()),
        prosecutor_average=len(groups.sizes) / groups.rows,
        prosecutor_at_risk=float(groups.sizes[risk > threshold].sum() / groups.rows),
        journalist_highest=float(journalist.max()),
        journalist_at_risk=float(groups.sizes[journalist > threshold].sum() / groups.rows),
        marketer=float((groups.sizes * journalist).sum() / groups.rows),
        unique=float((groups.sizes == 1).sum() / groups.rows),
    )


def _sizes_in(groups: Groups, table: pa.Table, population: Any, quasi: Sequence[str]) -> Any:
    """How many of the population are in each group of the table; never fewer than are in the table."""
    outside = population if isinstance(population, pa.Table) else pa.table(population)
    columns = [encode(pa.chunked_array([_text(table, n), _text(outside, n)]).combine_chunks()) for n in quasi]
    together = combine(columns, len(table) + len(outside))
    counts = np.bincount(together.of[len(table) :], minlength=len(together.sizes))
    first = np.zeros(len(groups.sizes), dtype=np.int64)
    first[groups.of] = together.of[: len(table)]
    return np.maximum(counts[first], groups.sizes)
