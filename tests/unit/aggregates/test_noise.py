"""The noise is what it says it is, and costs what was charged.

The tests of distributions use the inequality of Dvoretzky, Kiefer and Wolfowitz in Massart's form, which holds for
every distribution: the empirical distribution function of n draws is more than e away from the true one with
probability at most 2 exp(-2 n e^2). With n = 100,000 and e = 0.00917 that is below 1e-7, the chance that one of these
tests fails although everything is right.
"""

import math
import multiprocessing

import numpy as np
import opendp.accuracy
import pytest

from governance.aggregates.contributions import Sensitivity
from governance.aggregates.errors import ChargeExceeded, ChargeRefused
from governance.aggregates.noise import MICRO, Charge, Mechanism, Plan, _loss, draw, plan

DRAWS = 100_000
FARTHEST = math.sqrt(math.log(2 / 1e-7) / (2 * DRAWS))
ONE = Sensitivity(1, 1)


def laplace_cdf(values: np.ndarray, scale: float) -> np.ndarray:
    """P(noise <= value) of the discrete Laplace distribution."""
    ratio = math.exp(-1 / scale)
    below = np.power(ratio, -np.minimum(values, -1).astype(float)) / (1 + ratio)
    above = 1 - np.power(ratio, np.maximum(values, 0).astype(float) + 1) / (1 + ratio)
    return np.where(values < 0, below, above)


def gaussian_cdf(values: np.ndarray, scale: float) -> np.ndarray:
    """P(noise <= value) of the discrete Gaussian distribution, by summing its mass."""
    support = np.arange(-int(12 * scale), int(12 * scale) + 1)
    mass = np.exp(-(support.astype(float) ** 2) / (2 * scale * scale))
    heights = np.cumsum(mass / mass.sum())
    return heights[np.clip(values - support[0], 0, len(heights) - 1)]


def distance(noise: np.ndarray, cdf) -> float:
    """The greatest distance between the empirical and the given distribution function, at every whole number."""
    values = np.arange(noise.min() - 1, noise.max() + 2)
    empirical = np.searchsorted(np.sort(noise), values, side="right") / len(noise)
    return float(np.abs(empirical - cdf(values)).max())


@pytest.mark.slow  # 100,000 exact draws are what makes the failure rate of the test small
@pytest.mark.parametrize(("sensitivity", "epsilon"), [(1, 0.1), (50, 1.0), (1, 3.0)])
def test_laplace_noise_has_the_scale_that_was_charged(sensitivity, epsilon):
    charge = Charge.of(epsilon)
    step = plan(Mechanism.LAPLACE, Sensitivity(sensitivity, sensitivity**2), charge)
    noise = draw(step, np.zeros(DRAWS, dtype=np.int64), charge)
    assert distance(noise, lambda values: laplace_cdf(values, sensitivity / epsilon)) <= FARTHEST
    # Negative control: the same draws are not those of a mechanism that costs a quarter more.
    assert distance(noise, lambda values: laplace_cdf(values, sensitivity / (1.25 * epsilon))) > FARTHEST
    within = np.mean(np.abs(noise) <= step.half_width())
    assert within >= 0.95 - FARTHEST


@pytest.mark.slow  # as above
def test_gaussian_noise_has_the_scale_that_was_charged():
    charge = Charge.of(1.0, 1e-6)
    step = plan(Mechanism.GAUSSIAN, Sensitivity(9, 9), charge)
    noise = draw(step, np.zeros(DRAWS, dtype=np.int64), charge)
    assert distance(noise, lambda values: gaussian_cdf(values, step.scale)) <= FARTHEST
    assert distance(noise, lambda values: gaussian_cdf(values, step.scale / 1.25)) > FARTHEST
    assert np.mean(np.abs(noise) <= step.half_width()) >= 0.95 - FARTHEST


def test_noise_is_added_to_the_figures():
    charge = Charge.of(100)
    figures = np.array([0, 10**6, -(10**6)], dtype=np.int64)
    noisy = draw(plan(Mechanism.LAPLACE, ONE, charge), figures, charge)
    # At epsilon 100 a cell is off by one or more with probability below 1e-43.
    assert noisy.tolist() == figures.tolist()


def test_the_standard_deviation_is_that_of_the_distribution():
    for epsilon in (0.05, 0.5, 2, 10):
        step = plan(Mechanism.LAPLACE, ONE, Charge.of(epsilon))
        values = np.arange(1, int(60 * step.scale) + 60)
        ratio = math.exp(-1 / step.scale)
        variance = 2 * float(np.sum(values**2 * ratio**values)) * (1 - ratio) / (1 + ratio)
        assert step.std == pytest.approx(math.sqrt(variance))


