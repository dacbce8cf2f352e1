"""Who stands out in the output."""

from __future__ import annotations

import polars as pl
import pytest

from pseudonymize.errors import RiskTooHigh
from pseudonymize.risk import GroupCounts, OnViolation, RiskTerms, enforce

TABLE = pl.DataFrame(
    {
        "born": ["1980", "1980", "1980", "1990", "1990", None, None, "2000"],
        "post": ["00", "00", "00", "01", "01", "02", "02", "03"],
        "band": ["a", "b", "a", "c", "c", "a", "b", "a"],
    }
)


def counted(terms: RiskTerms, *batches: pl.DataFrame) -> GroupCounts:
    counts = GroupCounts(terms)
    for batch in batches:
        counts.add(batch)
    return counts


def test_small_groups_are_found_and_nulls_are_a_group_like_any_other() -> None:
    terms = RiskTerms(("born", "post"), 2, on_violation=OnViolation.SUPPRESS, max_suppressed=0.2)
    counts = counted(terms, TABLE)
    found = counts.assess()

    assert (found.rows, found.groups, found.smallest, found.unique_rows, found.violating_rows) == (8, 4, 1, 1, 1)
    assert counts.allow(TABLE).to_list() == [True] * 7 + [False]
    enforce(found, terms)


def test_a_group_with_one_sensitive_value_is_too_uniform() -> None:
    terms = RiskTerms(("born", "post"), 2, {"band": 2}, OnViolation.SUPPRESS, 0.5)
    counts = counted(terms, TABLE)

    assert counts.assess().diversity == {"band": 1}
    assert counts.allow(TABLE).to_list() == [True, True, True, False, False, True, True, False]


def test_batches_are_judged_as_one_table() -> None:
    terms = RiskTerms(("born", "post"), 2, {"band": 2}, OnViolation.SUPPRESS, 0.5)
    whole, parts = counted(terms, TABLE), counted(terms, TABLE[:1], TABLE[1:2], TABLE[2:4], TABLE[4:])

    assert whole.assess() == parts.assess()
    assert [*parts.allow(TABLE[:5]), *parts.allow(TABLE[5:])] == whole.allow(TABLE).to_list()


@pytest.mark.parametrize(
    ("on_violation", "most"), [(OnViolation.FAIL, 1.0), (OnViolation.SUPPRESS, 0.1), (OnViolation.SUPPRESS, 0.0)]
)
def test_the_run_stops_when_suppressing_would_cost_too_much(on_violation: OnViolation, most: float) -> None:
    terms = RiskTerms(("born", "post"), 2, on_violation=on_violation, max_suppressed=most)
    with pytest.raises(RiskTooHigh) as caught:
        enforce(counted(terms, TABLE).assess(), terms)
    assert caught.value.fields["violating_rows"] == 1


def test_an_empty_table_singles_nobody_out() -> None:
    terms = RiskTerms(("born",), 5)
    counts = counted(terms, TABLE.clear())
    enforce(counts.assess(), terms)
    assert counted(terms).assess().rows == 0
