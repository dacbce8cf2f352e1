"""Sample-ratio mismatch: do the arms have the sizes that were planned? Pearson's chi-square test. Pure, standard library only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.experiments.errors import ExperimentInvalid, SampleRatioMismatch

# Experimenters use a strict threshold, because the check is looked at again and again (Fabijan et al., KDD 2019).
THRESHOLD: Final = 0.01
_PRECISION: Final = 1e-14
_MOST_TERMS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Ratio:
    """The check's outcome: the statistic, its degrees of freedom and the probability of a deviation at least this large."""

    observed: dict[str, int]
    expected: dict[str, float]
    chi_square: float
    degrees: int
    p_value: float
    threshold: float

    @property
    def matches(self) -> bool:
        """Whether chance explains the sizes."""
        return self.p_value >= self.threshold

    def require(self) -> None:
        """Raise SampleRatioMismatch unless it matches: the gate before any result."""
        if not self.matches:
            raise SampleRatioMismatch("Find out where people get lost before reading any result.", p_value=self.p_value)


def check(observed: Mapping[str, int], weights: Mapping[str, float], threshold: float = THRESHOLD) -> Ratio:
    """Compare counts by arm with the planned weights. Raises ExperimentInvalid for an arm that has no weight, or with nobody."""
    total = sum(observed.values())
    if set(observed) - set(weights) or total <= 0 or any(weight <= 0 for weight in weights.values()):
        raise ExperimentInvalid("Counts need the planned arms and at least one person.")
    whole = sum(weights.values())
    expected = {arm: total * weight / whole for arm, weight in weights.items()}
    counts = {arm: observed.get(arm, 0) for arm in weights}
    statistic = sum((counts[arm] - expected[arm]) ** 2 / expected[arm] for arm in weights)
    degrees = len(weights) - 1
    p_value = survival(statistic, degrees) if degrees else 1.0
    return Ratio(counts, expected, statistic, degrees, p_value, threshold)


def survival(statistic: float, degrees: int) -> float:
    """P(chi-square with `degrees` >= statistic): the regularised upper incomplete gamma function Q(degrees/2, statistic/2)."""
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1.0 - front * _series(a, x) if x < a + 1 else front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    """P(a, x) without its front factor, as a series (DLMF 8.11.4); converges fast for x < a + 1."""
    term = total = 1 / a
    for n in range(1, _MOST_TERMS):
        term *= x / (a + n)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _fraction(a: float, x: float) -> float:
    """Q(a, x) without its front factor, as a continued fraction (DLMF 8.9.2, by Lentz's method); for x >= a + 1."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    value = d
    for n in range(1, _MOST_TERMS):
        numerator = -n * (n - a)
        b += 2
        d = 1 / (numerator * d + b or tiny)
        c = b + numerator / c or tiny
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value
