"""Every transform of a policy, over every layout of a column, against an answer worked one value at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from pseudonymize import policies
from pseudonymize.columns.transformer import Transformed, Transformer
from pseudonymize.errors import PolicyInvalid, TableUnreadable, TransformFailed
from pseudonymize.kits.kit import Kit, keys_needed
from pseudonymize.transforms import canonical
from pseudonymize.transforms.errors import NoCanonicalForm

EMAILS = ["Anna@Example.com", None, "jose\u0301@example.com", "JOSÉ@example.com", "anna@example.com ", "x+y@gmail.com"]
TEXT = ["a", None, "", "ą\u0301", "a", "long " * 60]
NUMBERS = ["12345678", None, "4111 1111 1111 1111", "12345678", "00000000000", "7654321"]


def kit(rule: str, *, on_error: str = "quarantine", extra: str = "", engine: str = "") -> Kit:
    policy = policies.load(
        f"version: 1\ndomain: {{id: ml, purpose: training}}\nengine: {{on_error: {on_error}{engine}}}\n"
        f"columns:\n  value: {{transform: {rule}}}\n  who: {{transform: drop, optional: true}}\n{extra}"
    )
    keys = {name: repr(name).encode().ljust(32, b"k")[:32] for name in keys_needed(policy)}
    return Kit(policy, "domain:ml", 1, dt.date(2026, 11, 22), keys)


def done(rule: str, values: Any, **terms: Any) -> Transformed:
    columns = {"value": values}
    if "key: who" in rule:
        columns["who"] = pa.array([f"p{row % 3}" for row in range(len(values))])
    return Transformer(kit(rule, **terms)).transform(pa.table(columns))


def answers(rule: str, values: Any, **terms: Any) -> list[Any]:
    found: list[Any] = done(rule, values, **terms).table["value"].to_pylist()
    return found


TEXTUAL = [
    ("token_mac, canonical: email@1", EMAILS),
    ("token_mac, canonical: email@2, out: base32_26", EMAILS),
    ("token_mac, out: hex", TEXT),
    ("token_mac, out: opaque", TEXT),
    ("token_siv", TEXT),
    ("token_siv, canonical: email@1, associated: [domain]", EMAILS),
    ("fpe_ff1", NUMBERS),
    ("fpe_ff1, keep: {last: 1}", NUMBERS),
    ("replace_synthetic, kind: name, lang: pl", TEXT),
    ("mask, keep: {first: 1, last: 1}", TEXT),
    ("mask, length: 5, character: '#'", TEXT),
    ("redact, with: gone", TEXT),
    ("generalise, to: prefix1", TEXT),
    ("generalise, to: ip24", ["203.0.113.7", None, "2001:db8::1", "::ffff:203.0.113.9", "203.0.113.7", "10.0.0.1"]),
    ("generalise, to: hierarchy, parents: {a: letter, ą: letter, letter: sign}, levels: 2, other: '?'", TEXT),
    ("keep", TEXT),
]
LAYOUTS: dict[str, Callable[[list[Any]], Any]] = {
    "large": lambda values: pa.array(values, pa.large_string()),
    "view": lambda values: pa.array(values, pa.string_view()),
    "dictionary": lambda values: pa.array(values, pa.string()).dictionary_encode(),
    "dictionary of its own order": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([None if v is None else place for place, v in enumerate(values)], pa.int16()),
        pa.array(["" if v is None else v for v in values], pa.string()),
    ),
    "chunks": lambda values: pa.chunked_array(
        [pa.array(values[:2], pa.string()), pa.array([], pa.string()), values[2:]]
    ),
    "chunks of dictionaries": lambda values: pa.chunked_array(
        [pa.array(values[:3], pa.string()).dictionary_encode(), pa.array(values[3:], pa.string()).dictionary_encode()]
    ),
    "slice": lambda values: pa.array(["before", None, *values, "after"], pa.string())[2 : 2 + len(values)],
}


@pytest.mark.parametrize(("rule", "values"), TEXTUAL)
def test_every_layout_gives_what_one_value_at_a_time_gives(rule: str, values: list[Any]) -> None:
    expected = [answers(rule, pa.array([value], pa.string()))[0] for value in values]
    assert answers(rule, pa.array(values, pa.string())) == expected
    for name, layout in LAYOUTS.items():
        assert answers(rule, layout(values)) == expected, name
    assert [value is None for value in expected] == [value is None for value in values], "a null stays one"


@pytest.mark.parametrize(("rule", "values"), TEXTUAL)
def test_a_large_column_of_repeats_gives_the_same_and_an_empty_one_nothing(rule: str, values: list[Any]) -> None:
    expected = answers(rule, pa.array(values, pa.string()))
    large = done(rule, pa.array(values * 11_000, pa.string())).table["value"]
    assert large.slice(0, 6).to_pylist() == large.slice(65_994, 6).to_pylist() == expected
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        assert answers(rule, pa.array([], kind)) == []
    if not rule.startswith("keep"):
        assert answers(rule, pa.nulls(3)) == [None, None, None]


def test_equal_things_in_two_encodings_have_one_token() -> None:
    tokens = answers("token_mac, canonical: email@1", pa.array(EMAILS))
    assert tokens[0] == tokens[4]
    assert tokens[2] == tokens[3]
    assert len(set(tokens)) == 4


NUMERIC = [
    ("generalise, to: 10, bottom: 0, top: 90", [1.5, None, -3.0, 95.0, 10.0]),
    ("generalise, to: geo1", [52.2297, None, -0.05, 180.0, 52.2299]),
    ("noise, key: who, scale: 3", [1.0, None, -5.5, 1e6, 1.0]),
    ("noise, key: who, epsilon: 0.5, sensitivity: 2, bottom: 0", [1.0, None, 5.5, 1e6, 1.0]),
    ("keep", [1.0, None, 2.0, 3.0, 4.0]),
]


@pytest.mark.parametrize(("rule", "values"), NUMERIC)
def test_numbers_come_out_the_same_chunked_or_whole(rule: str, values: list[Any]) -> None:
    whole = answers(rule, pa.array(values))
    assert answers(rule, pa.chunked_array([pa.array(values[:2]), pa.array(values[2:])])) == whole
    assert [value is None for value in whole] == [value is None for value in values]
    assert answers(rule, pa.array([], pa.float64())) == []


def test_the_middle_of_a_cell_and_a_network_are_what_they_say() -> None:
    assert answers("generalise, to: geo1", pa.array([52.2297, -0.05, 0.3])) == [52.25, -0.05, 0.35]
    assert answers("generalise, to: ip24", pa.array(["::ffff:203.0.113.9", "2001:db8:1:2::3"])) == [
        "203.0.113.0/24",
        "2001:db8:1::/48",
    ]


def test_intervals_of_a_person_stay_and_dates_of_another_move_differently() -> None:
    dates = pa.array([dt.date(2026, 1, day) for day in (1, 2, 3, 11, 12, 13)])
    moved = answers("date_shift, key: who, max_days: 1000", dates)
    assert [(moved[row + 3] - moved[row]).days for row in range(3)] == [10, 10, 10]
    assert len({(after - before).days for after, before in zip(moved, dates.to_pylist(), strict=True)}) == 3


@pytest.mark.parametrize(
    ("rule", "values", "reason"),
    [
        ("token_mac, canonical: email@1", ["a@example.com", "nobody"], "no canonical form"),
        ("token_siv, canonical: pesel@1", ["44051401359", "44051401358"], "no canonical form"),
        ("fpe_ff1", ["1234567", "12"], "too few digits to encrypt"),
        ("fpe_ff1, keep: {luhn: recompute}", ["4111111111111111", "4111111111111112"], "a wrong check digit"),
        ("generalise, to: year", ["2026-01-01", "yesterday"], "not a date"),
        ("generalise, to: ip16", ["10.0.0.1", "10.0.0.256"], "not an internet address"),
        ("generalise, to: hierarchy, parents: {a: b}", ["a", "z"], "not in the hierarchy"),
        ("replace_synthetic, kind: email, canonical: email@1", ["a@example.com", "nobody"], "no canonical form"),
    ],
)
def test_a_value_that_cannot_be_worked_is_named_by_reason_and_never_quoted(
    rule: str, values: list[str], reason: str
) -> None:
    good, bad = values
    worked = done(rule, pa.array([good, bad, None, bad]))
    assert worked.failed.tolist() == [False, True, False, True]
    assert [(failure.column, failure.reason) for failure in worked.reasons] == [("value", reason)]
    assert worked.failures == {"value": 2}
    assert len(worked.table) == 2
    with pytest.raises(TransformFailed) as stopped:
        done(rule, pa.array([good, bad]), on_error="fail")
    assert stopped.value.fields["reason"] == reason
    assert bad not in str(stopped.value) + repr(stopped.value.fields)


def test_nulls_are_refused_where_the_policy_says_so() -> None:
    worked = done("token_mac", pa.array(["a", None]), engine=", nulls: refuse")
    assert worked.failed.tolist() == [False, True]
    assert worked.reasons[0].reason == "null"
    assert not done("keep", pa.array(["a", None]), engine=", nulls: refuse").failed.any()


@pytest.mark.parametrize("rule", ["token_mac", "token_mac, out: opaque", "token_siv"])
def test_a_token_is_never_made_twice_and_a_foreign_one_is_refused(rule: str) -> None:
    tokens = answers(rule, pa.array(["a", "b", None]))
    assert answers(rule, pa.array([*tokens, "c"]))[:3] == tokens
    strict = done(rule, pa.array([*tokens, "c"]), engine=", idempotent: false")
    assert strict.failed.tolist() == [True, True, False, False]
    own = kit(rule)
    for space, epoch in (("domain:other", 1), ("domain:ml", 2)):
        elsewhere = Kit(own.policy, space, epoch, own.today, own.keys)
        refused = Transformer(elsewhere).transform(pa.table({"value": pa.array([*tokens, "c"])}))
        assert refused.failed.tolist() == [True, True, False, False]
        assert refused.reasons[0].reason == "a token of another domain, epoch or kind"


def test_bare_tokens_do_not_take_tokens_for_values() -> None:
    tokens = answers("token_mac", pa.array(["a"]))
    assert done("token_mac, out: hex", pa.array([*tokens, "a"])).failed.tolist() == [True, False]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("token_mac", pa.array([1.5])),
        ("fpe_ff1", pa.array([b"12345678"])),
        ("noise, key: who, scale: 1", pa.array(["12"])),
        ("generalise, to: geo1", pa.array(["52.1"])),
        ("keep", pa.array([["nested"]])),
        ("keep", pa.array([b"bytes"], pa.binary(5))),
    ],
)
def test_a_type_that_a_rule_does_not_take_is_refused(rule: str, values: pa.Array) -> None:
    with pytest.raises(TableUnreadable, match="which .* does not take"):
        done(rule, values)


def test_whole_numbers_are_taken_as_they_are_written() -> None:
    assert answers("token_mac", pa.array([12, None, 7])) == answers("token_mac", pa.array(["12", None, "7"]))
    with pytest.raises(PolicyInvalid):
        kit("noise, key: who")


@pytest.mark.parametrize("version", sorted(canonical.FORMS))
def test_a_form_gives_the_same_in_a_column_as_alone(version: str) -> None:
    values = [
        "Anna@Example.com",
        "+48 601 000 103",
        "44051401359",
        "PL61109010140000071219812874",
        "1987-03-09",
        "00-950",
        " ",
    ]

    def alone(value: str) -> str | None:
        try:
            return canonical.form(version)(value)
        except NoCanonicalForm:
            return None

    found = canonical.canonicalise(pa.array([*values, None]), version, on_error="null").to_pylist()
    assert found == [*map(alone, values), None]
