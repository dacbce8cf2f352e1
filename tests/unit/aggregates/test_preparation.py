"""Rows become numbers, each by itself; a person's rows are ordered by nothing but themselves."""

import random

import polars as pl
import pytest

from governance.aggregates.contributions import tally
from governance.aggregates.errors import DatasetMalformed
from governance.aggregates.preparation import ABSENT, UNKNOWN, prepare
from governance.aggregates.queries import Bounds, Query, Schema, canonical
from tests.unit.aggregates.baskets import SCHEMA, SECRET, bounded, frame, prepared

ROWS = [
    ("alice", "north", 1, 3),
    ("alice", "south", 2, 99),
    ("alice", "west", 1, -99),
    ("bob", None, None, None),
    ("bob", "north", 7, 0),
]


def test_values_are_clipped_and_what_is_missing_or_not_public_is_marked():
    table = prepared(ROWS)
    rows = sorted(
        zip(
            table.groups["store"].tolist(), table.groups["day"].tolist(), table.measures["amount"].tolist(), strict=True
        )
    )
    assert rows == sorted([(0, 0, 3), (1, 1, 5), (UNKNOWN, 0, -2), (UNKNOWN, UNKNOWN, ABSENT), (0, UNKNOWN, 0)])
    assert (table.rows, table.people) == (5, 2)


def test_a_row_without_a_subject_belongs_to_nobody_and_is_left_out():
    assert prepared([*ROWS, (None, "north", 1, 1)]).rows == 5


def test_no_rows_at_all_are_a_dataset_too():
    table = prepared([])
    assert (table.rows, table.people) == (0, 0)
    for measure, column in (("count", None), ("count_people", None), ("sum", "amount"), ("mean", "amount")):
        question = canonical(Query("baskets", measure, column, group_by="store"), SCHEMA)
        assert all(figures.tolist() == [0, 0] for figures in tally(bounded([]), question).values())


def test_the_order_in_which_rows_arrive_does_not_matter():
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    one, other = prepared(ROWS), prepared(shuffled)
    assert one.measures["amount"].tolist() == other.measures["amount"].tolist()
    assert one.groups["store"].tolist() == other.groups["store"].tolist()
    assert one.words.tolist() == other.words.tolist()


def test_the_word_of_a_person_is_keyed_and_their_own():
    one, other = prepared(ROWS), prepare(frame(ROWS), SCHEMA, bytes(32))
    assert set(one.words.tolist()).isdisjoint(other.words.tolist())
    assert set(prepared(ROWS[:3]).words.tolist()) < set(one.words.tolist())


def test_no_subject_is_too_long_or_too_strange_to_be_counted():
    """An error would tell that such a person is there."""
    strange = ["x" * 64, "x" * 65, "x" * 5_000, "", "żółw", "a b"]
    assert prepared([(name, "north", 1, 1) for name in strange]).people == len(strange)


def test_rows_are_in_the_same_order_whether_or_not_they_fit_into_a_word():
    """Three measures of 32 bits do not fit beside a person; the columns are then sorted one by one."""
    wide, narrow = Bounds(-(2**31) + 1, 2**31 - 1, "cent"), Bounds(-100, 100, "cent")
    rows = frame([(f"p{n % 7}", ("north", "south", None)[n % 3], n % 4, (n * 37) % 90 - 45) for n in range(200)])
    rows = rows.with_columns(tax=pl.col("amount").reverse(), fee=pl.lit(None, dtype=pl.Int64))
    tables = [
        prepare(rows, Schema("b", SCHEMA.groups, dict.fromkeys(("amount", "tax", "fee"), bounds), SCHEMA.caps), SECRET)
        for bounds in (wide, narrow)
    ]
    for part in ("groups", "measures"):
        one, other = (getattr(table, part) for table in tables)
        assert {name: column.tolist() for name, column in one.items()} == {
            name: column.tolist() for name, column in other.items()
        }
    assert tables[0].person.tolist() == tables[1].person.tolist()


def test_what_is_kept_of_somebody_does_not_depend_on_anybody_else():
    """Alice's kept row is the same whoever else is there, however long their ids and however many their rows."""
    alice = [("alice", "north", 1, amount) for amount in range(6)]
    question = canonical(Query("baskets", "sum", "amount", group_by="store", cap=1), SCHEMA)
    alone = tally(bounded(alice), question)["total"]
    for others in (
        [("bob", "south", 2, 5)] * 40,
        [("a-very-long-identifier-of-somebody-else", "south", 1, 2)],
        [("aa", "south", 1, 0)],
    ):
        assert tally(bounded([*others, *alice]), question)["total"][0] == alone[0]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("subject", pl.Series([1, 2])),
        ("store", pl.Series([1, 2])),
        ("day", pl.Series(["1", "2"])),
        ("day", pl.Series([1.0, 2.0])),
        ("amount", pl.Series([1.5, 2.5])),
        ("amount", pl.Series([True, False])),
    ],
)
def test_a_column_of_another_type_is_refused(column, values):
    rows = frame([("alice", "north", 1, 3), ("bob", "south", 2, 4)])
    with pytest.raises(DatasetMalformed):
        prepare(rows.with_columns(values.alias(column)), SCHEMA, SECRET)


def test_a_missing_column_is_refused():
    with pytest.raises(DatasetMalformed, match="amount"):
        prepare(frame(ROWS).drop("amount"), SCHEMA, SECRET)


def test_small_and_unsigned_integers_are_clipped_without_overflow():
    for kind in (pl.Int8, pl.UInt8, pl.Int32, pl.UInt64):
        rows = frame([("alice", "north", 1, 120), ("bob", "north", 1, 1)]).with_columns(pl.col("amount").cast(kind))
        assert sorted(prepare(rows, SCHEMA, SECRET).measures["amount"].tolist()) == [1, 5]
    huge = frame([("alice", "north", 1, 1)]).with_columns(pl.lit(2**64 - 1, dtype=pl.UInt64).alias("amount"))
    assert prepare(huge, SCHEMA, SECRET).measures["amount"].tolist() == [5]
