"""What happened to a sequence of hashes: the first place where it is not what it should be, and what was done there. Pure.

``expected`` are the leaf hashes that evidence speaks for, ``found`` those of the rows that are there; None where nothing is known or
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What was done to an entry, or to what surrounds it."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first bad place and what happened there."""

    seq: int
    harm: Harm


def first_difference(expected: Sequence[bytes | None], found: Sequence[bytes | None], signed: int) -> Difference | None:
    """The first place where the two part; None when they agree all along and have no holes.

    ``signed`` is how many entries there should be: it tells a missing one from a strange one where nothing else does.
    """
    for seq in range(max(len(expected), len(found))):
        should = expected[seq] if seq < len(expected) else None
        there = found[seq] if seq < len(found) else None
        if there is None or there != should:
            return Difference(seq, _harm(should, there, expected, found, signed))
    return None


def _harm(
    should: bytes | None,
    there: bytes | None,
    expected: Sequence[bytes | None],
    found: Sequence[bytes | None],
    signed: int,
) -> Harm:
    elsewhere = should is not None and should in set(found)
    belongs = there is not None and there in set(expected)
    if there is None:
        return Harm.MOVED if elsewhere else Harm.REMOVED
    if should is None:
        present = sum(hash_ is not None for hash_ in found)
        if belongs:
            return Harm.REMOVED if present < signed else Harm.MOVED
        return Harm.ADDED if present > signed else Harm.CHANGED
    if elsewhere:
        return Harm.MOVED if belongs else Harm.ADDED
    return Harm.REMOVED if belongs else Harm.CHANGED
