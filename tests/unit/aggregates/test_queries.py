"""The grammar is closed, and equal questions have one form."""

import pytest

from governance.aggregates.errors import DatasetMalformed, KeysNotPublic, QuestionRefused
from governance.aggregates.queries import Bounds, Measure, Query, Where, canonical
from tests.unit.aggregates.baskets import SCHEMA


def ask(measure="count", **parts):
    return canonical(Query("baskets", measure, **parts), SCHEMA)


def refused(pointer, **parts):
    with pytest.raises(QuestionRefused) as refusal:
        ask(**parts)
    assert refusal.value.fields["errors"][0]["pointer"] == pointer
    return refusal.value


def test_a_question_names_declared_things_only():
    refused("/measure", measure="median")
    refused("/column", measure="sum", column="income")
    refused("/column", measure="sum", column="store")
    refused("/column", measure="sum")
    refused("/column", measure="count", column="amount")
    refused("/group_by", group_by="subject")
    refused("/group_by", group_by="amount")
    refused("/where/0/column", where=(Where("subject", "eq", "alice"),))
    refused("/where/0/value", where=(Where("store", "eq", "west"),))
    refused("/where/0/value", where=(Where("store", "in", ("north", "west")),))
    refused("/where/0/value", where=(Where("store", "in", ()),))
    refused("/where/0/value", where=(Where("store", "eq", ("north", "south")),))
    refused("/where/0/op", where=(Where("store", "ge", "north"),))
    refused("/where/0/op", where=(Where("amount", "in", 3),))
    refused("/where/0/value", where=(Where("amount", "ge", 6),))
    refused("/where/0/value", where=(Where("amount", "ge", "3"),))
    refused("/where/0/value", where=(Where("amount", "ge", (1, 2)),))


def test_a_key_has_the_type_of_its_column():
    refused("/where/0/value", where=(Where("day", "eq", "1"),))
    refused("/where/0/value", where=(Where("day", "eq", True),))
    refused("/where/0/value", where=(Where("amount", "eq", True),))


def test_keys_that_are_not_public_cannot_be_asked_for():
    for parts in ({"group_by": "postcode"}, {"where": (Where("postcode", "eq", "00-001"),)}):
        with pytest.raises(KeysNotPublic):
            ask(**parts)


def test_an_error_does_not_repeat_what_was_sent():
    refusal = refused("/where/0/value", where=(Where("store", "eq", "alice@example.com"),))
    assert "alice" not in str(refusal) + repr(refusal.fields)


def test_filters_that_select_nothing_are_refused():
    refused("/where/1", where=(Where("store", "eq", "north"), Where("store", "eq", "south")))
    refused("/where/1", where=(Where("amount", "ge", 4), Where("amount", "le", 3)))


@pytest.mark.parametrize("cap", [0, -1, 10_001, True, 2.5, "3"])
def test_a_cap_is_a_whole_number_in_range(cap):
    refused("/cap", cap=cap)


def test_the_cap_of_the_dataset_applies_when_none_is_asked_for():
    assert ask().cap == SCHEMA.caps[Measure.COUNT]
    assert ask(cap=3).cap == 3


def test_nobody_pays_for_more_groups_than_there_are():
    assert ask("count_people", cap=50).cap == 1
    assert ask("count_people", group_by="store", cap=50).cap == 2
    assert ask("count", group_by="store", cap=50).cap == 50


def test_spellings_of_one_question_share_a_digest():
    one = ask(
        where=(Where("store", "in", ("south", "north", "south")), Where("amount", "ge", 1), Where("day", "eq", 2))
    )
    other = ask(where=(Where("day", "in", (2,)), Where("amount", "le", 5), Where("amount", "ge", 1), Where("amount", "ge", 0),
                       Where("store", "in", ("north", "south"))))  # fmt: skip
    assert one.sha256 == other.sha256
    assert one.selections == other.selections


def test_different_questions_have_different_digests():
    questions = [
        ask(),
        ask(cap=3),
        ask("count_people"),
        ask(group_by="store"),
        ask(group_by="day"),
        ask("sum", column="amount"),
        ask("mean", column="amount"),
        ask(where=(Where("store", "eq", "north"),)),
        ask(where=(Where("store", "eq", "south"),)),
        ask(where=(Where("amount", "ge", 1),)),
        ask(where=(Where("amount", "le", 1),)),
        # All public keys are not the same as no filter: rows with another key are left out.
        ask(where=(Where("store", "in", ("north", "south")),)),
    ]
    assert len({question.sha256 for question in questions}) == len(questions)


@pytest.mark.parametrize(("low", "high"), [(5, 5), (6, 5), (-(2**31), 0), (0, 2**31)])
def test_bounds_are_finite_and_in_order(low, high):
    with pytest.raises(DatasetMalformed):
        Bounds(low, high, "cent")
