"""Checking a table of events against the schemas, by columns: which rows fit, and what is wrong with the others.

Pure: a frame in, two frames out. Reasons are `<what>` or `<what>:<field>`, made of declared names alone, never of a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import pyarrow as pa

from engine.events.errors import TableMalformed
from engine.events.kinds import ALL_FIELDS, COLUMNS, KINDS, Field, Integer, Text, attribute_fields

CORE = ("event_id", "subject", "kind", "occurred_at")
CLOCK_SKEW = timedelta(hours=1)
"""How far ahead of ours the clock of a source may be."""
FITTED = ("event_id", "subject_id", "kind", "occurred_at", *COLUMNS, "attributes")
_ROW = "__row"
_UUID = r"^[0-9a-f]{32}$"


@dataclass(frozen=True, slots=True)
class Checked:
    """`fitting` has the columns of `FITTED` in the order offered, ready for COPY, and `rows` the position of each in what was offered.

    `misfits` has `row` (its position), `subject_id` (where it is one) and `reasons`.
    """

    fitting: pl.DataFrame
    rows: pl.Series
    misfits: pl.DataFrame


def frame_of(table: pa.Table) -> pl.DataFrame:
    """The table as a frame, when its columns are ours.

    Raises TableMalformed: a core column is missing, a column is declared by no kind of event, a time has no zone.
    """
    names = table.column_names
    missing, unknown = sorted(set(CORE) - set(names)), sorted(set(names) - set(CORE) - set(ALL_FIELDS))
    if missing or unknown or len(set(names)) != len(names):
        raise TableMalformed("Columns do not fit.", missing=missing, unknown=unknown)
    columns = [_storage(table.column(name)) for name in names]
    frame = pl.from_arrow(pa.table(columns, names=names))
    if not isinstance(frame, pl.DataFrame):
        raise TableMalformed
    occurred = frame.schema["occurred_at"]
    if not isinstance(occurred, pl.Datetime) or occurred.time_zone is None:
        raise TableMalformed("The column occurred_at holds instants with a time zone.")
    texts = [name for name in names if name in ALL_FIELDS and isinstance(_spec(name), Text)]
    floats = [name for name in texts if frame.schema[name].is_float()]
    if floats:
        raise TableMalformed("Identifiers are texts or whole numbers.", floats=floats)
    return frame


def check(frame: pl.DataFrame, *, received_at: datetime) -> Checked:
    """Split a frame from `frame_of` into rows that fit their schema and rows that do not."""
    cast = frame.with_row_index(_ROW).with_columns(
        _uuid(frame.schema["event_id"], "event_id"),
        _uuid(frame.schema["subject"], "subject").alias("subject_id"),
        pl.col("kind").cast(pl.String),
        pl.col("occurred_at").dt.cast_time_unit("us").dt.convert_time_zone("UTC"),
        *[_cast(name, frame.schema[name]).alias(f"{name}__cast") for name in ALL_FIELDS if name in frame.columns],
    )
    problems = _problems(cast, received_at)
    flagged = cast.with_columns(**problems)
    bad = flagged.select(pl.any_horizontal(list(problems)).fill_null(value=True)).to_series()
    fitting = flagged.filter(~bad)
    reasons = pl.concat_list([pl.when(pl.col(name)).then(pl.lit(name)) for name in problems]).list.drop_nulls()
    misfits = flagged.filter(bad).select(pl.col(_ROW).alias("row"), "subject_id", reasons.alias("reasons"))
    return Checked(_fitted(fitting), fitting.get_column(_ROW), misfits)


def _problems(frame: pl.DataFrame, received_at: datetime) -> dict[str, pl.Expr]:
    """For each thing that can be wrong with a row of this frame, where it is."""
    kind = pl.col("kind")
    problems: dict[str, pl.Expr] = {
        "event_id_malformed": pl.col("event_id").is_null(),
        "subject_missing": pl.col("subject_id").is_null(),
        "kind_unknown": ~kind.is_in(list(KINDS)).fill_null(value=False),
        "occurred_at_missing": pl.col("occurred_at").is_null(),
        "occurred_in_the_future": (pl.col("occurred_at") > received_at + CLOCK_SKEW).fill_null(value=False),
    }
    present = set(frame.get_column("kind").unique().to_list()) & set(KINDS)
    for name in ALL_FIELDS:
        declaring = [key for key in present if name in KINDS[key]]
        requiring = [key for key in declaring if KINDS[key][name].required]
        if name not in frame.columns:
            if requiring:
                problems[f"field_missing:{name}"] = kind.is_in(requiring)
            continue
        given = pl.col(name).is_not_null()
        if requiring:
            problems[f"field_missing:{name}"] = kind.is_in(requiring) & ~given
        others = sorted(present - set(declaring))
        if others:
            problems[f"field_not_declared:{name}"] = given & kind.is_in(others)
        problems[f"field_malformed:{name}"] = given & ~_fits(_spec(name), pl.col(f"{name}__cast"))
    return problems


def _fitted(frame: pl.DataFrame) -> pl.DataFrame:
    """The fitting rows with every column that the event table has."""
    core = ("event_id", "subject_id", "kind", "occurred_at")
    return frame.select(*core, *_typed(frame, COLUMNS), _attributes(frame).alias("attributes"))


def _typed(frame: pl.DataFrame, names: Iterable[str]) -> list[pl.Expr]:
    """The fields with the type that their schema gives them; null throughout where the table has no such column."""
    given = {name: f"{name}__cast" for name in names}
    return [(pl.col(cast) if cast in frame.columns else pl.lit(None)).alias(name) for name, cast in given.items()]


def _attributes(frame: pl.DataFrame) -> pl.Expr:
    """The fields without a column of their own, as JSON text; null for kinds that have none."""
    attributes: pl.Expr = pl.lit(None, dtype=pl.String)
    for kind in KINDS:
        names = attribute_fields(kind)
        if names:
            fields = pl.struct(_typed(frame, names)).struct.json_encode()
            attributes = pl.when(pl.col("kind") == kind).then(fields).otherwise(attributes)
    return attributes


def _fits(spec: Field, value: pl.Expr) -> pl.Expr:
    match spec:
        case Text(choices=()):
            return value.str.contains(spec.pattern).fill_null(value=False)
        case Text():
            return value.is_in(list(spec.choices)).fill_null(value=False)
        case Integer():
            return value.is_between(spec.low, spec.high).fill_null(value=False)


def _cast(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(_spec(name), Text):
        return column.cast(pl.String, strict=False)
    if dtype.is_float():
        return pl.when(column == column.floor()).then(column).cast(pl.Int64, strict=False)
    return column.cast(pl.Int64, strict=False)


def _uuid(dtype: pl.DataType, name: str) -> pl.Expr:
    """A UUID as 32 hexadecimal digits, null when it is none."""
    column = pl.col(name)
    if dtype == pl.Binary:
        text = column.bin.encode("hex")
    else:
        text = column.cast(pl.String, strict=False).str.replace_all("-", "", literal=True).str.to_lowercase()
    return pl.when(text.str.contains(_UUID)).then(text).alias(name)


def _spec(name: str) -> Field:
    """A field means the same in every kind that declares it, but for being required."""
    return next(fields[name] for fields in KINDS.values() if name in fields)


def _storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Arrow's own UUID type, and fixed-size binary, as plain binary."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    return column
