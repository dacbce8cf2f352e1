"""How the cost of a piece of work grows with its input, whatever machine measures it.

A bound in seconds says something about the machine; a bound on growth says something about the code. Eight times the input may cost
eight times the work, and a little more; what is quadratic costs sixty-four times as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 8
"""How much larger the second input is."""

_ALLOWED = 3 * TIMES
_TRIES = 3
_NOTHING = 0.004  # seconds of processor time below which a measurement tells the clock, not the work


def grows_linearly(work: Callable[[int], object], size: int) -> bool:
    """Whether `work(TIMES * size)` costs at most three times its share of `work(size)`, in processor time.

    Both are tried anew, at most three times, and the least of each counts: what else runs on the machine can only add to a measurement.
    """
    small = large = float("inf")
    for _ in range(_TRIES):
        small, large = min(small, _cost(work, size)), min(large, _cost(work, TIMES * size))
        if large <= _ALLOWED * max(small, _NOTHING):
            return True
    return False


def _cost(work: Callable[[int], object], size: int) -> float:
    started = time.process_time()
    work(size)
    return time.process_time() - started