def test_two_draws_differ():
    charge = Charge.of(0.01)
    step = plan(Mechanism.LAPLACE, ONE, charge)
    zeros = np.zeros(64, dtype=np.int64)
    # 64 cells of scale 100 agree with probability below 1e-100.
    assert draw(step, zeros, charge).tolist() != draw(step, zeros, charge).tolist()


def _draw_in_child(place: int) -> list[int]:
    charge = Charge.of(0.01)
    return draw(plan(Mechanism.LAPLACE, ONE, charge), np.zeros(64, dtype=np.int64), charge).tolist()


@pytest.mark.slow  # starts processes
def test_forked_processes_draw_different_noise():
    """A generator that is made before a fork gives every child the same noise, which two answers would cancel."""
    _draw_in_child(0)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        drawn = pool.map(_draw_in_child, range(4), chunksize=1)
    assert len({tuple(noise) for noise in drawn}) == 4


@pytest.mark.parametrize("mechanism", list(Mechanism))
def test_the_loss_is_within_the_charge_and_uses_it(mechanism):
    delta = 0.0 if mechanism is Mechanism.LAPLACE else 1e-7
    every = 3 if mechanism is Mechanism.GAUSSIAN else 1  # which looks for its scale, and takes its time
    for sensitivity in (1, 3, 7, 49, 10_000)[::every]:
        for micro in (1_000, 10_000, 99_999, 100_000, 333_333, 1_000_000, 7_000_000)[::every]:
            charge = Charge(micro, Charge.of(1, delta).delta_pico)
            step = plan(mechanism, Sensitivity(sensitivity, sensitivity), charge)
            epsilon, spent_delta = _loss(step, charge)
            assert epsilon * MICRO <= micro
            assert epsilon * MICRO >= micro * 0.9999
            assert spent_delta <= charge.delta


def test_a_mechanism_that_costs_more_than_was_charged_draws_nothing():
    step = plan(Mechanism.LAPLACE, Sensitivity(2, 4), Charge.of(1.0))
    with pytest.raises(ChargeExceeded):
        draw(step, np.zeros(3, dtype=np.int64), Charge.of(0.999999))
    understated = Plan(step.mechanism, step.scale / 2, step.sensitivity)
    with pytest.raises(ChargeExceeded):
        draw(understated, np.zeros(3, dtype=np.int64), Charge.of(1.0))


def test_the_half_width_is_that_of_the_exact_tail():
    for epsilon in (0.01, 0.1, 0.5, 1, 2, 5, 20):
        step = plan(Mechanism.LAPLACE, ONE, Charge.of(epsilon))
        ratio = math.exp(-1 / step.scale)
        for alpha in (0.05, 0.025, 0.5):
            width = step.half_width(alpha)
            assert 2 * ratio ** (width + 1) / (1 + ratio) <= alpha * (1 + 1e-9)
            assert width == 0 or 2 * ratio**width / (1 + ratio) > alpha * (1 - 1e-9)
            assert width <= math.ceil(opendp.accuracy.discrete_laplacian_scale_to_accuracy(step.scale, alpha))


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, math.nan, 0.0000001, 100.1, 1.0000001])
def test_an_epsilon_that_cannot_be_accounted_for_is_refused(epsilon):
    with pytest.raises(ChargeRefused):
        Charge.of(epsilon)


@pytest.mark.parametrize("delta", [-0.1, 1, math.nan, 1e-13])
def test_a_delta_that_cannot_be_accounted_for_is_refused(delta):
    with pytest.raises(ChargeRefused):
        Charge.of(1, delta)


def test_tenths_add_up_to_one():
    assert sum(Charge.of(0.1).epsilon_micro for _ in range(10)) == MICRO


def test_the_halves_of_a_charge_add_up_to_it():
    for charge in (Charge(3, 1), Charge(1_000_001, 999)):
        one, other = charge.halves()
        assert (one.epsilon_micro + other.epsilon_micro, one.delta_pico + other.delta_pico) == (
            charge.epsilon_micro,
            charge.delta_pico,
        )
    with pytest.raises(ChargeRefused):
        Charge(1).halves()


def test_a_charge_that_does_not_fit_the_mechanism_is_refused():
    with pytest.raises(ChargeRefused):
        plan(Mechanism.LAPLACE, ONE, Charge.of(1, 1e-6))
    with pytest.raises(ChargeRefused):
        plan(Mechanism.GAUSSIAN, ONE, Charge.of(1))
    with pytest.raises(ChargeRefused):
        plan(Mechanism.GAUSSIAN, ONE, Charge.of(50, 1e-6))
    with pytest.raises(ChargeRefused):
        plan(Mechanism.LAPLACE, Sensitivity(2**40, 2**80), Charge.of(0.000001))
