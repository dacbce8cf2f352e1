"""Scoring tables: an additive model as arrays. One vectorised pass gives score, contributions and reasons, because they are one thing.

score = intercept + sum over terms of table[bin of feature(, bin of second feature)], in float64, added in the order of the terms, so
that a replay gives the same bits. A bin is 0 for a missing value, else one more than the number of cuts that are not above the value.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.learning.errors import FeaturesMissing, TablesMalformed

Floats = NDArray[np.float64]
Bins = NDArray[np.uint16]
_FORM = 1


@dataclass(frozen=True)
class Term:
    """One table: over one feature or a pair, by number; `values` has one axis per feature."""

    features: tuple[int, ...]
    cuts: tuple[Floats, ...]
    values: Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of n rows: log-odds `raw`, `probability`, and `contributions` (n x terms) that sum with the intercept to `raw`."""

    raw: Floats
    probability: Floats
    contributions: Floats
    bins: Bins


@dataclass(frozen=True)
class ScoringTables:
    """An additive model. Equal tables have equal digests."""

    feature_names: tuple[str, ...]
    intercept: float
    terms: tuple[Term, ...]

    @cached_property
    def term_names(self) -> tuple[str, ...]:
        """`recency_days`, or `recency_days & visits_28` for a pair."""
        return tuple(" & ".join(self.feature_names[number] for number in term.features) for term in self.terms)

    @cached_property
    def sha256(self) -> str:
        """The digest of the tables: the version of the model."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def matrix(self, rows: pl.DataFrame) -> Floats:
        """The features of the rows as n x k numbers, in the order of the model. Raises FeaturesMissing."""
        missing = sorted(set(self.feature_names) - set(rows.columns))
        if missing:
            raise FeaturesMissing("The rows lack features of the model.", missing=missing)
        return np.ascontiguousarray(
            rows.select(pl.col(name).cast(pl.Float64) for name in self.feature_names).to_numpy()
        )

    def score(self, rows: pl.DataFrame | Floats) -> Scored:
        """Score n rows. `bins` holds the bin of the first feature of each term, which names the range that the reason speaks of."""
        values = self.matrix(rows) if isinstance(rows, pl.DataFrame) else rows
        contributions = np.empty((len(values), len(self.terms)), dtype=np.float64)
        bins = np.empty((len(values), len(self.terms)), dtype=np.uint16)
        for number, term in enumerate(self.terms):
            places = tuple(bin_of(values[:, one], cuts) for one, cuts in zip(term.features, term.cuts, strict=True))
            contributions[:, number] = term.values[places]
            bins[:, number] = places[0]
        raw = np.full(len(values), self.intercept)
        for number in range(len(self.terms)):
            raw += contributions[:, number]
        return Scored(raw, sigmoid(raw), contributions, bins)

    def calibrated(self, slope: float, offset: float) -> ScoringTables:
        """The same model on another scale: log-odds times `slope` plus `offset`. It stays a sum of tables."""
        terms = tuple(Term(term.features, term.cuts, term.values * slope) for term in self.terms)
        return ScoringTables(self.feature_names, self.intercept * slope + offset, terms)

    def to_bytes(self) -> bytes:
        """The tables as an npz archive of plain arrays, deterministic, without a pickled object in it."""
        arrays: dict[str, NDArray[np.generic]] = {"intercept": np.array(self.intercept)}
        for number, term in enumerate(self.terms):
            arrays[f"values_{number}"] = term.values
            for axis, cuts in enumerate(term.cuts):
                arrays[f"cuts_{number}_{axis}"] = cuts
        head = {"form": _FORM, "features": self.feature_names, "terms": [term.features for term in self.terms]}
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
                    raise TablesMalformed("The tables are of a later form.")
                terms = tuple(
                    Term(
                        tuple(features),
                        tuple(arrays[f"cuts_{number}_{axis}"] for axis in range(len(features))),
                        arrays[f"values_{number}"],
                    )
                    for number, features in enumerate(head["terms"])
                )
                return cls(tuple(head["features"]), float(arrays["intercept"]), terms)
        except (KeyError, ValueError, OSError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise TablesMalformed from error


def bin_of(column: Floats, cuts: Floats) -> NDArray[np.intp]:
    """The bin of each value: 0 when it is missing (NaN), else 1 + how many cuts are at most the value."""
    return np.where(np.isnan(column), 0, 1 + np.searchsorted(cuts, column, side="right"))


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


def order_of(contributions: Floats) -> NDArray[np.intp]:
    """For each row the terms from the strongest contribution to the weakest, by absolute value; ties in the order of the terms."""
    return np.argsort(-np.abs(contributions), axis=1, kind="stable")
