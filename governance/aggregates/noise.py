"""Noise: OpenDP's integer mechanisms over whole vectors, and the arithmetic that says what they cost and how far they
err.

Laplace (pure epsilon) for what one person moves in few places; Gaussian (epsilon and delta) for what one person moves
in many, as when counting people who may each be in twenty groups. Both sample exactly over the integers (Canonne,
Kamath, Steinke 2020), so there is no floating-point hole to read through (Mironov 2012). The noise of NumPy or
`random` is used nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from governance.aggregates.contributions import Sensitivity
from governance.aggregates.errors import ChargeExceeded, ChargeRefused
from governance.aggregates.preparation import Integers

MICRO = 1_000_000
"""Epsilon is kept in millionths."""
PICO = 1_000_000_000_000
"""Delta is kept in millionths of millionths."""
_LARGEST_SCALE = float(2**40)
"""Beyond it the noise would reach 2^53, where JSON's numbers end, with a chance that is worth a thought."""


class Mechanism(StrEnum):
    """Which noise."""

    LAPLACE = "laplace"
    GAUSSIAN = "gaussian"


@dataclass(frozen=True, slots=True)
class Charge:
    """A privacy loss in units of account: whole millionths of epsilon, whole millionths of millionths of delta."""

    epsilon_micro: int
    delta_pico: int = 0

    @classmethod
    def of(cls, epsilon: float, delta: float = 0.0) -> Charge:
        """From the numbers that people write. Raises ChargeRefused for what is not positive, not finite, or finer
        than the units."""
        micro, pico = Decimal(str(epsilon)) * MICRO, Decimal(str(delta)) * PICO
        if not micro.is_finite() or micro != int(micro) or not 0 < micro <= 100 * MICRO:
            raise ChargeRefused("Epsilon is from 0.000001 to 100, in steps of 0.000001.")
        if not pico.is_finite() or pico != int(pico) or not 0 <= pico < PICO:
            raise ChargeRefused("Delta is at least 0 and below 1, in steps of 10^-12.")
        return cls(int(micro), int(pico))

    @property
    def epsilon(self) -> float:
        return self.epsilon_micro / MICRO

    @property
    def delta(self) -> float:
        return self.delta_pico / PICO

    def halves(self) -> tuple[Charge, Charge]:
        """Two charges that add up to this one to the last unit."""
        epsilon, delta = self.epsilon_micro // 2, self.delta_pico // 2
        if epsilon == 0:
            raise ChargeRefused("A mean needs an epsilon of at least 0.000002: half for the sum, half for the count.")
        return Charge(epsilon, delta), Charge(self.epsilon_micro - epsilon, self.delta_pico - delta)


@dataclass(frozen=True, slots=True)
class Plan:
    """A mechanism that fits a charge. `std` is the standard deviation of one cell; the noise of a cell stays within
    `half_width(a)` with probability at least 1 - a."""

    mechanism: Mechanism
    scale: float
    sensitivity: Sensitivity

    @property
    def std(self) -> float:
        if self.mechanism is Mechanism.GAUSSIAN:
            # The discrete Gaussian's variance is below scale^2 (Canonne, Kamath, Steinke 2020, Corollary 9).
            return self.scale
        return math.sqrt(2.0) / (2.0 * math.sinh(0.5 / self.scale))

    def half_width(self, alpha: float = 0.05) -> int:
        if self.mechanism is Mechanism.LAPLACE:
            # P(|noise| > t) = 2 p^(t+1) / (1 + p) with p = exp(-1/scale), for whole t >= 0.
            ratio = math.exp(-1.0 / self.scale)
            return max(0, math.ceil(math.log(alpha * (1.0 + ratio) / 2.0) / math.log(ratio) - 1.0))
        import opendp.accuracy

        return math.ceil(float(opendp.accuracy.discrete_gaussian_scale_to_accuracy(self.scale, alpha)))


