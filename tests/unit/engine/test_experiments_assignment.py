"""Assignment is deterministic, uniform and independent; the ratio check is the textbook's."""

import math
import random
from uuid import UUID

import pytest

from engine.experiments import ratio
from engine.experiments.assignment import HOLDOUT, arms_of, uniform
from engine.experiments.errors import ExperimentInvalid, SampleRatioMismatch
from governance.kernel.ids import SubjectId

_seeded = random.Random(11)
_BURST = 0x0199F0C2AA7B << 80 | 0x7 << 76 | 0x2 << 62
# UUIDv7 as one process makes them within a few milliseconds: the same instant, a counter, random ends. Seeded, so never flaky.
PEOPLE = [SubjectId(UUID(int=_BURST | number << 24 | _seeded.getrandbits(24))) for number in range(40_000)]
HALVES = {"a": 1.0, "b": 1.0}


def test_the_same_person_is_in_the_same_arm_alone_and_in_a_crowd() -> None:
    together = arms_of("x", PEOPLE[:100], HALVES)
    assert [arms_of("x", [one], HALVES)[0] for one in PEOPLE[:100]] == together


def test_the_assignment_of_a_known_person_never_changes() -> None:
    known = [SubjectId(UUID(int=number)) for number in (0, 1, 2**64, 2**127)]
    assert arms_of("golden", known, {"a": 1, "b": 1, "c": 2}) == ["c", "c", "c", "b"]


def test_arms_have_the_planned_sizes_also_for_people_who_arrived_together() -> None:
    for weights in (HALVES, {"a": 1.0, "b": 2.0, "c": 7.0}):
        arms = arms_of("sizes", PEOPLE, weights)
        assert ratio.check({arm: arms.count(arm) for arm in weights}, weights).p_value > 1e-4


def test_shares_are_uniform_in_every_tenth() -> None:
    shares = uniform("tenths", PEOPLE)
    counts = {str(tenth): int(((shares >= tenth / 10) & (shares < (tenth + 1) / 10)).sum()) for tenth in range(10)}
    assert ratio.check(counts, dict.fromkeys(counts, 1.0)).p_value > 1e-4


def test_two_experiments_are_independent() -> None:
    first, second = arms_of("one", PEOPLE, HALVES), arms_of("two", PEOPLE, HALVES)
    pairs = {f"{x}{y}": 0 for x in "ab" for y in "ab"}
    for x, y in zip(first, second, strict=True):
        pairs[x + y] += 1
    assert ratio.check(pairs, dict.fromkeys(pairs, 1.0)).p_value > 1e-4


def test_the_holdout_is_the_same_people_everywhere_and_of_the_planned_size() -> None:
    first = arms_of("one", PEOPLE, HALVES, holdout=0.1)
    second = arms_of("two", PEOPLE, {"x": 1.0, "y": 3.0}, holdout=0.1)
    held = [arm == HOLDOUT for arm in first]
    assert held == [arm == HOLDOUT for arm in second]
    sizes = {"in": held.count(False), "out": held.count(True)}
    assert ratio.check(sizes, {"in": 0.9, "out": 0.1}).p_value > 1e-4


@pytest.mark.parametrize(
    ("weights", "holdout"), [({}, 0), ({"a": 0.0}, 0), ({"a": -1.0}, 0), ({"holdout": 1.0}, 0), (HALVES, 1.0)]
)
def test_what_is_no_experiment_is_refused(weights: dict[str, float], holdout: float) -> None:
    with pytest.raises(ExperimentInvalid):
        arms_of("x", PEOPLE[:3], weights, holdout)


def test_cookie_cats_fails_the_ratio_check() -> None:
    """The public A/B test of 90,189 players: 44,700 against 45,489, p = .0086."""
    found = ratio.check({"gate_30": 44_700, "gate_40": 45_489}, {"gate_30": 1, "gate_40": 1})
    assert found.p_value == pytest.approx(0.0086, abs=0.0001)
    with pytest.raises(SampleRatioMismatch):
        found.require()
    ratio.check({"a": 5_010, "b": 4_990}, HALVES).require()


# Upper tail of chi-square, from tables (NIST Engineering Statistics Handbook, 1.3.6.7.4).
@pytest.mark.parametrize(
    ("degrees", "critical", "p_value"),
    [
        (1, 3.841, 0.05),
        (1, 6.635, 0.01),
        (1, 10.828, 0.001),
        (2, 9.210, 0.01),
        (5, 11.070, 0.05),
        (10, 29.588, 0.001),
        (30, 43.773, 0.05),
    ],
)
def test_the_survival_function_agrees_with_the_tables(degrees: int, critical: float, p_value: float) -> None:
    assert ratio.survival(critical, degrees) == pytest.approx(p_value, rel=2e-3)


def test_the_survival_function_agrees_with_its_closed_forms() -> None:
    """One degree: erfc(sqrt(x/2)); two: exp(-x/2); four: (1 + x/2) exp(-x/2)."""
    seeded = random.Random(7)
    for x in [seeded.uniform(1e-6, 60) for _ in range(300)]:
        assert ratio.survival(x, 1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-9, abs=1e-12)
        assert ratio.survival(x, 2) == pytest.approx(math.exp(-x / 2), rel=1e-9, abs=1e-12)
        assert ratio.survival(x, 4) == pytest.approx((1 + x / 2) * math.exp(-x / 2), rel=1e-9, abs=1e-12)


def test_counts_of_an_arm_that_was_not_planned_are_refused() -> None:
    with pytest.raises(ExperimentInvalid):
        ratio.check({"a": 1, "z": 1}, HALVES)
    with pytest.raises(ExperimentInvalid):
        ratio.check({}, HALVES)
