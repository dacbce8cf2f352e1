"""One person moves an answer by no more than its declared sensitivity: tried out on every small table, for every form
of question.

Neighbours differ by everything that one person did (add or remove). The bound is also reached, so it is not just
generous; and a question that bounds less than it declares is caught by the same check.
"""

from dataclasses import replace
from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from governance.aggregates.contributions import Bounded, Part, sensitivities, tally
from governance.aggregates.queries import CanonicalQuery, Query, Where, canonical
from tests.unit.aggregates.baskets import SCHEMA, bounded, prepared

MEASURES = [("count", None), ("count_people", None), ("sum", "amount"), ("mean", "amount")]
FILTERS = [(), (Where("store", "eq", "north"),), (Where("amount", "ge", 1), Where("day", "in", (1, 2)))]
QUESTIONS = [
    canonical(Query("baskets", measure, column, group_by=group, cap=cap, where=where), SCHEMA)
    for (measure, column), group, cap, where in product(MEASURES, (None, "store"), (1, 2), FILTERS)
]
# A row that fits, rows beyond either bound, a key that is not public, nothing at all, and a store of its own.
ROWS = [("north", 1, 3), ("north", 2, 99), ("south", 1, -99), ("south", 1, 99), ("west", 2, 1), (None, 1, None)]
OTHERS = [
    [],
    [("bob", "north", 1, 2), ("bob", "south", 2, 4)],
    [("bob", "north", 1, 5)] * 3 + [("carol", "south", 1, 5), ("carol", None, 2, 1)],
]


def moved(question: CanonicalQuery, without, having) -> dict[Part, tuple[int, int]]:
    """How far the parts of an answer are apart: the sum of absolute differences, and the sum of their squares."""
    before, after = tally(without, question), tally(having, question)
    apart = {part: (after[part] - before[part]).astype(object) for part in after}
    return {part: (int(np.abs(gap).sum()), int((gap * gap).sum())) for part, gap in apart.items()}


def exceeded(question: CanonicalQuery, without, having) -> bool:
    declared = sensitivities(question)
    distances = moved(question, without, having)
    return any(l1 > declared[part].l1 or l2 > declared[part].l2_squared for part, (l1, l2) in distances.items())


@pytest.mark.slow  # 252 pairs of neighbours x 48 questions, which is the point
def test_no_person_moves_any_answer_by_more_than_its_sensitivity():
    reached = {(place, part): 0 for place, question in enumerate(QUESTIONS) for part in sensitivities(question)}
    tables = [table for size in (1, 2, 3) for table in combinations_with_replacement(ROWS, size)]
    for others in OTHERS:
        without = bounded(others)
        for table in tables:
            having = bounded([*others, *[("alice", *row) for row in table]])
            for place, question in enumerate(QUESTIONS):
                assert not exceeded(question, without, having), (question.as_json, others, table)
                for part, (l1, _) in moved(question, without, having).items():
                    reached[place, part] = max(reached[place, part], l1)
    for (place, part), most in reached.items():
        question = QUESTIONS[place]
        # A filter can keep a person from reaching the bound: one store is one group, positive amounts leave out the
        # far end.
        if not question.selections:
            assert most == sensitivities(question)[part].l1, (question.as_json, part)


@pytest.mark.parametrize("place", range(len(QUESTIONS)))
def test_a_person_with_a_thousand_rows_counts_like_anybody_else(place):
    question = QUESTIONS[place]
    others = OTHERS[2]
    rows = [("alice", store, day, amount) for store in ("north", "south") for day in (1, 2) for amount in range(250)]
    assert len(rows) == 1000
    assert not exceeded(question, bounded(others), bounded([*others, *rows]))


def test_the_check_notices_a_cap_that_is_not_kept():
    """Negative control: figures bounded at three rows, declared at one."""
    others, rows = OTHERS[1], [("alice", "north", 1, 5)] * 3
    for question in QUESTIONS:
        if question.cap != 1 or question.measure == "count_people":
            continue
        lax = replace(question, cap=3)
        before, after = tally(bounded(others), lax), tally(bounded([*others, *rows]), lax)
        assert any(np.abs(after[part] - before[part]).sum() > sensitivities(question)[part].l1 for part in after)


def test_which_row_is_kept_is_a_fair_draw_of_the_secret():
    """Ten rows, one kept, 1,000 secrets: each row is kept 100 times on average. The bound of 76 either way is 8
    standard deviations, and the secrets are fixed, so this fails on a change and never by chance."""
    table = prepared([("alice", store, 1, amount) for store in ("north", "south") for amount in range(-2, 3)])
    total = canonical(Query("baskets", "sum", "amount", group_by="store", cap=1), SCHEMA)
    count = canonical(Query("baskets", "count", group_by="store", cap=1), SCHEMA)
    kept = np.zeros((2, 5), dtype=int)
    for number in range(1_000):
        alice = Bounded(table, number.to_bytes(32, "big"))
        store = int(np.argmax(tally(alice, count)[Part.COUNT]))
        kept[store, tally(alice, total)[Part.TOTAL][store] + 2] += 1
    assert kept.sum() == 1_000
    assert kept.min() > 24
    assert kept.max() < 176


def test_which_groups_are_kept_is_fair_however_many_rows_each_has():
    table = prepared([("alice", "north", 1, 1)] * 50 + [("alice", "south", 1, 1)])
    question = canonical(Query("baskets", "count_people", group_by="store", cap=1), SCHEMA)
    secrets = (number.to_bytes(32, "big") for number in range(1_000))
    north = sum(int(tally(Bounded(table, secret), question)[Part.COUNT][0]) for secret in secrets)
    assert 370 < north < 630  # half of 1,000; 130 is 8 standard deviations
