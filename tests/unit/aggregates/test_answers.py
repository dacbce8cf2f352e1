"""Error bars hold what they promise; what is shown is labelled; nothing is learnt from an estimate."""

import math

import numpy as np
import pytest

from governance.aggregates import answers
from governance.aggregates.contributions import Part, tally
from governance.aggregates.noise import Charge, Mechanism, draw
from governance.aggregates.queries import Query, canonical
from tests.unit.aggregates.baskets import SCHEMA, bounded


def question(measure, column=None, **parts):
    return canonical(Query("baskets", measure, column, **parts), SCHEMA)


def steps(query, epsilon=1.0):
    return answers.plans(query, Mechanism.LAPLACE, Charge.of(epsilon))


def rows(query, epsilon=1.0, **figures):
    noisy = {Part(name): np.array(values, dtype=np.int64) for name, values in figures.items()}
    return answers.rows(query, steps(query, epsilon), noisy)


def test_a_count_has_a_symmetric_interval_and_may_be_negative():
    query = question("count", group_by="store", cap=2)
    north, south = rows(query, count=[100, -7])
    half = steps(query).main.half_width()
    assert north == ("north", 100, steps(query).main.std, 100 - half, 100 + half)
    assert south.value == -7
    assert answers.adjusted(query, [north, south]) == ("not_negative", [100, 0])


def test_a_total_of_what_can_be_negative_is_shown_as_drawn():
    query = question("sum", "amount")
    answer = rows(query, total=[-40])
    assert answers.adjusted(query, answer) == ("none", [-40])


def test_a_mean_is_centre_plus_total_over_count_with_an_interval_around_it():
    query = question("mean", "amount", cap=1)
    (row,) = rows(query, epsilon=2.0, count=[1000], total=[500])
    assert row.value == pytest.approx(1 + 0.5)
    assert row.low95 < row.value < row.high95
    of_count, of_total = (steps(query, 2.0).parts[part][0] for part in (Part.COUNT, Part.TOTAL))
    assert row.std == pytest.approx(math.sqrt((of_total.std / 1000) ** 2 + (0.5 * of_count.std / 1000) ** 2))


@pytest.mark.parametrize("count", [-5, 0, 1, 3])
def test_a_mean_over_next_to_nobody_could_be_anything_within_its_bounds(count):
    (row,) = rows(question("mean", "amount", cap=1), epsilon=1.0, count=[count], total=[10_000])
    assert (row.low95, row.high95) == (-2, 5)
    assert -2 <= row.value <= 5
    assert row.std == 3.5


@pytest.mark.slow  # 4,000 answers, drawn for real
@pytest.mark.parametrize(
    ("measure", "column"), [("count", None), ("count_people", None), ("sum", "amount"), ("mean", "amount")]
)
def test_intervals_hold_the_bounded_figure_at_least_95_times_in_a_hundred(measure, column):
    """4,000 answers. Hoeffding: an interval that holds with 95 % holds in fewer than 90.2 % of 4,000 with probability
    below 1e-7."""
    people = [(f"p{number}", "north", 1, number % 8 - 2) for number in range(60)]
    query = question(measure, column, cap=1)
    table = bounded(people)
    exact = tally(table, query)
    truth = 1 + exact[Part.TOTAL][0] / exact[Part.COUNT][0] if measure == "mean" else next(iter(exact.values()))[0]
    plan = steps(query)
    repeated = {part: draw(step, np.repeat(exact[part], 4_000), charge) for part, (step, charge) in plan.parts.items()}
    held = 0
    for place in range(4_000):
        (row,) = answers.rows(query, plan, {part: noisy[place : place + 1] for part, noisy in repeated.items()})
        held += row.low95 <= truth <= row.high95
    assert held / 4_000 >= 0.902


def test_an_estimate_tells_cost_and_error_from_the_question_alone():
    query = question("mean", "amount", group_by="store", cap=4)
    estimate = answers.estimate(query, steps(query, 0.5))
    assert (estimate.epsilon, estimate.keys, estimate.cap, estimate.unit) == (0.5, 2, 4, "cent")
    assert estimate.sensitivity == 4 * 4  # cap times the distance from the centre 1 to the bound 5
    assert estimate.std == pytest.approx(math.sqrt(2) * 16 / 0.25, rel=0.01)
    assert estimate.std_of_count == pytest.approx(math.sqrt(2) * 4 / 0.25, rel=0.01)


def test_the_parts_of_a_mean_are_charged_together_what_was_asked():
    charge = Charge(333_333)
    parts = answers.plans(question("mean", "amount"), Mechanism.LAPLACE, charge).parts
    assert sum(of.epsilon_micro for _, of in parts.values()) == 333_333
