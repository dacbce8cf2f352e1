"""From a frame of rows to columns of small integers, in an order that depends on each person's own rows only.

Everything that happens to a row here is a function of that row, and everything that happens to the order of a
person's rows is a function of that person's rows: adding or removing somebody leaves what is kept of everybody else
as it was. That is what makes a cap per person a bound on sensitivity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from governance.aggregates.errors import DatasetMalformed
from governance.aggregates.queries import Bounds, Key, Schema
from governance.aggregates.siphash import Words, siphash
from governance.kernel.crypto import derive

Integers = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

SUBJECT = "subject"
UNKNOWN = -1
"""Position of a group key that is missing or not public."""
ABSENT = np.iinfo(np.int32).min
"""A measure that a row does not have. No bound reaches it, for bounds have fewer than 32 bits."""
_SUBJECT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """The declared columns of a dataset as whole numbers, sorted by person and then by a canonical order of that
    person's rows.

    `person` numbers the people 0, 1, ... along the rows; `words` has one keyed 64-bit word per person. Group columns
    hold positions in the list of public keys or UNKNOWN; measures hold clipped values or ABSENT.
    """

    schema: Schema
    person: Column
    words: Words
    groups: dict[str, Column]
    measures: dict[str, Column]

    @property
    def rows(self) -> int:
        return int(self.person.shape[0])

    @property
    def people(self) -> int:
        return int(self.words.shape[0])

    def reordered(self, order: npt.NDArray[np.intp]) -> Prepared:
        """The same rows in another order of each person's rows."""
        return replace(
            self,
            person=self.person[order],
            groups={name: column[order] for name, column in self.groups.items()},
            measures={name: column[order] for name, column in self.measures.items()},
        )


def prepare(frame: pl.DataFrame, schema: Schema, secret: bytes) -> Prepared:
    """Bring a loader's frame into the form that is counted.

    `frame` has a text column `subject`, each declared group column (text or integers, as its keys) and each declared
    measure (integers). A row without a subject belongs to nobody whom a budget could protect and is left out.
    `secret` has 32 bytes and stays the same for the dataset. Raises DatasetMalformed for a missing column or another
    type, which is a matter of schema, not of rows.
    """
    missing = [name for name in (SUBJECT, *schema.groups, *schema.measures) if name not in frame.columns]
    if missing:
        raise DatasetMalformed(f"The loader returned no column {', '.join(sorted(missing))}.")
    frame = frame.select(SUBJECT, *schema.groups, *schema.measures).drop_nulls(SUBJECT)
    words, person = np.unique(_person_words(frame[SUBJECT], secret), return_inverse=True)
    groups = {name: _positions(frame[name], name, keys) for name, keys in schema.groups.items() if keys is not None}
    measures = {name: _clipped(frame[name], name, bounds) for name, bounds in schema.measures.items()}
    unordered = Prepared(schema, person.astype(np.int32), words, groups, measures)
    return unordered.reordered(_canonical_order(unordered))


def _canonical_order(rows: Prepared) -> npt.NDArray[np.intp]:
    """Rows by person, then by content. Packed into one word per row where they fit, which sorts ten times faster."""
    keys = [(rows.person.astype(np.int64), rows.people)]
    for name, column in rows.groups.items():
        keys.append((column.astype(np.int64) - UNKNOWN, len(rows.schema.groups[name] or ()) + 1))
    for name, column in rows.measures.items():
        low, high = rows.schema.measures[name].low, rows.schema.measures[name].high
        keys.append((np.where(column == ABSENT, 0, column.astype(np.int64) - low + 1), high - low + 2))
    if sum(max(values - 1, 0).bit_length() for _, values in keys) > 63:
        return np.lexsort([key for key, _ in reversed(keys)])
    packed = np.zeros(rows.rows, dtype=np.int64)
    for key, values in keys:
        packed = (packed << max(values - 1, 0).bit_length()) | key
    return np.argsort(packed)  # rows that are equal here are equal altogether, so their order is no order


def _person_words(subjects: pl.Series, secret: bytes) -> Words:
    """One keyed word per row that stands for its subject. Two people who share one by chance (one pair in 2^64) are
    bounded together, which keeps less of them and never more."""
    if subjects.dtype != pl.String:
        raise DatasetMalformed("The column subject holds texts.")
    encoded = pc.dictionary_encode(subjects.rechunk().to_arrow())
    texts = [_fitted(text.encode()) for text in encoded.dictionary.to_pylist()]
    # A fixed width: were it that of the longest subject, one person's id would change everybody's words.
    table = np.array(texts or [b""], dtype=f"S{_SUBJECT_BYTES}").view("<u8").reshape(-1, _SUBJECT_BYTES // 8)
    words = siphash(derive(secret, "subject", length=16), [np.ascontiguousarray(column) for column in table.T])
    places: npt.NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False)
    return words[places]


def _fitted(subject: bytes) -> bytes:
    """A subject in the bytes that there are; a longer one by its digest, for to refuse it would tell that it is
    there."""
    return subject if len(subject) <= _SUBJECT_BYTES else hashlib.sha512(subject).digest()


def _positions(column: pl.Series, name: str, keys: Sequence[Key]) -> Column:
    wanted = pa.array(keys)
    if pa.types.is_integer(wanted.type) != column.dtype.is_integer() or not (
        column.dtype.is_integer() or column.dtype == pl.String
    ):
        raise DatasetMalformed(f"The group column {name} does not hold the type of its keys.")
    values = (column.cast(pl.Int64) if column.dtype.is_integer() else column).to_arrow()
    places = pc.fill_null(pc.index_in(values, value_set=wanted.cast(values.type)), UNKNOWN)
    return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int32)


def _clipped(column: pl.Series, name: str, bounds: Bounds) -> Column:
    if not column.dtype.is_integer():
        raise DatasetMalformed(f"The measure {name} does not hold integers; money is in cents.")
    # An unsigned 64-bit value may not fit a signed one before it is clipped.
    wide = column.cast(pl.Int128 if column.dtype == pl.UInt64 else pl.Int64)
    return np.array(wide.clip(bounds.low, bounds.high).cast(pl.Int32).fill_null(ABSENT).to_numpy(), dtype=np.int32)
