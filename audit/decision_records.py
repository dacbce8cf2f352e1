"""The bytes of a decision record: compact columns, packed for a whole batch at once and hashed one by one. Pure; no Django.

A record is a fixed part (numpy, little-endian, no padding) and a tail with the alternatives that lost:

    version 1 | id 16 | tag 32 | input sha256 32 | score f4 | draw f8 (NaN: none) | chosen u2 | counterfactual feature i2 (-1: none)
    | counterfactual bin u2 | contributions f4 * k | bins u2 * k || count u2 | (action u2, score f4, reason u2) * count

Names stand in the batch's header, canonical JSON that all its records share; the record refers to them by number.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

VERSION = 1
_ALTERNATIVE = struct.Struct("<HfH")
_COUNT = struct.Struct("<H")

Floats: TypeAlias = NDArray[np.float32]
Bins: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate that was not chosen, its score, and the code of the reason why it lost."""

    action: str
    score: float
    lost_because: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record read back. ``counterfactual`` is (feature, bin) of the nearest change that would have changed the result."""

    id: UUID
    tag: bytes
    input_sha256: bytes
    score: float
    random_draw: float | None
    chosen: str
    counterfactual: tuple[str, int] | None
    contributions: tuple[float, ...]
    bins: tuple[int, ...]
    alternatives: tuple[Alternative, ...]


class Names:
    """The table of names of a batch: each once, in order of first use."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.numbers = {name: number for number, name in enumerate(names)}

    def number(self, name: str) -> int:
        """The number of a name; a new one when it is new."""
        return self.numbers.setdefault(name, len(self.numbers))

    def listed(self) -> list[str]:
        """The names in order of their numbers."""
        return list(self.numbers)


def layout(features: int) -> np.dtype[np.void]:
    """The fixed part of a record with so many features."""
    return np.dtype(
        [
            ("version", "u1"),
            ("id", "V16"),
            ("tag", "V32"),
            ("input_sha256", "V32"),
            ("score", "<f4"),
            ("draw", "<f8"),
            ("chosen", "<u2"),
            ("counterfactual_feature", "<i2"),
            ("counterfactual_bin", "<u2"),
            ("contributions", "<f4", (features,)),
            ("bins", "<u2", (features,)),
        ]
    )


def pack(columns: Mapping[str, Any], tails: Sequence[bytes] | None) -> list[bytes]:
    """The records of a batch from its columns (by the names of ``layout``); ``tails`` per record, or None when all are shared."""
    count, features = columns["contributions"].shape
    table = np.zeros(count, dtype=layout(features))
    table["version"] = VERSION
    for name, column in columns.items():
        table[name] = np.frombuffer(column, dtype=table.dtype[name]) if isinstance(column, bytes) else column
    raw, width = table.tobytes(), table.dtype.itemsize
    if tails is None:
        empty = _COUNT.pack(0)
        return [raw[at : at + width] + empty for at in range(0, len(raw), width)]
    return [raw[at : at + width] + tail for at, tail in zip(range(0, len(raw), width), tails, strict=True)]


def pack_alternatives(alternatives: Sequence[Alternative], names: Names) -> bytes:
    """The tail of a record."""
    parts = [_COUNT.pack(len(alternatives))]
    number = names.number
    parts += [_ALTERNATIVE.pack(number(one.action), one.score, number(one.lost_because)) for one in alternatives]
    return b"".join(parts)


def unpack(record: bytes, header: str) -> Record:
    """Read a record with the header of its batch. Raises ``ValueError`` when it is not of this layout."""
    said = json.loads(header)
    features, names = said["features"], said["names"]
    fixed = layout(len(features))
    if len(record) < fixed.itemsize + _COUNT.size or record[0] != VERSION:
        raise ValueError("not a decision record of a known version")
    row = np.frombuffer(record[: fixed.itemsize], dtype=fixed)[0]
    tail = record[fixed.itemsize :]
    (count,) = _COUNT.unpack_from(tail)
    if len(tail) != _COUNT.size + count * _ALTERNATIVE.size:
        raise ValueError("the alternatives of the record are cut short")
    own = tuple(
        Alternative(names[action], score, names[reason])
        for action, score, reason in _ALTERNATIVE.iter_unpack(tail[_COUNT.size :])
    )
    shared = tuple(Alternative(*one) for one in said.get("alternatives", ()))
    changed = int(row["counterfactual_feature"])
    draw = float(row["draw"])
    return Record(
        id=UUID(bytes=bytes(row["id"])),
        tag=bytes(row["tag"]),
        input_sha256=bytes(row["input_sha256"]),
        score=float(row["score"]),
        random_draw=None if np.isnan(draw) else draw,
        chosen=names[int(row["chosen"])],
        counterfactual=(features[changed], int(row["counterfactual_bin"])) if changed >= 0 else None,
        contributions=tuple(float(value) for value in row["contributions"]),
        bins=tuple(int(value) for value in row["bins"]),
        alternatives=own or shared,
    )
