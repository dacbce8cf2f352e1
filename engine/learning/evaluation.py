"""How good a model is on rows that it has not seen: ranking, calibration, and how sure we are of a difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from engine.learning.boosting import Labels
from engine.learning.tables import Floats

_BINS = 10
_BOOTSTRAPS = 500


@dataclass(frozen=True, slots=True)
class Quality:
    """Area under the ROC curve, log-loss, calibration error (mean gap over ten quantile bins), and the share of all positives among the
    tenth of rows with the highest scores."""

    auc: float
    logloss: float
    calibration_error: float
    top_decile: float

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 5) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Difference:
    """AUC of one model less that of another on the same rows, with a 95 % bootstrap interval."""

    difference: float
    low: float
    high: float


def quality(labels: Labels, probability: Floats) -> Quality:
    """All four figures."""
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    logloss = -np.mean(np.where(labels == 1, np.log(clipped), np.log(1 - clipped)))
    tenth = np.argsort(-probability, kind="stable")[: max(1, len(labels) // 10)]
    return Quality(
        auc(labels, probability),
        float(logloss),
        calibration_error(labels, probability),
        float(labels[tenth].sum() / labels.sum()),
    )


def auc(labels: Labels, score: Floats) -> float:
    """The chance that a positive row scores above a negative one, ties counted half (Mann-Whitney)."""
    ranks = _midranks(score)
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def calibration_error(labels: Labels, probability: Floats) -> float:
    """The mean gap between predicted and observed rate over ten bins of equal size."""
    bins = np.array_split(np.argsort(probability, kind="stable"), _BINS)
    gaps = [abs(float(probability[one].mean()) - float(labels[one].mean())) * len(one) for one in bins if len(one)]
    return sum(gaps) / len(labels)


def difference(labels: Labels, one: Floats, other: Floats, *, seed: int = 0) -> Difference:
    """AUC of `one` less AUC of `other`; rows are drawn again in pairs, so that what is hard for both does not count."""
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(_BOOTSTRAPS):
        rows = generator.integers(0, len(labels), len(labels))
        if 0 < labels[rows].sum() < len(rows):
            drawn.append(auc(labels[rows], one[rows]) - auc(labels[rows], other[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Difference(auc(labels, one) - auc(labels, other), float(low), float(high))


def _midranks(score: Floats) -> NDArray[np.float64]:
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]
