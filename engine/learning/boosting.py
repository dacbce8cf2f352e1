"""Fitting: an explainable boosting machine (InterpretML), compiled to scoring tables; gradient boosted trees (LightGBM) as the reference.

The libraries come with the extra `engine` and are imported where they are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.learning.errors import NothingToLearn
from engine.learning.tables import Floats, Levels, ScoringTables, Term
from governance.kernel import logs

SEED = 0
MOST_PAIRS = 20
_OF_THE_VARIANCE = 0.25
_EBM: dict[str, Any] = {"max_leaves": 2, "greedy_ratio": 0.0, "n_jobs": 2}


@dataclass(frozen=True, slots=True)
class Design:
    """How a model is made; part of it like its features. The defaults were chosen on cuts before the test cut: leaves of two, many small
    steps and coarse bins generalise best at some ten thousand rows.

    `pairs` names the pairs of features that act together; None lets the machine choose `most_pairs` of them. Each pair needs words that
    somebody has reviewed, so a model in use names them, and a retrained one keeps them. `bags` are averaged: each learns from other rows.
    """

    pairs: tuple[tuple[str, str], ...] | None = None
    most_pairs: int = 5
    bags: int = 4
    bins: int = 64
    pair_bins: int = 64
    step: float = 0.01
    fewest_rows: int = 20
    shrinkage: float = 5.0

    def __post_init__(self) -> None:
        if self.most_pairs > MOST_PAIRS or len(self.pairs or ()) > MOST_PAIRS:
            raise ValueError(f"More than {MOST_PAIRS} pairs are more than anybody reads.")


DESIGN = Design()
_TREES: dict[str, Any] = {
    "n_estimators": 150, "learning_rate": 0.03, "num_leaves": 7, "min_child_samples": 40, "subsample": 0.8, "subsample_freq": 1,
    "colsample_bytree": 0.6, "reg_lambda": 5, "n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip

Labels = NDArray[np.int8]


def fit_tables(
    features: Sequence[str],
    rows: Floats,
    labels: Labels,
    *,
    design: Design = DESIGN,
    levels: Levels = (),
) -> ScoringTables:
    """Fit an explainable boosting machine and compile it. `levels` names the categories of the features that have some; their columns
    hold codes. Raises NothingToLearn when there is one outcome only."""
    import joblib
    from interpret.glassbox import ExplainableBoostingClassifier

    if len(np.unique(labels)) < 2:
        raise NothingToLearn("The training rows hold one outcome only.")
    logs.quieten("interpret")
    names = list(features)
    pairs = None if design.pairs is None else [(names.index(one), names.index(other)) for one, other in design.pairs]
    kinds = ["continuous" if known is None else "nominal" for known in levels or [None] * len(names)]
    # Bags in threads: the library computes outside the interpreter's lock, and a process each would load everything again.
    with warnings.catch_warnings(), joblib.parallel_backend("threading"):
        warnings.simplefilter("ignore")  # the library warns about its own defaults
        machine = ExplainableBoostingClassifier(
            feature_names=names,
            feature_types=kinds,
            random_state=SEED,
            interactions=design.most_pairs if pairs is None else pairs,
            outer_bags=design.bags,
            max_bins=design.bins,
            max_interaction_bins=design.pair_bins,
            learning_rate=design.step,
            min_samples_leaf=design.fewest_rows,
            reg_lambda=design.shrinkage,
            **_EBM,
        ).fit(rows, labels)
    return compile_machine(tuple(features), steadied(machine), levels)


def steadied(machine: Any) -> Any:
    """The machine with each value v of a term shrunk to v * v^2 / (v^2 + s^2): what is not larger than chance would make it, says less
    (James and Stein 1961, term by term). Changes the machine that is given, and gives it back.

    s is half the standard error of the term. Each bag leaves out a share of the rows, so the spread between bags is a delete-d jackknife
    (Shao and Wu 1989): the variance is theirs times (rows kept / rows left out). Half of it, because that is where ranking gains too:
    on `bank_full` the area under the curve rises by .0006, and independent models agree on more of their reasons.
    """
    kept_to_left = (1 - machine.validation_size) / machine.validation_size
    terms = zip(machine.term_scores_, machine.bagged_scores_, machine.bin_weights_, strict=True)
    machine.term_scores_ = [_steadied(*term, kept_to_left) for term in terms]
    return machine


def _steadied(scores: Floats, bagged: Floats, weights: Floats, kept_to_left: float) -> Floats:
    if len(bagged) < 2 or not weights.any():
        return scores
    spread = float(np.average(np.var(bagged, axis=0, ddof=1), weights=weights))
    noise = _OF_THE_VARIANCE * kept_to_left * spread
    shrunk: Floats = scores * scores**2 / np.maximum(scores**2 + noise, np.finfo(np.float64).tiny)
    return shrunk


def compile_machine(features: tuple[str, ...], machine: Any, levels: Levels = ()) -> ScoringTables:
    """The tables of a fitted machine, main effects and purified pairs. A category that it never saw counts as unknown; so does what lies
    in its last bin, which a number cannot reach."""
    terms = []
    for numbers, scores in zip(machine.term_features_, machine.term_scores_, strict=True):
        axes = [_axis(machine, one, len(numbers), levels) for one in numbers]
        values = scores[np.ix_(*(order for _, order in axes))]
        terms.append(
            Term(
                tuple(int(one) for one in numbers),
                tuple(cuts for cuts, _ in axes),
                np.ascontiguousarray(values, dtype=np.float64),
            )
        )
    return ScoringTables(features, float(machine.intercept_[0]), tuple(terms), levels)


def _axis(machine: Any, feature: int, dimensions: int, levels: Levels) -> tuple[Floats, list[int]]:
    """The cuts of a feature in terms of so many dimensions, and where the machine keeps the value of each of our bins."""
    # A pair uses coarser cuts when the machine made some.
    made = machine.bins_[feature][min(dimensions, len(machine.bins_[feature])) - 1]
    if not isinstance(made, dict):
        cuts = np.asarray(made, dtype=np.float64)
        return cuts, list(range(len(cuts) + 2))
    known = (levels[feature] if levels else None) or ()
    unknown = max(made.values()) + 1
    return np.arange(len(known) - 1, dtype=np.float64) + np.float64(0.5), [
        0,
        *(made.get(str(code), unknown) for code in range(len(known))),
    ]


def fit_reference(features: Sequence[str], rows: Floats, labels: Labels, test: Floats) -> Floats:
    """The probabilities that gradient boosted trees, trained on the same rows, give for `test`."""
    import lightgbm

    # Names of our own: the library refuses some characters, and names would leak into its model files.
    columns = [f"f{number}" for number in range(len(features))]
    model = lightgbm.LGBMClassifier(random_state=SEED, **_TREES)
    model.fit(pl.DataFrame(rows, schema=columns).to_arrow(), labels)
    predicted: Any = model.predict_proba(pl.DataFrame(test, schema=columns).to_arrow())
    positive: Floats = predicted[:, 1]
    return positive


def platt(raw: Floats, labels: Labels) -> tuple[float, float]:
    """Slope and offset that make log-odds honest on rows that were held out (Platt 1999): a logistic regression on the score alone.

    Raises NothingToLearn when the held-out rows hold one outcome only.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        raise NothingToLearn("The rows held out for calibration hold one outcome only.")
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(raw[:, None], labels)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
