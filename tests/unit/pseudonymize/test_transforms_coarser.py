"""Dates that move together, values that get coarser, values that are hidden."""

from __future__ import annotations

import datetime as dt
import hashlib

import pyarrow as pa
import pytest

from pseudonymize.transforms import dates, generalize, mask
from pseudonymize.transforms.errors import (
    ColumnTypeUnsupported,
    HierarchyGap,
    KeyLengthInvalid,
    NotCanonical,
    ParameterInvalid,
    PersonMissing,
)

KEY = hashlib.sha256(b"dates").digest()
ORDERS = [dt.date(2026, 1, 1), dt.date(2026, 1, 15), None, dt.date(2026, 3, 1), dt.date(1969, 12, 31)]
PERSONS = ["alice", "alice", "alice", "bob", "alice"]


def test_intervals_within_a_person_stay() -> None:
    moved = dates.shift(pa.array(ORDERS), pa.array(PERSONS), KEY, 30).to_pylist()
    assert moved[1] - moved[0] == dt.timedelta(days=14)
    assert moved[0] - moved[4] == ORDERS[0] - ORDERS[4]
    assert moved[2] is None
    assert all(abs((new - old).days) <= 30 for new, old in zip(moved, ORDERS, strict=True) if old)


def test_a_person_moves_alike_in_every_column_type_and_another_key_moves_them_otherwise() -> None:
    many = pa.array([f"person {number}" for number in range(500)])
    day = pa.array([dt.date(2026, 5, 5)] * 500)
    as_days = [(moved - dt.date(2026, 5, 5)).days for moved in dates.shift(day, many, KEY, 30).to_pylist()]
    assert as_days == dates.days(many, KEY, 30).tolist()
    for type_ in (pa.date64(), pa.timestamp("s"), pa.timestamp("ms", "Europe/Warsaw"), pa.timestamp("ns")):
        moved = dates.shift(day.cast(type_), many, KEY, 30)
        assert moved.type == type_
        assert moved.cast(pa.timestamp("s", getattr(type_, "tz", None))).cast(pa.int64()).to_pylist() == [
            value + 86_400 * days
            for value, days in zip(
                day.cast(type_).cast(pa.timestamp("s", getattr(type_, "tz", None))).cast(pa.int64()).to_pylist(),
                as_days,
                strict=True,
            )
        ]
    assert dates.days(many, KEY[::-1], 30).tolist() != as_days


def test_shifts_use_the_whole_range_evenly() -> None:
    shifts = dates.days(pa.array([str(number) for number in range(70_000)]), KEY, 3).tolist()
    for shift in range(-3, 4):
        assert 9_500 < shifts.count(shift) < 10_500
    assert set(shifts) == set(range(-3, 4))


def test_chunks_dictionaries_slices_and_nulls_of_dates() -> None:
    plain = dates.shift(pa.array(ORDERS), pa.array(PERSONS), KEY, 30).to_pylist()
    chunked = pa.chunked_array([pa.array(ORDERS[:2]), pa.array(ORDERS[2:])])
    assert dates.shift(chunked, pa.array(PERSONS).dictionary_encode(), KEY, 30).to_pylist() == plain
    assert dates.shift(pa.array(ORDERS).slice(1, 3), pa.array(PERSONS).slice(1, 3), KEY, 30).to_pylist() == plain[1:4]
    assert dates.shift(pa.nulls(2), pa.nulls(2, pa.string()), KEY, 30).to_pylist() == [None, None]
    assert dates.shift(pa.array([], pa.date32()), pa.array([], pa.string()), KEY, 30).to_pylist() == []


def test_a_date_without_a_person_is_refused_and_a_person_without_a_date_is_not() -> None:
    with pytest.raises(PersonMissing) as refused:
        dates.shift(pa.array(ORDERS), pa.array(["alice", "alice", None, None, "bob"]), KEY, 30)
    assert refused.value.row == 3
    assert dates.shift(pa.array([None, ORDERS[0]]), pa.array([None, "a"]), KEY, 30).to_pylist()[0] is None


def test_wrong_parameters_of_a_shift_are_refused() -> None:
    day, who = pa.array([ORDERS[0]]), pa.array(["a"])
    for days in (0, -1, 3_651):
        with pytest.raises(ParameterInvalid):
            dates.shift(day, who, KEY, days)
    with pytest.raises(ParameterInvalid):
        dates.shift(day, pa.array(["a", "b"]), KEY, 30)
    with pytest.raises(KeyLengthInvalid):
        dates.shift(day, who, KEY[:16], 30)
    with pytest.raises(ColumnTypeUnsupported):
        dates.shift(pa.array(["2026-01-01"]), who, KEY, 30)


