"""The bytes of a decision record: compact columns, packed for a whole batch at once and hashed one by one. Pure; no Django.

A record is a fixed part (numpy, little-endian, no padding) and a tail with the alternatives that lost:

    version 2 | id 16 | tag 32 | input sha256 32 | score f4 | draw f8 (NaN: none) | chosen u2 | counterfactual features i2 * 2
    | counterfactual bins u2 * 2 | contributions f4 * k | bins u2 * k || count u2 | (action u2, score f4, reason u2) * count

The first counterfactual feature is -1 when a search found no change within the person's control, -2 when nobody searched; the second is
-1 when one change is enough.

Names stand in the batch's header, canonical JSON that all its records share; the record refers to them by number.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

VERSION = 2
MOST_CHANGES = 2
NO_CHANGE = -1
NOT_SEARCHED = -2
_HEAD = struct.Struct("<B16s32s32sfdHhhHH")
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
class Change:
    """A feature and the bin that it would have had to be in for another result."""

    feature: str
    bin: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record read back. ``counterfactual`` is the nearest change that would have changed the result, of one feature or two together;
    empty when there is none within the person's control, None when nobody searched."""

    id: UUID
    tag: bytes
    input_sha256: bytes
    score: float
    random_draw: float | None
    chosen: str
    counterfactual: tuple[Change, ...] | None
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
            ("counterfactual_features", "<i2", (MOST_CHANGES,)),
            ("counterfactual_bins", "<u2", (MOST_CHANGES,)),
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
    features, names, shared = _shared(header)
    count = len(features)
    at = _HEAD.size
    if len(record) < at + 6 * count + _COUNT.size or record[0] != VERSION:
        raise ValueError("not a decision record of a known version")
    _, decision_id, tag, input_sha256, score, draw, chosen, *changes = _HEAD.unpack_from(record)
    contributions = np.frombuffer(record, "<f4", count, at)
    bins = np.frombuffer(record, "<u2", count, at + 4 * count)
    tail = record[at + 6 * count :]
    (alternatives,) = _COUNT.unpack_from(tail)
    if len(tail) != _COUNT.size + alternatives * _ALTERNATIVE.size:
        raise ValueError("the alternatives of the record are cut short")
    own = tuple(
        Alternative(names[action], lost, names[reason])
        for action, lost, reason in _ALTERNATIVE.iter_unpack(tail[_COUNT.size :])
    )
    return Record(
        id=UUID(bytes=decision_id),
        tag=tag,
        input_sha256=input_sha256,
        score=score,
        random_draw=None if math.isnan(draw) else draw,
        chosen=names[chosen],
        counterfactual=_changes(features, changes),
        contributions=tuple(contributions.tolist()),
        bins=tuple(bins.tolist()),
        alternatives=own or shared,
    )


def contributions_of(records: Sequence[bytes], features: int) -> Floats:
    """The contributions of many records of one batch, n x features, without reading the rest."""
    start, end = _HEAD.size, _HEAD.size + 4 * features
    cut = b"".join(record[start:end] for record in records)
    return np.frombuffer(cut, "<f4").reshape(len(records), features)


def features_of(header: str) -> list[str]:
    """The names of the features that a batch's records refer to."""
    return _shared(header)[0]


def _changes(features: Sequence[str], packed: Sequence[int]) -> tuple[Change, ...] | None:
    if packed[0] == NOT_SEARCHED:
        return None
    pairs = zip(packed[:MOST_CHANGES], packed[MOST_CHANGES:], strict=True)
    return tuple(Change(features[number], bin_) for number, bin_ in pairs if number >= 0)


@lru_cache(maxsize=32)
def _shared(header: str) -> tuple[list[str], list[str], tuple[Alternative, ...]]:
    """Features, names and shared alternatives of a batch."""
    said = json.loads(header)
    return said["features"], said["names"], tuple(Alternative(*one) for one in said.get("alternatives", ()))
