"""Scoring tables: an additive model as arrays. One vectorised pass gives score, contributions and reasons, because they are one thing.

score = intercept + sum over terms of table[bin of feature(, bin of second feature)]. All numbers of a model are float32 multiples of one
power of two (its grid), chosen so that every partial sum is one too: the sum is exact in whatever order and on whatever machine, so a
replay gives the same bits and the contributions sum to the score without any error. A bin is 0 for a missing value or an unknown
category, else one more than the number of cuts that are not above the value.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.learning.errors import FeaturesMissing, TablesMalformed

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bins = NDArray[np.uint16]
Levels = tuple[tuple[str, ...] | None, ...]
_FORM = 2
# A float32 holds whole multiples of its unit up to 2**24; half of that leaves room for what rounding to the grid adds.
_DIGITS = 23
_COARSEST = 1.0
_AT_ONCE = 8_192
_MOST_BINS = 65_535


@dataclass(frozen=True)
class Term:
    """One table: over one feature or a pair, by number; `values` has one axis per feature."""

    features: tuple[int, ...]
    cuts: tuple[Floats, ...]
    values: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of n rows: log-odds `raw`, `probability`, and `contributions` (n x terms) that sum with the intercept to exactly `raw`."""

    raw: Floats
    probability: Floats
    contributions: Singles
    bins: Bins


@dataclass(frozen=True, slots=True)
class ScoredOne:
    """The score of one row, the same bits as its row of `Scored`."""

    raw: float
    probability: float
    contributions: tuple[float, ...]
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A feature and the cuts that some terms share: a value's place on it is looked up once."""

    feature: int
    cuts: Floats


