"""The gate before data leaves: a sample of the output is searched for personal data, and the run stops when there is too much.

Two searches: detection over every text column that is not a token, and, row by row, whether a direct identifier of that very row
still stands in one of its texts. What detection finds counts when the row had it before: a stand-in that looks like a name is no
residue. The rate is judged by its upper confidence bound (Wilson score, with the correction for a sample
that is a good part of the whole): a small sample does not pass for a clean table, a table that was searched whole is what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
import pyarrow as pa

from governance.kernel.errors import JSON
from pseudonymize.columns import texts
from pseudonymize.columns.texts import DIRECT, Finding
from pseudonymize.errors import ResidualPersonalData
from pseudonymize.policies.policy import (
    DetectText,
    Drop,
    Fpe,
    GateTerms,
    Keep,
    Mask,
    Policy,
    Prefix,
    Redact,
    Rule,
    Synthetic,
    TokenMac,
    TokenSiv,
    TokenVault,
)

_DRAW = "__draw__"
_SHORTEST = 5
"""Identifiers of fewer characters are found by chance in too many texts."""
_SCORE = 0.6
"""Findings that the detector itself doubts are no reason to stop a run."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate saw. `upper_per_1000` is what was judged."""

    rows: int
    searched: int
    hits: int
    rate_per_1000: float
    upper_per_1000: float

    def as_json(self, terms: GateTerms) -> dict[str, JSON]:
        return {
            "limit_per_1000": terms.rows_per_1000,
            "confidence": terms.confidence,
            "rows_searched": self.searched,
            "rows_with_findings": self.hits,
            "rate_per_1000": self.rate_per_1000,
            "upper_per_1000": self.upper_per_1000,
        }