def test_numbers_go_into_buckets_with_open_ends() -> None:
    ages = pa.array([17, 18, 29, 30, 89, 90, 104, None])
    assert generalize.numbers(ages, 10, bottom=18, top=90).to_pylist() == [
        "<18", "[18, 20)", "[20, 30)", "[30, 40)", "[80, 90)", ">=90", ">=90", None,
    ]  # fmt: skip
    assert generalize.numbers(pa.array([-0.5, 0.0, 0.25, float("nan")]), 0.5).to_pylist() == [
        "[-0.5, 0.0)", "[0.0, 0.5)", "[0.0, 0.5)", None,
    ]  # fmt: skip
    assert generalize.numbers(pa.array([0.1, 0.3, 0.29, 0.7]), 0.1).to_pylist() == [
        "[0.1, 0.2)", "[0.3, 0.4)", "[0.2, 0.3)", "[0.7, 0.8)",
    ]  # fmt: skip
    assert generalize.numbers(pa.array([17, 35, 95]), 10.0, bottom=18.0, top=90.0).to_pylist() == [
        "<18", "[30, 40)", ">=90",
    ]  # fmt: skip
    assert generalize.numbers(pa.chunked_array([[1], [12]]), 10, origin=5).to_pylist() == ["[-5, 5)", "[5, 15)"]
    assert generalize.numbers(pa.array([float("inf"), float("-inf")]), 10, top=90).to_pylist() == [">=90", None]
    assert generalize.numbers(pa.array([], pa.int64()), 10).to_pylist() == []


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("year", ["1987", "2024", "1969"]),
        ("5y", ["1985-1989", "2020-2024", "1965-1969"]),
        ("10y", ["1980-1989", "2020-2029", "1960-1969"]),
        ("quarter", ["1987-Q1", "2024-Q4", "1969-Q4"]),
        ("month", ["1987-03", "2024-12", "1969-12"]),
        ("week", ["1987-W11", "2025-W01", "1970-W01"]),
    ],
)
def test_dates_go_into_periods(to: str, expected: list[str]) -> None:
    days = [dt.date(1987, 3, 9), dt.date(2024, 12, 31), dt.date(1969, 12, 31)]
    assert generalize.dates(pa.array(days), to).to_pylist() == expected
    assert generalize.dates(pa.array([day.isoformat() for day in days]), to).to_pylist() == expected
    stamps = pa.array([dt.datetime(day.year, day.month, day.day, 23, 59) for day in days])
    assert generalize.dates(stamps, to).to_pylist() == expected
    assert generalize.dates(pa.array([days[0], None]).dictionary_encode(), to).to_pylist() == [expected[0], None]


def test_a_timestamp_counts_in_its_own_zone() -> None:
    midnight = pa.array([dt.datetime(2026, 1, 1, 0, 30)]).cast(pa.timestamp("us", "UTC"))
    assert generalize.dates(midnight, "year").to_pylist() == ["2026"]
    assert generalize.dates(midnight.cast(pa.timestamp("us", "America/New_York")), "year").to_pylist() == ["2025"]


def test_the_very_old_are_coded_as_one() -> None:
    edge = generalize.earliest_birth_below(90, dt.date(2026, 6, 1))
    assert edge == dt.date(1936, 6, 2)
    assert generalize.earliest_birth_below(1, dt.date(2024, 2, 29)) == dt.date(2023, 3, 1)
    born = pa.array([dt.date(1935, 1, 1), dt.date(1936, 6, 1), dt.date(1936, 6, 2), dt.date(2026, 1, 1)])
    assert generalize.dates(born, "5y", earliest=edge, latest=dt.date(2008, 1, 1)).to_pylist() == [
        "<1936-06-02", "<1936-06-02", "1935-1939", ">=2008-01-01",
    ]  # fmt: skip


def test_text_that_is_no_date_and_unknown_periods_are_refused() -> None:
    with pytest.raises(NotCanonical) as refused:
        generalize.dates(pa.array(["1987-03-09", None, "9 March"]), "year")
    assert refused.value.row == 2
    for unknown in ("0y", "decade", "", "y"):
        with pytest.raises(ParameterInvalid):
            generalize.dates(pa.array([dt.date(1987, 3, 9)]), unknown)
    with pytest.raises(ColumnTypeUnsupported):
        generalize.dates(pa.array([1987]), "year")
    with pytest.raises(ColumnTypeUnsupported):
        generalize.numbers(pa.array(["1987"]), 10)
    with pytest.raises(ParameterInvalid):
        generalize.numbers(pa.array([1]), 0)
    with pytest.raises(ParameterInvalid):
        generalize.numbers(pa.array([1]), 10, bottom=5, top=5)


def test_codes_are_cut_to_prefixes() -> None:
    assert generalize.prefix(pa.array(["żółw", "a", None, ""]), 2).to_pylist() == ["żó", "a", None, ""]
    codes = pa.array(["00-950", "sw1a 1aa", "90210", None]).dictionary_encode()
    assert generalize.postcode(codes, 2).to_pylist() == ["00", "SW", "90", None]
    with pytest.raises(ParameterInvalid):
        generalize.prefix(pa.array(["a"]), 0)