@dataclass(frozen=True, eq=False)
class ScoringTables:
    """An additive model. Equal tables have equal digests. `levels` names the categories of each feature that has some (code 0, 1, ...),
    None for numbers; empty when all are numbers. Whatever values it is made with, it holds their nearest multiples of its `grid`."""

    feature_names: tuple[str, ...]
    intercept: float
    terms: tuple[Term, ...]
    levels: Levels = ()

    def __post_init__(self) -> None:
        """Put every number on the grid. Raises TablesMalformed for numbers that are not finite, or tables that fit no feature."""
        bound = abs(self.intercept) + sum(float(np.abs(term.values).max(initial=0.0)) for term in self.terms)
        if not math.isfinite(bound):
            raise TablesMalformed("A table holds a number that is not finite.")
        grid = grid_of(bound)
        terms = []
        for term in self.terms:
            if term.values.shape != tuple(len(cuts) + 2 for cuts in term.cuts) or max(term.values.shape) > _MOST_BINS:
                raise TablesMalformed("A table does not have a value for each of its bins.")
            values = np.ascontiguousarray(np.rint(term.values / grid) * grid, dtype=np.float32)
            terms.append(
                Term(term.features, tuple(np.ascontiguousarray(cuts, np.float64) for cuts in term.cuts), values)
            )
        object.__setattr__(self, "terms", tuple(terms))
        object.__setattr__(self, "intercept", float(np.rint(self.intercept / grid) * grid))

    @cached_property
    def term_names(self) -> tuple[str, ...]:
        """`recency_days`, or `recency_days & visits_28` for a pair."""
        return tuple(" & ".join(self.feature_names[number] for number in term.features) for term in self.terms)

    @cached_property
    def sha256(self) -> str:
        """The digest of the tables: the version of the model."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The distinct axes of all terms."""
        found = {(one, cuts.tobytes()): cuts for term in self.terms for one, cuts in _axes_of(term)}
        return tuple(Axis(feature, cuts) for (feature, _), cuts in found.items())

    @cached_property
    def places(self) -> tuple[tuple[int, ...], ...]:
        """For each term the numbers of its axes."""
        numbers = {(axis.feature, axis.cuts.tobytes()): number for number, axis in enumerate(self.axes)}
        return tuple(tuple(numbers[one, cuts.tobytes()] for one, cuts in _axes_of(term)) for term in self.terms)

    def matrix(self, rows: pl.DataFrame) -> Floats:
        """The features of the rows as n x k numbers, in the order of the model; a category as its code. Raises FeaturesMissing."""
        missing = sorted(set(self.feature_names) - set(rows.columns))
        if missing:
            raise FeaturesMissing("The rows lack features of the model.", missing=missing)
        levels = self.levels or (None,) * len(self.feature_names)
        columns = [_coded(name, known) for name, known in zip(self.feature_names, levels, strict=True)]
        return np.ascontiguousarray(rows.select(columns).to_numpy())

    def score(self, rows: pl.DataFrame | Floats) -> Scored:
        """Score n rows. `bins` holds the bin of the first feature of each term, which names the range that the reason speaks of."""
        values = self.matrix(rows) if isinstance(rows, pl.DataFrame) else rows
        count = len(values)
        contributions = np.empty((len(self.terms), count), dtype=np.float32)
        bins = np.empty((len(self.terms), count), dtype=np.uint16)
        raw = np.full(count, self.intercept, dtype=np.float32)
        # In pieces that stay in the processor's cache.
        for start in range(0, count, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            columns = np.ascontiguousarray(values[part].T)
            found = [bin_of(columns[axis.feature], axis.cuts) for axis in self.axes]
            for number, (term, numbers) in enumerate(zip(self.terms, self.places, strict=True)):
                flat = found[numbers[0]]
                bins[number, part] = flat
                for axis, one in enumerate(numbers[1:], start=1):
                    flat = flat * term.values.shape[axis] + found[one]
                np.take(term.values.ravel(), flat, out=contributions[number, part], mode="clip")
                raw[part] += contributions[number, part]
        exact = raw.astype(np.float64)
        return Scored(exact, sigmoid(exact), contributions.T, bins.T)

    def score_one(self, values: Sequence[float | None]) -> ScoredOne:
        """Score one row without the cost of arrays: some microseconds."""
        found = [
            0 if (value := values[feature]) is None or math.isnan(value) else 1 + bisect_right(cuts, value)
            for feature, cuts in self._axes_as_lists
        ]
        contributions = tuple(
            table[found[first]] if second is None else table[found[first] * width + found[second]]
            for first, second, width, table in self._terms_as_lists
        )
        raw = self.intercept + sum(contributions)
        bins = tuple(found[first] for first, *_ in self._terms_as_lists)
        return ScoredOne(raw, 1 / (1 + math.exp(-raw)) if raw > -700 else 0.0, contributions, bins)

    @cached_property
    def _axes_as_lists(self) -> list[tuple[int, list[float]]]:
        return [(axis.feature, axis.cuts.tolist()) for axis in self.axes]

    @cached_property
    def _terms_as_lists(self) -> list[tuple[int, int | None, int, list[float]]]:
        return [
            (numbers[0], numbers[1] if len(numbers) > 1 else None, term.values.shape[-1], term.values.ravel().tolist())
            for term, numbers in zip(self.terms, self.places, strict=True)
        ]

    def calibrated(self, slope: float, offset: float) -> ScoringTables:
        """The same model on another scale: log-odds times `slope` plus `offset`. It stays a sum of tables."""
        terms = tuple(Term(term.features, term.cuts, term.values.astype(np.float64) * slope) for term in self.terms)
        return ScoringTables(self.feature_names, self.intercept * slope + offset, terms, self.levels)

    def to_bytes(self) -> bytes:
        """The tables as an npz archive of plain arrays, deterministic, without a pickled object in it."""
        arrays: dict[str, NDArray[np.generic]] = {"intercept": np.array(self.intercept)}
        for number, term in enumerate(self.terms):
            arrays[f"values_{number}"] = term.values
            for axis, cuts in enumerate(term.cuts):
                arrays[f"cuts_{number}_{axis}"] = cuts
        head = {
            "form": _FORM, "features": self.feature_names, "terms": [term.features for term in self.terms], "levels": self.levels,
        }  # fmt: skip
        arrays["head"] = np.frombuffer(json.dumps(head, separators=(",", ":")).encode(), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the keywords for its own option
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> ScoringTables:
        """Read `to_bytes` back. Raises TablesMalformed for anything else; never runs code from the bytes."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                head = json.loads(arrays["head"].tobytes())
                if head["form"] != _FORM:
                    raise TablesMalformed("The tables are of another form.")
                terms = tuple(
                    Term(
                        tuple(features),
                        tuple(arrays[f"cuts_{number}_{axis}"] for axis in range(len(features))),
                        arrays[f"values_{number}"],
                    )
                    for number, features in enumerate(head["terms"])
                )
                levels = tuple(None if known is None else tuple(known) for known in head["levels"])
                return cls(tuple(head["features"]), float(arrays["intercept"]), terms, levels)
        except (KeyError, ValueError, OSError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise TablesMalformed from error


def grid_of(bound: float) -> float:
    """The power of two whose multiples up to `bound` float32 holds exactly: sums of them that stay below it have no rounding."""
    return 2.0 ** (math.ceil(math.log2(max(bound, _COARSEST))) - _DIGITS)


def bin_of(column: Floats, cuts: Floats) -> NDArray[np.intp]:
    """The bin of each value: 0 when it is missing (NaN), else 1 + how many cuts are at most the value."""
    places = np.searchsorted(cuts, column, side="right")
    places += 1
    missing = np.isnan(column)
    if missing.any():
        places[missing] = 0
    return places


def sigmoid(raw: Floats) -> Floats:
    """Log-odds as probabilities, without overflow."""
    return np.where(raw >= 0, 1 / (1 + np.exp(-np.abs(raw))), np.exp(-np.abs(raw)) / (1 + np.exp(-np.abs(raw))))


def range_of(cuts: Floats, place: int) -> tuple[float | None, float | None]:
    """The half-open range of values that fall into a bin, None for an open end; (None, None) for the bin of missing values."""
    if place == 0:
        return None, None
    lower = float(cuts[place - 2]) if place >= 2 else None
    upper = float(cuts[place - 1]) if place <= len(cuts) else None
    return lower, upper


def order_of(contributions: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """For each row the terms from the strongest contribution to the weakest, by absolute value; ties in the order of the terms."""
    return np.argsort(-np.abs(contributions), axis=1, kind="stable")


def strongest(contributions: NDArray[np.floating[Any]], wanted: int = 4) -> NDArray[np.intp]:
    """As `order_of`, for the first few terms alone, which is several times faster. n x min(wanted, terms)."""
    weight = np.abs(contributions)
    terms = weight.shape[1]
    if terms <= wanted:
        return order_of(contributions)
    # The number of the term breaks ties, so that the choice does not depend on how a partition works.
    chosen = np.sort(np.argpartition(-weight, wanted - 1, axis=1)[:, :wanted], axis=1)
    picked = np.take_along_axis(weight, chosen, axis=1)
    return np.take_along_axis(chosen, np.argsort(-picked, axis=1, kind="stable"), axis=1)


def _axes_of(term: Term) -> list[tuple[int, Floats]]:
    return list(zip(term.features, term.cuts, strict=True))


def _coded(name: str, known: tuple[str, ...] | None) -> pl.Expr:
    if known is None:
        return pl.col(name).cast(pl.Float64)
    codes = [float(code) for code in range(len(known))]
    return (
        pl.col(name)
        .cast(pl.String)
        .replace_strict(list(known), codes, default=None, return_dtype=pl.Float64)
        .alias(name)
    )