@lru_cache(maxsize=1024)
def plan(mechanism: Mechanism, sensitivity: Sensitivity, charge: Charge) -> Plan:
    """The least noise whose loss, as OpenDP computes it, stays within the charge. Looks at no data. Raises
    ChargeRefused when the charge does not fit the mechanism (a Gaussian without delta, a Laplace with one) or the
    noise would leave the integers of JSON."""
    if mechanism is Mechanism.LAPLACE:
        if charge.delta_pico:
            raise ChargeRefused("Laplace noise needs no delta.")
        scale = sensitivity.l1 / charge.epsilon
    else:
        if not charge.delta_pico:
            raise ChargeRefused("Gaussian noise needs a delta above zero.")
        if charge.epsilon > 20:
            raise ChargeRefused("Gaussian noise is offered up to an epsilon of 20.")
        scale = _gaussian_scale(sensitivity, charge)
    if not scale <= _LARGEST_SCALE:
        raise ChargeRefused("So little epsilon for so large a sensitivity leaves nothing but noise.")
    # Division rounds to nearest and OpenDP rounds the loss up; a step or two towards more noise puts the loss within
    # the charge.
    step = Plan(mechanism, scale, sensitivity)
    while not _covers(charge, _loss(step, charge)):
        scale = math.nextafter(scale, math.inf) if mechanism is Mechanism.LAPLACE else scale * (1 + 2**-40)
        step = Plan(mechanism, scale, sensitivity)
    return step


def draw(step: Plan, values: Integers, charge: Charge) -> Integers:
    """The values with noise. Before anything is drawn the loss of the very mechanism that draws is compared with the
    charge; raises ChargeExceeded when it is greater, and then nothing was released."""
    measurement = _measurement(step)
    if not _covers(charge, _loss(step, charge, measurement)):
        raise ChargeExceeded("The mechanism costs more than was charged for it.")
    noisy: Sequence[int] = measurement(values.tolist())
    return np.array(noisy, dtype=np.int64)


def _measurement(step: Plan) -> Any:
    """OpenDP's vector mechanism over 64-bit integers. A measurement holds pointers of this process, so none is ever
    kept."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if step.mechanism is Mechanism.LAPLACE:
        return dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=step.scale)
    return dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale=step.scale)


def _loss(step: Plan, charge: Charge, measurement: Any = None) -> tuple[float, float]:
    """Epsilon and delta of the mechanism for one person, by OpenDP's own map."""
    import opendp.prelude as dp

    measurement = measurement or _measurement(step)
    if step.mechanism is Mechanism.LAPLACE:
        return float(measurement.map(step.sensitivity.l1)), 0.0
    approximate: Any = dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(measurement), charge.delta)
    epsilon, delta = approximate.map(step.sensitivity.l2)
    return float(epsilon), float(delta)


def _covers(charge: Charge, loss: tuple[float, float]) -> bool:
    """Whether the charge is at least the loss. Exact: a float is a fraction, and so is a whole number of units."""
    epsilon, delta = loss
    if not (math.isfinite(epsilon) and math.isfinite(delta)):
        return False
    # delta passes through OpenDP as the nearest float of the charge, so it is compared with that.
    return Fraction(epsilon) <= Fraction(charge.epsilon_micro, MICRO) and delta <= charge.delta


def _gaussian_scale(sensitivity: Sensitivity, charge: Charge) -> float:
    """Bisection between a scale that surely costs too much and one that surely does not, to one part in a million."""
    low = 0.0
    high = sensitivity.l2 * math.sqrt(2.0 * math.log(1.25 / charge.delta)) / min(charge.epsilon, 1.0)
    while not _covers(charge, _loss(Plan(Mechanism.GAUSSIAN, high, sensitivity), charge)):
        high *= 2.0
    while high - low > high * 1e-6:
        middle = (low + high) / 2.0
        if _covers(charge, _loss(Plan(Mechanism.GAUSSIAN, middle, sensitivity), charge)):
            high = middle
        else:
            low = middle
    return high
