"""A column that was worked: its values, and which rows could not be, each with a reason in a word and never a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms.columns import is_text, plain, repeats
from pseudonymize.transforms.errors import ColumnTypeUnsupported

Flags: TypeAlias = npt.NDArray[np.bool_]
_REPEATS_FROM = 65_536  # rows; below it, finding the distinct ones costs about as much as it saves

NO_CANONICAL_FORM = "no canonical form"
FOREIGN_TOKEN = "a token of another domain, epoch or kind"  # noqa: S105  words
TOKEN_AGAIN = "a token already"  # noqa: S105  words
TOO_SHORT = "too few digits to encrypt"
WRONG_CHECK = "a wrong check digit"
FOREIGN_CHARACTER = "a character that is no digit"
NO_PERSON = "nobody whose secret or shift it takes"
UNKNOWN_PERSON = "nobody in the vault"
NOT_A_DATE = "not a date"
NOT_AN_ADDRESS = "not an internet address"
NOT_IN_HIERARCHY = "not in the hierarchy"
NULL = "null"
UNKNOWN_LANGUAGE = "a language that cannot be searched"
NOT_EXAMINED = "not examined in time"


@dataclass(frozen=True, repr=False)
class Worked:
    """Values aligned with the rows, and rows that failed by reason."""

    values: pa.Array
    failures: tuple[tuple[str, Flags], ...] = field(default=())

    def with_failure(self, reason: str, rows: Flags) -> Worked:
        """The same with more rows that failed, when there are any."""
        return Worked(self.values, (*self.failures, (reason, rows))) if rows.any() else self


def flags(array: pa.Array) -> Flags:
    """An Arrow column of booleans for NumPy; null is false."""
    return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def present(values: pa.Array) -> Flags:
    """Which values are not null."""
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def per_distinct(values: pa.Array, work: Callable[[pa.Array], Worked]) -> Worked:
    """``work`` over a text column, once per distinct value where values repeat; ``values`` may be dictionary-encoded."""
    if not pa.types.is_dictionary(values.type):
        if len(values) < _REPEATS_FROM or not is_text(values.type) or not repeats(values):
            return work(values)
        values = values.dictionary_encode()
    elif len(values.dictionary) > len(values) or values.dictionary.null_count:
        return work(plain(values))
    done = work(values.dictionary)
    indices = values.indices
    if not done.failures:
        return Worked(done.values.take(indices))
    known = present(indices)
    places = np.where(known, indices.fill_null(0).to_numpy(zero_copy_only=False), 0)
    failures = tuple((reason, rows[places] & known) for reason, rows in done.failures)
    # A value that no row uses any more fails nothing.
    return Worked(done.values.take(indices), tuple((reason, rows) for reason, rows in failures if rows.any()))


def text_of(values: pa.Array) -> pa.Array:
    """Text as it is; whole numbers and dates in their one written form. Anything else has several and is refused."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        if is_text(kind.value_type):
            return values
        return text_of(plain(values))
    if is_text(kind):
        return plain_text(values)
    if pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    raise ColumnTypeUnsupported(f"not text: {kind}")


def plain_text(values: pa.Array) -> pa.Array:
    """Text without a dictionary or a view layout."""
    values = plain(values)
    return values.cast(pa.large_string()) if pa.types.is_string_view(values.type) else values


def without(values: pa.Array, rows: Flags) -> pa.Array:
    """The values with these rows null."""
    return pc.if_else(pa.array(rows), pa.scalar(None, values.type), values) if rows.any() else values
