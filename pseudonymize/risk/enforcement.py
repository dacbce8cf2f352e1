"""Does a run's output single people out, and which rows must not leave? k-anonymity and l-diversity, batch by batch.

Counts are collected over the declared quasi-identifiers as batches come, so that a table larger than memory is judged as one. Null is
a value like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from governance.kernel.errors import JSON
from pseudonymize.errors import RiskTooHigh

_ROWS = "__rows__"


class OnViolation(StrEnum):
    """What happens to rows in groups that are too small or too uniform."""

    SUPPRESS = "suppress"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class RiskTerms:
    """What a policy asks: at least `k` rows per combination of `quasi`, at least `l[column]` values of a sensitive column in each."""

    quasi: tuple[str, ...]
    k: int
    l: Mapping[str, int] = field(default_factory=dict)  # noqa: E741  its name in the literature
    on_violation: OnViolation = OnViolation.FAIL
    max_suppressed: float = 0.0


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found: the smallest group, rows that are unique, rows in violating groups, the smallest l per sensitive column."""

    rows: int
    groups: int
    smallest: int
    unique_rows: int
    violating_rows: int
    diversity: Mapping[str, int]

    def as_json(self, terms: RiskTerms) -> dict[str, JSON]:
        return {
            "quasi": list(terms.quasi),
            "k_required": terms.k,
            "k_before": self.smallest,
            "groups": self.groups,
            "unique_rows_before": self.unique_rows,
            "l_required": dict(terms.l),
            "l_before": dict(self.diversity),
            "suppressed_rows": self.violating_rows,
        }


class GroupCounts:
    """Counts per combination of quasi-identifiers, over as many batches as come."""

    def __init__(self, terms: RiskTerms) -> None:
        self.terms = terms
        self._sizes: pl.DataFrame | None = None
        self._values: dict[str, pl.DataFrame] = {}

    def add(self, batch: pl.DataFrame) -> None:
        """Count the rows of a batch of the output."""
        quasi = list(self.terms.quasi)
        sizes = batch.group_by(quasi).agg(pl.len().cast(pl.Int64).alias(_ROWS))
        self._sizes = (
            sizes if self._sizes is None else pl.concat([self._sizes, sizes]).group_by(quasi).agg(pl.col(_ROWS).sum())
        )
        for column in self.terms.l:
            seen = batch.select([*quasi, column]).unique()
            before = self._values.get(column)
            self._values[column] = seen if before is None else pl.concat([before, seen]).unique()

    def assess(self) -> Assessment:
        """Judge what was counted so far."""
        if self._sizes is None or self._sizes.is_empty():
            return Assessment(0, 0, 0, 0, 0, dict.fromkeys(self.terms.l, 0))
        sizes = self._sizes[_ROWS]
        return Assessment(
            rows=int(sizes.sum()),
            groups=len(sizes),
            smallest=_smallest(sizes),
            unique_rows=int((sizes == 1).sum()),
            violating_rows=int(self._violating()[_ROWS].sum()),
            diversity={column: _smallest(self._diversity(column)["__l__"]) for column in self.terms.l},
        )

    def allow(self, batch: pl.DataFrame) -> pl.Series:
        """Which rows of a batch may leave: those outside violating groups, in order."""
        marked = self._violating().select([*self.terms.quasi, pl.lit(value=False).alias("__allowed__")])
        joined = batch.select(self.terms.quasi).join(
            marked, on=list(self.terms.quasi), how="left", nulls_equal=True, maintain_order="left"
        )
        return joined["__allowed__"].fill_null(value=True)

    def _violating(self) -> pl.DataFrame:
        assert self._sizes is not None  # noqa: S101  callers counted first
        quasi = list(self.terms.quasi)
        bad = self._sizes.filter(pl.col(_ROWS) < self.terms.k)
        for column, least in self.terms.l.items():
            uniform = self._diversity(column).filter(pl.col("__l__") < least).select(quasi)
            narrow = self._sizes.join(uniform, on=quasi, how="semi", nulls_equal=True)
            bad = pl.concat([bad, narrow]).unique()
        return bad

    def _diversity(self, column: str) -> pl.DataFrame:
        return self._values[column].group_by(list(self.terms.quasi)).agg(pl.len().alias("__l__"))


def _smallest(sizes: pl.Series) -> int:
    least = sizes.min()
    return int(least) if isinstance(least, int) else 0


def enforce(assessment: Assessment, terms: RiskTerms) -> None:
    """Let the run go on, suppressing the violating rows, or raise RiskTooHigh."""
    if assessment.violating_rows == 0:
        return
    share = assessment.violating_rows / assessment.rows
    if terms.on_violation is OnViolation.FAIL or share > terms.max_suppressed:
        raise RiskTooHigh(
            f"{assessment.violating_rows} of {assessment.rows} rows are in groups smaller than {terms.k} "
            "or with too few values of a sensitive column.",
            rows=assessment.rows,
            violating_rows=assessment.violating_rows,
            smallest_group=assessment.smallest,
            max_suppressed=terms.max_suppressed,
        )