def test_addresses_become_networks() -> None:
    column = pa.array(["203.0.113.7", "2001:db8:1:2::3", None])
    assert generalize.network(column).to_pylist() == ["203.0.113.0/24", "2001:db8:1::/48", None]
    with pytest.raises(NotCanonical) as refused:
        generalize.network(pa.array(["203.0.113.7", "999.1.1.1"]))
    assert refused.value.row == 1
    with pytest.raises(ParameterInvalid):
        generalize.network(column, v4_bits=33)


def test_words_climb_a_hierarchy() -> None:
    parents = {"apple": "fruit", "leek": "vegetable", "fruit": "plant", "vegetable": "plant"}
    column = pa.array(["apple", "leek", None, "fruit", "plant"])
    assert generalize.hierarchy(column, parents).to_pylist() == ["fruit", "vegetable", None, "plant", "plant"]
    assert generalize.hierarchy(column, parents, levels=2).to_pylist() == ["plant", "plant", None, "plant", "plant"]
    with pytest.raises(HierarchyGap) as refused:
        generalize.hierarchy(pa.array(["apple", "stone"]), parents)
    assert refused.value.row == 1
    assert generalize.hierarchy(pa.array(["stone", None]), parents, default="*").to_pylist() == ["*", None]
    with pytest.raises(ParameterInvalid):
        generalize.hierarchy(column, {"a": "b", "b": "a"}, levels=3)


def test_rare_values_become_one() -> None:
    column = pa.chunked_array([["a", "a", "b"], ["a", None, "c", "c"]])
    assert generalize.rare(column, 2).to_pylist() == ["a", "a", "*", "a", None, "c", "c"]
    assert generalize.rare(pa.array(["a"]), 2, other="rest").to_pylist() == ["rest"]
    assert generalize.rare(pa.array([], pa.string()), 2).to_pylist() == []


def test_masks_hide_the_middle_and_never_show_a_short_value() -> None:
    cards = pa.array(["4111111111111111", "1234", "12345", "", None, "żółwie"])
    assert mask.mask(cards, keep_last=4).to_pylist() == ["************1111", "****", "*2345", "", None, "**łwie"]
    assert mask.mask(cards, keep_first=1, keep_last=1).to_pylist() == [
        "4**************1", "1**4", "1***5", "", None, "ż****e",
    ]  # fmt: skip
    assert mask.mask(cards, keep_last=4, length=3).to_pylist() == ["***1111", "***", "***2345", "***", None, "***łwie"]
    assert mask.mask(cards.cast(pa.string_view())).to_pylist() == ["*" * 16, "****", "*****", "", None, "******"]
    with pytest.raises(ParameterInvalid):
        mask.mask(cards, keep_last=-1)
    with pytest.raises(ColumnTypeUnsupported):
        mask.mask(pa.array([1]))


def test_masked_addresses_keep_their_domain() -> None:
    column = pa.array(["alice@example.org", "a@example.org", "nobody", "a@b@c", "", None])
    assert mask.mask_email(column).to_pylist() == ["a***@example.org", "a***@example.org", "***", "***", "***", None]
    assert mask.mask_email(column, character="\\").to_pylist()[0] == "a\\\\\\@example.org"


def test_redaction_keeps_nulls_of_any_type() -> None:
    assert mask.redact(pa.array([1, None])).to_pylist() == ["<REDACTED>", None]
    assert mask.redact(pa.chunked_array([["a"], [None]]).dictionary_encode(), "-").to_pylist() == ["-", None]
    assert mask.redact(pa.nulls(1)).to_pylist() == [None]


def test_numbers_too_far_away_for_any_bucket_have_none_but_the_open_one() -> None:
    far = pa.array([1e308, -1e308, float("inf"), float("-inf"), float("nan"), 2.0**52, None])
    assert generalize.numbers(far, 0.5).to_pylist() == [None] * 5 + ["[4503599627370496.0, 4503599627370496.5)", None]
    coded = generalize.numbers(far, 0.5, bottom=0, top=100).to_pylist()
    assert coded == [">=100", "<0", ">=100", "<0", None, ">=100", None]


def test_weeks_are_those_of_the_calendar_and_go_on_where_it_ends() -> None:
    turns = [dt.date(year, 12, 28) + dt.timedelta(days) for year in range(1970, 2040) for days in range(10)]
    days = [dt.date(1, 1, 1), dt.date(9999, 12, 31), *turns]
    weeks = [f"{year:04d}-W{week:02d}" for year, week, _ in map(dt.date.isocalendar, days)]
    assert generalize.dates(pa.array(days), "week").to_pylist() == weeks
    assert generalize.dates(pa.array([2**63 - 1, None], pa.timestamp("us")), "week").to_pylist() == [
        "294247-W01",
        None,
    ]
