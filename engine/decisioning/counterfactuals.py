"""The nearest change that would have changed what was chosen: the search is the model's, when a choice changes is the offers'."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.decisioning.arbitration import Choices, Flags, Floats, Lines
from engine.learning import counterfactuals
from engine.learning.counterfactuals import NO_CHANGE, Changes
from engine.learning.tables import Scored, ScoringTables

__all__ = ["NO_CHANGE", "Changes", "nearest", "unchanged_between"]


def nearest(
    tables: ScoringTables,
    rows: Floats,
    scored: Scored,
    lines: Lines,
    chosen: Choices,
    *,
    changeable: Sequence[str],
    searched: Flags,
    decide: Callable[[Floats, NDArray[np.intp]], Choices],
) -> Changes:
    """Search for the `searched` people. `rows` are the features (n x k); `decide` gives the choices by value for changed rows of the
    people at these places: a finding counts when they differ."""
    low, high = unchanged_between(lines, chosen)
    return counterfactuals.nearest(
        tables,
        rows,
        scored.raw,
        (log_odds(low), log_odds(high)),
        changeable=changeable,
        searched=searched,
        verify=lambda changed, places: decide(changed, places) != chosen[places],
    )


def unchanged_between(lines: Lines, chosen: Choices) -> tuple[Floats, Floats]:
    """The range of p, both ends included, in which each person's choice by value stays what it is: values are straight lines in p."""
    count = len(chosen)
    offered = chosen >= 0
    place = np.where(offered, chosen, 0)
    rows = np.arange(count)
    # Nothing is a line too: always 0.
    gain = np.where(offered, lines.gain[rows, place], 0.0)
    cost = np.where(offered, lines.cost[place], 0.0)
    low, high = np.zeros(count), np.ones(count)
    rivals = [(lines.gain[:, one], lines.cost[one], lines.eligible[:, one]) for one in range(len(lines.cost))]
    for other_gain, other_cost, eligible in [*rivals, (np.zeros(count), 0.0, np.ones(count, dtype=np.bool_))]:
        slope, level = gain - other_gain, cost - other_cost
        # Ours is better where slope * p >= level.
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = level / slope
        low = np.where(eligible & (slope > 0), np.maximum(low, crossing), low)
        high = np.where(eligible & (slope < 0), np.minimum(high, crossing), high)
    return low, high


def log_odds(probability: Floats) -> Floats:
    """Infinite at and beyond the ends: a line that lies there is crossed by no chance at all."""
    bounded = np.clip(probability, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        odds: Floats = np.log(bounded) - np.log1p(-bounded)
    return odds
