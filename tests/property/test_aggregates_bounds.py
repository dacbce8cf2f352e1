"""Whatever the rows and whatever the question: one person moves it by no more than is charged for, and no spelling is
charged twice."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.aggregates.contributions import sensitivities, tally
from governance.aggregates.queries import Bounds, Measure, Query, Schema, Where, canonical
from tests.unit.aggregates.baskets import bounded

stores = ("north", "south", "east")
bounds = st.tuples(st.integers(-50, 50), st.integers(1, 60)).map(
    lambda pair: Bounds(pair[0], pair[0] + pair[1], "cent")
)
schemas = bounds.map(
    lambda b: Schema("baskets", {"store": stores, "day": (1, 2)}, {"amount": b}, dict.fromkeys(Measure, 3))
)
rows = st.lists(
    st.tuples(
        st.sampled_from([*stores, "west", None]), st.sampled_from([1, 2, 3, None]), st.integers(-200, 200) | st.none()
    ),
    max_size=12,
)
others = st.lists(st.tuples(st.sampled_from(["bob", "carol", "b"]), rows), max_size=3)
secrets = st.binary(min_size=32, max_size=32)


@st.composite
def questions(draw, schema):
    measure = draw(st.sampled_from(list(Measure)))
    amount = schema.measures["amount"]
    filters = draw(
        st.lists(
            st.one_of(
                st.sets(st.sampled_from(stores), min_size=2).map(lambda keys: Where("store", "in", tuple(keys))),
                st.sampled_from([Where("day", "in", (2, 1)), Where("day", "in", (1, 2, 1))]),
                st.integers(amount.low, amount.centre).map(lambda low: Where("amount", "ge", low)),
                st.integers(amount.centre, amount.high).map(lambda high: Where("amount", "le", high)),
            ),
            max_size=4,
        )
    )
    kept = set(stores).intersection(*[set(f.value) for f in filters if f.column == "store"])
    filters = [f for f in filters if f.column != "store" or kept]
    return Query(
        "baskets",
        measure,
        "amount" if measure in (Measure.SUM, Measure.MEAN) else None,
        group_by=draw(st.sampled_from([None, "store", "day"])),
        cap=draw(st.integers(1, 4)),
        where=tuple(filters),
    )


@settings(max_examples=150)
@given(st.data(), schemas, rows, others, secrets)
def test_one_person_moves_no_answer_by_more_than_its_sensitivity(data, schema, alice, crowd, secret):
    question = canonical(data.draw(questions(schema)), schema)
    without = [(name, *row) for name, theirs in crowd for row in theirs]
    having = [*without, *[("alice", *row) for row in alice]]
    before = tally(bounded(without, secret, schema), question)
    after = tally(bounded(having, secret, schema), question)
    for part, declared in sensitivities(question).items():
        apart = np.abs(after[part] - before[part])
        assert apart.sum() <= declared.l1
        assert (apart * apart).sum() <= declared.l2_squared


@settings(max_examples=100)
@given(st.data(), schemas)
def test_order_repetition_and_form_of_filters_do_not_matter(data, schema):
    query = data.draw(questions(schema))
    shuffled = data.draw(st.permutations(query.where))
    respelled = [
        replace(where, value=tuple(reversed(where.value))) if isinstance(where.value, tuple) else where
        for where in [*shuffled, *shuffled[:1]]
    ]
    assert canonical(replace(query, where=tuple(respelled)), schema).sha256 == canonical(query, schema).sha256


@settings(max_examples=100)
@given(st.data(), schemas, rows, secrets)
def test_a_cap_beyond_what_anybody_has_leaves_the_plain_figures(data, schema, alice, secret):
    """Bounding that never bites is no bounding: the tally is what a loop over the rows says."""
    question = canonical(replace(data.draw(questions(schema)), cap=50), schema)
    low, high = schema.measures["amount"].low, schema.measures["amount"].high
    counts = dict.fromkeys(question.keys, 0)
    people = {key: set() for key in question.keys}
    totals = dict.fromkeys(question.keys, 0)
    for store, day, amount in alice:
        row = {"store": store, "day": day, "amount": None if amount is None else min(max(amount, low), high)}
        key = row[question.group_by] if question.group_by else "all"
        if key not in counts or (question.column and row["amount"] is None):
            continue
        if not all(_kept(row, selection, schema) for selection in question.selections):
            continue
        counts[key] += 1
        people[key].add("alice")
        totals[key] += (row["amount"] or 0) - (question.range.centre if question.measure is Measure.MEAN else 0)
    expected = {
        Measure.COUNT: [list(counts.values())],
        Measure.COUNT_PEOPLE: [[len(found) for found in people.values()]],
        Measure.SUM: [list(totals.values())],
        Measure.MEAN: [list(counts.values()), list(totals.values())],
    }[question.measure]
    found = tally(bounded([("alice", *row) for row in alice], secret, schema), question)
    assert [figures.tolist() for figures in found.values()] == expected


def _kept(row, selection, schema) -> bool:
    value = row[selection.column]
    if selection.low is not None:
        return value is not None and selection.low <= value <= selection.high
    return value in [schema.groups[selection.column][place] for place in selection.keys]
