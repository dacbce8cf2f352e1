"""Fitting: an explainable boosting machine (InterpretML), compiled to scoring tables; gradient boosted trees (LightGBM) as the reference.

The libraries come with the extra `engine` and are imported where they are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.learning.errors import NothingToLearn
from engine.learning.tables import Floats, ScoringTables, Term
from governance.kernel import logs

SEED = 0
# Chosen on cuts before the test cut: leaves of two, many small steps and coarse bins generalise best at some ten thousand rows.
_EBM: dict[str, Any] = {
    "interactions": 5, "outer_bags": 4, "max_bins": 64, "learning_rate": 0.01, "max_leaves": 2, "min_samples_leaf": 20, "reg_lambda": 5.0,
    "greedy_ratio": 0.0, "n_jobs": 2,
}  # fmt: skip
_TREES: dict[str, Any] = {
    "n_estimators": 150, "learning_rate": 0.03, "num_leaves": 7, "min_child_samples": 40, "subsample": 0.8, "subsample_freq": 1,
    "colsample_bytree": 0.6, "reg_lambda": 5, "n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip

Labels = NDArray[np.int8]


def fit_tables(features: Sequence[str], rows: Floats, labels: Labels) -> ScoringTables:
    """Fit an explainable boosting machine and compile it. Raises NothingToLearn when there is one outcome only."""
    import joblib
    from interpret.glassbox import ExplainableBoostingClassifier

    if len(np.unique(labels)) < 2:
        raise NothingToLearn("The training rows hold one outcome only.")
    logs.quieten("interpret")
    # Bags in threads: the library computes outside the interpreter's lock, and a process each would load everything again.
    with warnings.catch_warnings(), joblib.parallel_backend("threading"):
        warnings.simplefilter("ignore")  # the library warns about its own defaults
        machine = ExplainableBoostingClassifier(feature_names=list(features), random_state=SEED, **_EBM).fit(
            rows, labels
        )
    return compile_machine(tuple(features), machine)


def compile_machine(features: tuple[str, ...], machine: Any) -> ScoringTables:
    """The tables of a fitted machine over numeric features. Its last bin, for unknown categories, cannot be reached by a number."""
    terms = []
    for numbers, scores in zip(machine.term_features_, machine.term_scores_, strict=True):
        # A pair uses coarser cuts when the machine made some.
        level = len(numbers) - 1
        cuts = tuple(
            np.asarray(machine.bins_[one][min(level, len(machine.bins_[one]) - 1)], dtype=np.float64) for one in numbers
        )
        reachable: Any = tuple(slice(0, len(one) + 2) for one in cuts)
        terms.append(
            Term(tuple(int(one) for one in numbers), cuts, np.ascontiguousarray(scores[reachable], dtype=np.float64))
        )
    return ScoringTables(features, float(machine.intercept_[0]), tuple(terms))


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