class Sample:
    """A uniform sample of rows over as many batches as come: the texts of the output beside what the row was before.

    What it was stays in memory for the length of the run and is neither written nor shown. `seed` makes the draw repeatable, for runs
    that go on after a kill; it is secret like any other, so that nobody prepares rows that are not drawn.
    """

    def __init__(self, policy: Policy, terms: GateTerms, seed: int | None = None) -> None:
        self._terms = terms
        self._texts = [name for name, rule in policy.columns.items() if _is_searched(rule)]
        self._direct = [name for name, rule in policy.columns.items() if _is_direct(rule)]
        self._languages = {name: _languages(rule) for name, rule in policy.columns.items()}
        self._random = np.random.default_rng(seed)
        self._kept: pl.DataFrame | None = None
        self.rows = 0

    @property
    def columns_before(self) -> frozenset[str]:
        """The columns of the input that `add` looks at."""
        return frozenset((*self._texts, *self._direct))

    @property
    def columns_after(self) -> frozenset[str]:
        """The columns of the output that `add` looks at."""
        return frozenset(self._texts)

    def add(self, source: pa.Table, output: pa.Table, rows: int | None = None) -> None:
        """Draw from a batch; `source` holds the input rows of `output`, in its order. `rows`: how many, where that has no columns."""
        rows = len(output) if rows is None else rows
        self.rows += rows
        columns: dict[str, pl.Series | np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        draws = self._random.random(rows)
        chosen = np.argsort(draws)[: self._terms.sample]
        for name in self._texts:
            if name in output.column_names:
                columns[f"text:{name}"] = _strings(output[name].take(pa.array(chosen)))
                columns[f"before:{name}"] = _strings(source[name].take(pa.array(chosen)))
        for name in self._direct:
            if name in source.column_names:
                columns[f"direct:{name}"] = _strings(source[name].take(pa.array(chosen)))
        batch = pl.DataFrame(columns | {_DRAW: draws[chosen]})
        kept = batch if self._kept is None else pl.concat([self._kept, batch], how="diagonal")
        self._kept = kept.sort(_DRAW).head(self._terms.sample)

    def judge(self) -> GateResult:
        """Search the sample. Raises ResidualPersonalData when the bound is over the limit."""
        searched, hits = self.search()
        return decide(self._terms, rows=self.rows, searched=searched, hits=hits)

    def search(self) -> tuple[int, int]:
        """How many rows were drawn, and in how many personal data was found."""
        kept = self._kept if self._kept is not None else pl.DataFrame()
        searched = len(kept)
        hit = np.zeros(searched, dtype=np.bool_)
        for name in (column for column in kept.columns if column.startswith("text:")):
            for language in self._languages[name.removeprefix("text:")]:
                hit |= _found(kept[name], kept[name.replace("text:", "before:", 1)], language)
            for other in (column for column in kept.columns if column.startswith("direct:")):
                hit |= _stands_in(kept[other], kept[name])
        return searched, int(hit.sum())


def decide(terms: GateTerms, *, rows: int, searched: int, hits: int) -> GateResult:
    """What the gate says of `hits` in `searched` of `rows`. Raises ResidualPersonalData when the upper bound is over the limit."""
    upper = upper_bound(hits, searched, rows, terms.confidence)
    result = GateResult(rows, searched, hits, 1000 * hits / max(searched, 1), 1000 * upper)
    if result.upper_per_1000 > terms.rows_per_1000:
        raise ResidualPersonalData(
            f"{hits} of {searched} rows searched still hold personal data.",
            rows=rows,
            searched=searched,
            hits=hits,
            upper_per_1000=result.upper_per_1000,
            limit_per_1000=terms.rows_per_1000,
        )
    return result


def _found(after: pl.Series, before: pl.Series, language: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where detection finds something that points at a person, and that the row had before; each distinct text searched once."""
    distinct = after.drop_nulls().unique().to_list()
    found = texts.find(distinct, language) if distinct else []
    dirty = {
        text: {text[finding.start : finding.end] for finding in findings if _counts(finding)}
        for text, findings in zip(distinct, found, strict=True)
    }
    rows = np.asarray(
        after.is_in([text for text in dirty if dirty[text]]).fill_null(value=False).to_numpy(), dtype=np.bool_
    )
    hit = np.zeros(len(after), dtype=np.bool_)
    for row in np.flatnonzero(rows).tolist():
        earlier = before[row] or ""
        hit[row] = any(piece in earlier for piece in dirty[after[row]])
    return hit


def _counts(finding: Finding) -> bool:
    return finding.score >= _SCORE and finding.kind in DIRECT


def _is_searched(rule: Rule) -> bool:
    """Texts that could still say something: not tokens, not constants, not labels that we made."""
    return isinstance(rule, Keep | DetectText | Mask | Prefix)


def _is_direct(rule: Rule) -> bool:
    return isinstance(rule, TokenMac | TokenSiv | TokenVault | Fpe | Synthetic | Redact | Mask | Drop)


def _languages(rule: Rule) -> tuple[str, ...]:
    """The languages to search a column in; where a column says it row by row, all."""
    if not isinstance(rule, DetectText):
        return ("en",)
    return (rule.language,) if rule.language_column is None else texts.LANGUAGES


def _strings(column: pa.ChunkedArray) -> pl.Series:
    series = pl.Series(pl.from_arrow(column))
    if series.dtype in (pl.String, pl.Categorical):
        return series.cast(pl.String)
    # Numbers and dates are not free text; as a direct identifier a number is compared as it is written.
    return (
        series.cast(pl.String, strict=False)
        if series.dtype.is_integer()
        else pl.Series([None] * len(series), dtype=pl.String)
    )


def _stands_in(direct: pl.Series, texts: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    frame = pl.DataFrame({"direct": direct, "text": texts}).with_columns(pl.all().str.to_lowercase().str.strip_chars())
    long_enough = pl.col("direct").str.len_chars() >= _SHORTEST
    found = frame.select(
        pl.when(long_enough)
        .then(pl.col("text").str.contains(pl.col("direct"), literal=True))
        .otherwise(pl.lit(value=False))
    ).to_series()
    return np.asarray(found.fill_null(value=False).to_numpy(), dtype=np.bool_)


def upper_bound(hits: int, searched: int, rows: int, confidence: float) -> float:
    """The one-sided upper bound of a share after `hits` in `searched` of `rows`; the share itself when all were searched."""
    if searched == 0:
        return 0.0
    share = hits / searched
    if searched >= rows:
        return share
    # As if the sample were larger, by as much as a sample without replacement of a finite table knows more.
    weight = searched * (rows - 1) / (rows - searched)
    z = NormalDist().inv_cdf(confidence)
    centre = share + z * z / (2 * weight)
    spread = z * sqrt(share * (1 - share) / weight + z * z / (4 * weight * weight))
    return min(1.0, (centre + spread) / (1 + z * z / weight))
