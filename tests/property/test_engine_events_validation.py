"""Whatever is offered, every row is accounted for once, and nothing gets through that its schema does not say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events.kinds import ALL_FIELDS, COLUMNS, DEPARTMENTS, KINDS, Integer, Text
from engine.events.validation import FITTED, check, frame_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TEXTS = (
    st.none()
    | st.sampled_from(["b1", "p-2", "/page", "alice@example.com", "two words", "", "grocery", "order"])
    | st.text(max_size=5)
)
_INSTANTS = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
_NUMBERS = st.none() | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)
_SPECS = {name: next(fields[name] for fields in KINDS.values() if name in fields) for name in ALL_FIELDS}


@st.composite
def offered(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(1, 12))
    names = draw(st.sets(st.sampled_from(ALL_FIELDS)))
    return [
        {
            "event_id": draw(st.none() | st.uuids().map(str) | st.just("no id")),
            "subject": draw(st.none() | st.uuids().map(str)),
            "kind": draw(st.none() | st.sampled_from([*KINDS, "theft"])),
            "occurred_at": draw(_INSTANTS),
            **{name: draw(_NUMBERS if isinstance(_SPECS[name], Integer) else _TEXTS) for name in names},
        }
        for _ in range(count)
    ]  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    types = {"occurred_at": pa.timestamp("us", "UTC")} | {
        name: pa.int64() if isinstance(spec, Integer) else pa.string() for name, spec in _SPECS.items()
    }
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in rows[0]})


def _fits(row: dict[str, Any]) -> bool:
    """The schema, read once more by hand."""
    try:
        UUID(row["event_id"]), UUID(row["subject"])
    except (TypeError, ValueError, AttributeError):
        return False
    if row["kind"] not in KINDS or row["occurred_at"] is None or row["occurred_at"] > NOW + timedelta(hours=1):
        return False
    declared = KINDS[row["kind"]]
    given = {name for name in ALL_FIELDS if row.get(name) is not None}
    if given - set(declared) or any(spec.required and name not in given for name, spec in declared.items()):
        return False
    return all(_holds(declared[name], row[name]) for name in given)


def _holds(spec: Text | Integer, value: Any) -> bool:
    if isinstance(spec, Integer):
        return spec.low <= value <= spec.high
    return value in spec.choices if spec.choices else re.fullmatch(spec.pattern[1:-1], value) is not None


@settings(max_examples=60)
@given(offered())
def test_rows_that_fit_and_misfits_are_all_rows_and_the_schema_divides_them(rows: list[dict[str, Any]]) -> None:
    checked = check(frame_of(_table(rows)), received_at=NOW)

    fitting, misfits = checked.rows.to_list(), checked.misfits.get_column("row").to_list()
    assert sorted(fitting + misfits) == list(range(len(rows)))
    assert fitting == [place for place, row in enumerate(rows) if _fits(row)]
    assert all(reasons for reasons in checked.misfits.get_column("reasons").to_list())
    assert tuple(checked.fitting.columns) == FITTED


@given(st.text(max_size=20))
def test_no_address_fits_an_identifier(text: str) -> None:
    spec = COLUMNS["basket"]
    assert isinstance(spec, Text)
    assert re.fullmatch(spec.pattern[1:-1], f"{text}@example.com") is None
    assert re.fullmatch(spec.pattern[1:-1], f"Alice {text}") is None
    assert len(set(DEPARTMENTS)) == len(DEPARTMENTS)
