"""From a frame of rows to columns of small integers, in an order that depends on each person's own rows only.

Everything that happens to a row here is a function of that row, and everything that happens to the order of a
person's rows is a function of that person's rows: adding or removing somebody leaves what is kept of everybody else
as it was. That is what makes a cap per person a bound on sensitivity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
Flags = npt.NDArray[np.bool_]

SUBJECT = "subject"
UNKNOWN = -1
"""Position of a group key that is missing or not public."""
ABSENT = np.iinfo(np.int64).min
"""A measure that a row does not have. No bound reaches it."""
_SUBJECT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """The declared columns of a dataset as whole numbers, sorted by person and then by a canonical order of that
    person's rows.

    `person` numbers the people 0, 1, ... along the rows; `words` has one keyed 64-bit word per person. Group columns
    hold positions in the list of public keys or UNKNOWN; measures hold clipped values or ABSENT. `fingerprint` is
    keyed: it shows that two loads held the same rows, in whatever order they came, and says nothing about them to
    whoever lacks the secret.
    """

    schema: Schema
    person: npt.NDArray[np.int32]
    words: Words
    groups: dict[str, Integers]
    measures: dict[str, Integers]
    fingerprint: str

    @property
    def rows(self) -> int:
        return int(self.person.shape[0])

    @property
    def people(self) -> int:
        return int(self.words.shape[0])


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
    columns: dict[str, npt.NDArray[Any]] = {"person": _person_words(frame[SUBJECT], secret)}
    for name, keys in schema.groups.items():
        if keys is not None:
            columns[f"g:{name}"] = _positions(frame[name], name, keys)
    for name, bounds in schema.measures.items():
        columns[f"m:{name}"] = _clipped(frame[name], name, bounds)
    ordered = pl.DataFrame(columns).sort(list(columns))
    words, person = _numbered(ordered["person"].to_numpy())
    arrays = {name: ordered[name].to_numpy() for name in columns if name != "person"}
    return Prepared(
        schema=schema,
        person=person,
        words=words,
        groups={name[2:]: array for name, array in arrays.items() if name.startswith("g:")},
        measures={name[2:]: array for name, array in arrays.items() if name.startswith("m:")},
        fingerprint=_fingerprint(schema, ordered, secret),
    )


def _person_words(subjects: pl.Series, secret: bytes) -> Words:
    """One keyed word per row that stands for its subject. Two people who share one by chance (one pair in 2^64) are
    bounded together, which keeps less of them and never more."""
    if subjects.dtype != pl.String:
        raise DatasetMalformed("The column subject holds texts.")
    encoded = pc.dictionary_encode(subjects.rechunk().to_arrow())
    texts = [text.encode() for text in encoded.dictionary.to_pylist()]
    if any(len(text) > _SUBJECT_BYTES for text in texts):
        raise DatasetMalformed(f"A subject has at most {_SUBJECT_BYTES} bytes.")
    # A fixed width: were it that of the longest subject, one person's id would change everybody's words.
    table = np.array(texts or [b""], dtype=f"S{_SUBJECT_BYTES}").view("<u8").reshape(-1, _SUBJECT_BYTES // 8)
    words = siphash(derive(secret, "subject", length=16), [np.ascontiguousarray(column) for column in table.T])
    places: npt.NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False)
    return words[places]


def _positions(column: pl.Series, name: str, keys: Sequence[Key]) -> Integers:
    wanted = pa.array(keys)
    if pa.types.is_integer(wanted.type) != column.dtype.is_integer() or not (
        column.dtype.is_integer() or column.dtype == pl.String
    ):
        raise DatasetMalformed(f"The group column {name} does not hold the type of its keys.")
    values = (column.cast(pl.Int64) if column.dtype.is_integer() else column).to_arrow()
    places = pc.fill_null(pc.index_in(values, value_set=wanted.cast(values.type)), UNKNOWN)
    return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)


def _clipped(column: pl.Series, name: str, bounds: Bounds) -> Integers:
    if not column.dtype.is_integer():
        raise DatasetMalformed(f"The measure {name} does not hold integers; money is in cents.")
    # An unsigned 64-bit value may not fit a signed one before it is clipped.
    wide = column.cast(pl.Int128 if column.dtype == pl.UInt64 else pl.Int64)
    return np.array(wide.clip(bounds.low, bounds.high).cast(pl.Int64).fill_null(ABSENT).to_numpy(), dtype=np.int64)


def _numbered(sorted_words: Words) -> tuple[Words, npt.NDArray[np.int32]]:
    """The distinct words in order, and for each row the number of its word."""
    if sorted_words.shape[0] == 0:
        return sorted_words, np.empty(0, dtype=np.int32)
    starts = np.concatenate(([True], sorted_words[1:] != sorted_words[:-1]))
    return sorted_words[starts], np.cumsum(starts, dtype=np.int32) - np.int32(1)


def _fingerprint(schema: Schema, ordered: pl.DataFrame, secret: bytes) -> str:
    tag = hashlib.blake2b(key=derive(secret, "fingerprint"), digest_size=32)
    tag.update(repr((schema.dataset, sorted(schema.groups.items()), sorted(schema.measures.items()))).encode())
    for name in ordered.columns:
        tag.update(name.encode())
        tag.update(np.ascontiguousarray(ordered[name].to_numpy()).tobytes())
    return tag.hexdigest()
