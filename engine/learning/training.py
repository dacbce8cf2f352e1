"""Training: rows in, a calibrated model and its honest figures out. Split by time, because random folds flatter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from engine.features.definitions import FeatureSet
from engine.learning import boosting, evaluation, retraining
from engine.learning.boosting import DESIGN, Design, Labels
from engine.learning.tables import Floats, ScoringTables

# What `generalise` writes for a number: [30, 40), or an open end.
_BUCKET = re.compile(r"^\[(-?[\d.]+), (-?[\d.]+)\)$")
_OPEN_END = re.compile(r"^(?:<|>=)(-?[\d.]+)$")


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Which cuts are learnt from, which the probabilities are calibrated on, and which the figures come from; each later than the one
    before it."""

    train: tuple[datetime, ...]
    calibrate: tuple[datetime, ...]
    test: tuple[datetime, ...]

    def __post_init__(self) -> None:
        if not (max(self.train) < min(self.calibrate) and max(self.calibrate) < min(self.test)):
            raise ValueError("Training, calibration and test follow one another in time.")

    @property
    def cuts(self) -> tuple[datetime, ...]:
        return (*self.train, *self.calibrate, *self.test)


@dataclass(frozen=True, slots=True)
class Trained:
    """A calibrated model, its figures on the test cuts, those of the reference on the same rows, and the difference of their AUC."""

    tables: ScoringTables
    quality: evaluation.Quality
    reference: evaluation.Quality
    against_reference: evaluation.Difference
    test_labels: Labels
    test_probability: Floats
    rows: int

    def metrics(self) -> dict[str, float]:
        """The figures as they are registered."""
        return {
            **self.quality.as_json(),
            "reference_auc": round(self.reference.auc, 5),
            "auc_difference": round(self.against_reference.difference, 5),
            "auc_difference_low": round(self.against_reference.low, 5),
            "auc_difference_high": round(self.against_reference.high, 5),
        }


def train(
    rows: pl.DataFrame,
    features: FeatureSet,
    split: TimeSplit,
    *,
    label: str = "lapsed",
    design: Design = DESIGN,
    previous: ScoringTables | None = None,
) -> Trained:
    """Fit on the training cuts, calibrate on the next, measure on the last. `rows` has `cut`, `label` and the features, as numbers or as
    the buckets that a policy made of them. With `previous`, the model in use, the new one carries on from it. Raises NothingToLearn,
    FeaturesMissing, RetrainedFromAnother."""
    numbers = rows.with_columns(_number(rows, name) for name in features.names)
    train_x, train_y = _part(numbers, features.names, split.train, label)
    calibrate_x, calibrate_y = _part(numbers, features.names, split.calibrate, label)
    test_x, test_y = _part(numbers, features.names, split.test, label)
    if previous is None:
        fitted = boosting.fit_tables(features.names, train_x, train_y, design=design)
    else:
        fitted = retraining.refit(previous, train_x, train_y, design=design)
    tables = fitted.calibrated(*boosting.platt(fitted.score(calibrate_x).raw, calibrate_y))
    probability = tables.score(test_x).probability
    reference = boosting.fit_reference(features.names, train_x, train_y, test_x)
    return Trained(
        tables,
        evaluation.quality(test_y, probability),
        evaluation.quality(test_y, reference),
        evaluation.difference(test_y, probability, reference),
        test_y,
        probability,
        len(train_y),
    )


def _number(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A feature as a number: a bucket counts as its middle, an open end as its edge."""
    column = pl.col(name)
    if rows.schema[name] != pl.String:
        return column.cast(pl.Float64)
    distinct = rows.get_column(name).unique().drop_nulls().to_list()
    return column.replace_strict(distinct, [_middle(text) for text in distinct], default=None, return_dtype=pl.Float64)


def _middle(text: str) -> float:
    if bucket := _BUCKET.match(text):
        return (float(bucket[1]) + float(bucket[2])) / 2
    if end := _OPEN_END.match(text):
        return float(end[1])
    return float(text)


def _part(rows: pl.DataFrame, names: Sequence[str], cuts: Sequence[datetime], label: str) -> tuple[Floats, Labels]:
    part = rows.filter(pl.col("cut").is_in(list(cuts)))
    return np.ascontiguousarray(part.select(names).to_numpy()), part.get_column(label).to_numpy().astype(np.int8)
