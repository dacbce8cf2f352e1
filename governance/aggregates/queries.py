"""The grammar of questions, closed: what is counted or added up, by which group, over which rows. No expressions.

A question is checked against the declaration of its dataset alone, never against the data, and put into one canonical
form: spellings that differ in order, repetition or form of their filters share a digest, so that the second costs
nothing. Pure: no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from governance.aggregates.errors import DatasetMalformed, KeysNotPublic, QuestionRefused
from governance.kernel.canonical import digest
from governance.kernel.errors import JSON

Key: TypeAlias = str | int
"""A public group key. Texts and whole numbers; a column holds one of the two kinds."""

LARGEST_BOUND = 2**31
"""Bounds of a measure stay below this, so that 2^31 rows add up in 64 bits without a check that would depend on the
data."""
LARGEST_CAP = 10_000
EVERYTHING = "all"
"""The key of the only row of an answer that is not grouped."""


class Measure(StrEnum):
    """What a question asks for."""

    COUNT = "count"
    """Rows."""
    COUNT_PEOPLE = "count_people"
    """Distinct people."""
    SUM = "sum"
    """Total of a measure over rows."""
    MEAN = "mean"
    """Average of a measure over rows."""


class Op(StrEnum):
    """How a filter compares. Group columns take `eq` and `in`; measures take `ge`, `le` and `eq`."""

    EQ = "eq"
    IN = "in"
    GE = "ge"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The range that a measure is clipped to, in whole units (money in cents), and the name of the unit."""

    low: int
    high: int
    unit: str

    def __post_init__(self) -> None:
        if not -LARGEST_BOUND < self.low < self.high < LARGEST_BOUND:
            raise DatasetMalformed("Bounds of a measure are whole numbers with low < high, of fewer than 32 bits.")

    @property
    def centre(self) -> int:
        """The whole number in the middle, rounded down. Means are taken around it, which halves the noise."""
        return (self.low + self.high) // 2

    @property
    def largest(self) -> int:
        """The greatest absolute value of one row."""
        return max(abs(self.low), abs(self.high))

    @property
    def reach(self) -> int:
        """The greatest distance of one row from the centre."""
        return max(self.high - self.centre, self.centre - self.low)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a dataset declares about its columns; all that a question may name."""

    dataset: str
    groups: Mapping[str, tuple[Key, ...] | None]
    measures: Mapping[str, Bounds]
    caps: Mapping[Measure, int]


@dataclass(frozen=True, slots=True)
class Where:
    """Keep the rows whose `column` compares with `value`; a row with nothing or an unknown key there is never kept."""

    column: str
    op: Op | str
    value: Key | tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A question as somebody asks it. All filters must hold. `cap` bounds what one person contributes: rows for
    count, sum and mean, groups for count_people; without one the dataset's own applies."""

    dataset: str
    measure: Measure | str
    column: str | None = None
    group_by: str | None = None
    cap: int | None = None
    where: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A canonical filter on one column: one of these positions in its list of public keys, or a range of a measure,
    ends included."""

    column: str
    keys: tuple[int, ...] = ()
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class CanonicalQuery:
    """A question that fits its dataset, in the one form that all its spellings share."""

    dataset: str
    measure: Measure
    column: str | None
    bounds: Bounds | None
    group_by: str | None
    keys: tuple[Key, ...]
    cap: int
    selections: tuple[Selection, ...]
    filters: dict[str, JSON]

    @property
    def range(self) -> Bounds:
        """The bounds of the measure that is added up. Raises TypeError for a question that counts."""
        if self.bounds is None:
            raise TypeError("A question that counts has no bounds.")
        return self.bounds

    @property
    def as_json(self) -> dict[str, JSON]:
        """The canonical form in words of the dataset. Holds public keys and bounds only, nothing about anybody."""
        return {
            "dataset": self.dataset,
            "measure": str(self.measure),
            "column": self.column,
            "bounds": [self.bounds.low, self.bounds.high, self.bounds.unit] if self.bounds else None,
            "group_by": self.group_by,
            "keys": list(self.keys),
            "cap": self.cap,
            "where": self.filters,
        }

    @property
    def sha256(self) -> str:
        return digest(self.as_json)


def canonical(query: Query, schema: Schema) -> CanonicalQuery:
    """Check a question against the declaration of its dataset. Raises QuestionRefused (KeysNotPublic for a column
    without public keys) with a JSON pointer to the part that does not fit."""
    try:
        measure = Measure(query.measure)
    except ValueError as error:
        raise _refused("/measure", "Not one of count, count_people, sum, mean.") from error
    bounds = _bounds(query, measure, schema)
    keys = _public_keys(query.group_by, schema, "/group_by") if query.group_by is not None else (EVERYTHING,)
    selections = _selections(query, schema)
    return CanonicalQuery(
        dataset=schema.dataset,
        measure=measure,
        column=query.column,
        bounds=bounds,
        group_by=query.group_by,
        keys=keys,
        cap=_cap(query, measure, schema, len(keys)),
        selections=selections,
        filters=_filters(selections, schema),
    )


def _bounds(query: Query, measure: Measure, schema: Schema) -> Bounds | None:
    if measure in (Measure.COUNT, Measure.COUNT_PEOPLE):
        if query.column is not None:
            raise _refused("/column", f"A {measure} has no column.")
        return None
    if query.column is None or query.column not in schema.measures:
        raise _refused("/column", f"A {measure} needs a declared measure.")
    return schema.measures[query.column]


def _cap(query: Query, measure: Measure, schema: Schema, groups: int) -> int:
    cap = schema.caps[measure] if query.cap is None else query.cap
    if type(cap) is not int or not 1 <= cap <= LARGEST_CAP:  # True is an int too
        raise _refused("/cap", f"A cap is a whole number from 1 to {LARGEST_CAP}.")
    # Nobody is in more groups than there are: a higher cap on groups would pay for noise that protects nothing.
    return min(cap, groups) if measure is Measure.COUNT_PEOPLE else cap


def _public_keys(column: str, schema: Schema, pointer: str) -> tuple[Key, ...]:
    if column not in schema.groups:
        raise _refused(pointer, "Not a declared group column.")
    keys = schema.groups[column]
    if keys is None:
        raise KeysNotPublic(
            "Which keys occur in this column is about people.",
            errors=[{"pointer": pointer, "detail": "No public list of keys."}],
        )
    return keys


def _selections(query: Query, schema: Schema) -> tuple[Selection, ...]:
    """Filters on one column are intersected, and the columns put in order."""
    kept: dict[str, set[int]] = {}
    ranges: dict[str, tuple[int, int]] = {}
    for index, where in enumerate(query.where):
        pointer = f"/where/{index}"
        if where.column in schema.measures:
            low, high = _range(where, schema.measures[where.column], pointer)
            before = ranges.get(where.column, (low, high))
            ranges[where.column] = (max(low, before[0]), min(high, before[1]))
            empty = ranges[where.column][0] > ranges[where.column][1]
        else:
            positions = _positions(where, _public_keys(where.column, schema, f"{pointer}/column"), pointer)
            kept[where.column] = kept.get(where.column, positions) & positions
            empty = not kept[where.column]
        if empty:
            raise _refused(pointer, "Together with the filters before it this selects nothing.")
    selections = [Selection(column, keys=tuple(sorted(positions))) for column, positions in kept.items()]
    selections += [Selection(column, low=low, high=high) for column, (low, high) in ranges.items()]
    return tuple(sorted(selections, key=lambda selection: selection.column))


def _positions(where: Where, keys: tuple[Key, ...], pointer: str) -> set[int]:
    if where.op not in (Op.EQ, Op.IN):
        raise _refused(f"{pointer}/op", "A group column takes eq and in.")
    wanted = where.value if isinstance(where.value, tuple | list) else (where.value,)
    if where.op == Op.EQ and len(wanted) != 1:
        raise _refused(f"{pointer}/value", "One value, please.")
    places = {(type(key), key): place for place, key in enumerate(keys)}
    found = [places.get((type(value), value)) for value in wanted]
    if not found or None in found:
        raise _refused(f"{pointer}/value", "Not a public key of this column.")
    return {place for place in found if place is not None}


def _range(where: Where, bounds: Bounds, pointer: str) -> tuple[int, int]:
    """The range that a comparison selects. It applies to the clipped value: whoever is above `high` counts as `high`."""
    value = where.value
    if isinstance(value, bool) or not isinstance(value, int) or not bounds.low <= value <= bounds.high:
        raise _refused(f"{pointer}/value", f"A whole number from {bounds.low} to {bounds.high}.")
    match where.op:
        case Op.GE:
            return value, bounds.high
        case Op.LE:
            return bounds.low, value
        case Op.EQ:
            return value, value
        case _:
            raise _refused(f"{pointer}/op", "A measure takes ge, le and eq.")


def _filters(selections: tuple[Selection, ...], schema: Schema) -> dict[str, JSON]:
    words: dict[str, JSON] = {}
    for selection in selections:
        keys = schema.groups.get(selection.column)
        if selection.low is not None:
            words[selection.column] = {"from": selection.low, "to": selection.high}
        elif keys is not None:
            words[selection.column] = {"in": [keys[place] for place in selection.keys]}
    return words


def _refused(pointer: str, detail: str) -> QuestionRefused:
    return QuestionRefused(detail, errors=[{"pointer": pointer, "detail": detail}])
