"""Values that a person may glance at: masked characters, or nothing but a placeholder.

Masking hides, it does not pseudonymise: what is left can still single somebody out, and equal values look equal.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms.columns import per_distinct, plain, text_of
from pseudonymize.transforms.errors import ParameterInvalid

REDACTED = "<REDACTED>"


def mask(
    column: Any, *, keep_first: int = 0, keep_last: int = 0, character: str = "*", length: int | None = None
) -> pa.Array:
    """Every character but the first and last few replaced; text of the same length, or with ``length`` mask characters.

    A value no longer than what would be kept is masked whole: it would not be masked otherwise. Nulls stay null. A fixed
    ``length`` also hides how long the value was. Raises ParameterInvalid, ColumnTypeUnsupported.
    """
    if keep_first < 0 or keep_last < 0 or len(character) != 1 or (length is not None and length < 1):
        raise ParameterInvalid("a mask keeps no fewer than zero characters and replaces by one character")

    def work(array: pa.Array) -> pa.Array:
        text = text_of(array)
        size = pc.utf8_length(text).cast(pa.int64())
        kept = keep_first + keep_last
        whole = pc.less_equal(size, kept)
        hidden = pc.if_else(whole, size, pc.subtract(size, kept))
        if length is not None:
            hidden = pc.if_else(pc.is_valid(size), pa.scalar(length, pa.int64()), pa.scalar(None, pa.int64()))
        middle = pc.binary_repeat(pa.scalar(character, text.type), hidden)
        nothing = pa.scalar("", text.type)
        head = pc.if_else(whole, nothing, pc.utf8_slice_codeunits(text, 0, keep_first)) if keep_first else nothing
        tail = pc.if_else(whole, nothing, pc.utf8_slice_codeunits(text, -keep_last)) if keep_last else nothing
        return pc.binary_join_element_wise(head, middle, tail, nothing)

    return per_distinct(column, work, pa.string())


def mask_email(column: Any, *, character: str = "*") -> pa.Array:
    """The first character and the domain of an address: a***@example.org, always three mask characters.

    What has no single @ is masked whole. Nulls stay null. Raises ParameterInvalid, ColumnTypeUnsupported.
    """
    if len(character) != 1:
        raise ParameterInvalid("a mask replaces by one character")

    def work(array: pa.Array) -> pa.Array:
        text = text_of(array)
        shown = pc.replace_substring_regex(
            text, pattern=r"^([^@])[^@]*@([^@]+)$", replacement=rf"\1{_escaped(character * 3)}@\2"
        )
        is_address = pc.match_substring_regex(text, r"^[^@]+@[^@]+$")
        return pc.if_else(is_address, shown, pa.scalar(character * 3, text.type))

    return per_distinct(column, work, pa.string())


def _escaped(replacement: str) -> str:
    return replacement.replace("\\", "\\\\")


def redact(column: Any, placeholder: str = REDACTED) -> pa.Array:
    """Every value replaced by one placeholder, of any column type; nulls stay null."""
    present = pc.is_valid(plain(column))
    return pc.if_else(present, pa.scalar(placeholder), pa.scalar(None, pa.string()))
