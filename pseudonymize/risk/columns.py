"""What one column gives away, also when its values are tokens: equality and frequency stay, and a key that leaks opens small domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pseudonymize.risk.groups import column, encode

GUESSES_PER_SECOND = 5_000_000
"""Keyed tokens that one core makes in a second (docs/reference/benchmarks.md)."""


@dataclass(frozen=True, slots=True)
class ColumnStatement:
    """Of one column: distinct values, entropy and min-entropy in bits, what frequencies tell, what a leaked key costs.

    `most_frequent`: the share of the most frequent value, which is the chance of the best single guess. `frequency_unique`: the share of
    rows whose value can be told by how often it is there, by somebody who knows the true frequencies. `dictionary_seconds`: how long one
    core needs to make the tokens of every candidate value, once the key has leaked.
    """

    rows: int
    nulls: int
    distinct: int
    entropy: float
    min_entropy: float
    most_frequent: float
    frequency_unique: float
    candidates: int
    dictionary_seconds: float


def statement(table: Any, name: str, *, candidates: int | None = None) -> ColumnStatement:
    """The statement of one column; `candidates` is how many values there could be, the distinct ones when nothing is known.

    Nulls are counted and otherwise left out. Raises KeyError.
    """
    values = column(table, name)
    known = values.drop_null()
    if not len(known):
        return ColumnStatement(len(values), values.null_count, 0, 0.0, 0.0, 0.0, 0.0, candidates or 0, 0.0)
    codes = encode(known)
    counts = np.bincount(codes.of, minlength=codes.size)
    share = counts / counts.sum()
    occurrences = np.bincount(counts)
    alone = counts[occurrences[counts] == 1].sum()
    possible = candidates or codes.size
    return ColumnStatement(
        rows=len(values),
        nulls=values.null_count,
        distinct=codes.size,
        entropy=float(-(share * np.log2(share)).sum()) + 0.0,
        min_entropy=float(-np.log2(share.max())) + 0.0,
        most_frequent=float(share.max()),
        frequency_unique=float(alone / counts.sum()),
        candidates=possible,
        dictionary_seconds=possible / GUESSES_PER_SECOND,
    )
