"""Dates moved by a secret number of days per person: intervals within a person stay, the calendar date goes.

Every date of one person under one key moves by the same number of days, -max_days to +max_days, so "14 days after the
order" is still true. The shift comes from a keyed MAC of the person, so it needs no table and is the same in every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms import mac
from pseudonymize.transforms.blocks import gather
from pseudonymize.transforms.columns import as_bytes, plain
from pseudonymize.transforms.errors import ColumnTypeUnsupported, ParameterInvalid, PersonMissing

MOST_DAYS = 3_650
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def shift(dates: Any, persons: Any, key: bytes, max_days: int) -> pa.Array:
    """Each date or timestamp moved by its person's shift; same type, unit and zone. Null dates stay null.

    ``dates``: date32, date64 or timestamp (whole days are added to the instant, so the time of day in UTC stays).
    ``persons``: text or binary, as long as ``dates``; whoever is one person must be spelt one way. ``key``: 32 bytes of its
    own kind, not the key of tokens. Raises PersonMissing for a date without a person, ParameterInvalid, KeyLengthInvalid,
    ColumnTypeUnsupported.
    """
    column = plain(dates)
    who = plain(persons)
    if len(column) != len(who):
        raise ParameterInvalid(f"{len(column)} dates and {len(who)} persons")
    lost = pc.and_(column.is_valid(), who.is_null())
    if pc.any(lost).as_py():
        raise PersonMissing(pc.index(lost, True).as_py())
    if pa.types.is_null(column.type):
        return column
    moved = days(who, key, max_days) * _units_per_day(column.type)
    storage = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
    answer = pc.add_checked(column.view(storage), pa.array(moved, storage))
    return answer.view(column.type)


def days(persons: Any, key: bytes, max_days: int) -> npt.NDArray[np.int64]:
    """The shift of each person in days, uniform over -max_days to +max_days; a null person has 0.

    Zero is among them: to know that nobody is unmoved would say something about everybody.
    """
    if not 1 <= max_days <= MOST_DAYS:
        raise ParameterInvalid(f"a shift of 1 to {MOST_DAYS} days, not {max_days}")
    tags = as_bytes(mac.tags(persons, key))
    moved = np.zeros(len(tags), dtype=np.int64)
    present = np.arange(len(tags)) if tags.valid is None else np.flatnonzero(tags.valid)
    words = gather(tags.data, tags.starts[present])[:, 0].byteswap()  # the first 64 bits as a big-endian number
    # 64 bits modulo at most 7,301 values: the likeliest is likelier than the others by less than one part in 2^51.
    moved[present] = (words % np.uint64(2 * max_days + 1)).astype(np.int64) - max_days
    return moved


def _units_per_day(type_: pa.DataType) -> int:
    if pa.types.is_date32(type_):
        return 1
    if pa.types.is_date64(type_):
        return _PER_DAY["ms"]
    if pa.types.is_timestamp(type_):
        return _PER_DAY[type_.unit]
    raise ColumnTypeUnsupported(f"only dates and timestamps can be shifted, not {type_}")
