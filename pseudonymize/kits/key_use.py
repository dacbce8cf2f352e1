"""How many AES blocks a table costs each kind of key, counted safely: never fewer than there are. No Django."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.policies.policy import DateShift, DetectText, Fpe, Noise, Rule, Synthetic, TokenMac, TokenSiv
from pseudonymize.transforms.columns import is_bytes, is_text

_KINDS: Final[Mapping[type, str]] = {
    TokenMac: "mac",
    TokenSiv: "siv",
    Fpe: "ff1",
    Synthetic: "synthetic",
    DateShift: "date-shift",
    Noise: "noise",
}
_PASSES: Final = {"mac": 2, "siv": 2, "ff1": 10}
"""How often a value's blocks are worked: a shreddable MAC twice, SIV to authenticate and to encrypt, FF1 in ten rounds."""
_NUMBER_BYTES: Final = 24
"""A number or a date as text is not longer."""


def of_table(table: pa.Table, rules: Mapping[str, Rule]) -> dict[str, int]:
    """Blocks by kind of key (`limits.BLOCKS`) that working a table by these rules takes at most."""
    counted: Counter[str] = Counter()
    for name in table.column_names:
        rule = rules[name]
        if isinstance(rule, DetectText):
            size = _bytes(table[name])
            # A piece that is found has two characters at least.
            for nested in {type(each) for each in (*rule.each.values(), rule.otherwise)} & set(_KINDS):
                counted[_KINDS[nested]] += _blocks(_KINDS[nested], size // 2, size)
        elif (kind := _KINDS.get(type(rule))) is not None:
            # Dates and numbers are moved by a MAC of whose they are.
            persons = table[rule.key] if isinstance(rule, DateShift | Noise) else table[name]
            counted[kind] += _blocks(kind, len(table), _bytes(persons))
    return dict(counted)


def _blocks(kind: str, values: int, size: int) -> int:
    """Padding, and the block that constants take, included."""
    return _PASSES.get(kind, 1) * (size // 16 + 3 * values)


def _bytes(column: pa.ChunkedArray) -> int:
    """How many bytes the values are as text, each row with its own."""
    return sum(map(_chunk_bytes, column.chunks))


def _chunk_bytes(chunk: pa.Array) -> int:
    if pa.types.is_dictionary(chunk.type):
        if not is_text(chunk.type.value_type):
            return _NUMBER_BYTES * len(chunk)
        lengths = pc.binary_length(_known(chunk.dictionary))
        return int(pc.sum(lengths.take(chunk.indices).cast(pa.int64())).as_py() or 0)
    if is_text(chunk.type) or is_bytes(chunk.type):
        return int(pc.sum(pc.binary_length(_known(chunk)).cast(pa.int64())).as_py() or 0)
    return _NUMBER_BYTES * len(chunk)


def _known(array: pa.Array) -> pa.Array:
    """A layout whose lengths Arrow computes."""
    return array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array
