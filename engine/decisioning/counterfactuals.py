"""The nearest change that would have changed a result: one feature that the person can change, moved as few bins as possible.

Searched on the model's tables for all people at once, and each finding verified by scoring and deciding again: "no change within your
control" is an allowed answer (CJEU C-203/22 asks how far a different value would have led to a different result).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.decisioning.arbitration import Choices, Flags, Floats, Lines
from engine.learning.tables import Scored, ScoringTables, bin_of

NO_CHANGE = -1
_ROWS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """For each person the number of the term whose feature to change (NO_CHANGE: none) and the bin it would have to be in."""

    terms: NDArray[np.int16]
    bins: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Found:
    distance: Floats
    feature: Choices
    term: Choices
    bin: Choices
    value: Floats


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
) -> Counterfactuals:
    """Search for the `searched` people. `rows` are the features (n x k); `decide` gives the choices by value for changed rows of the
    people at these places."""
    terms = np.full(len(rows), NO_CHANGE, dtype=np.int16)
    bins = np.zeros(len(rows), dtype=np.uint16)
    low, high = unchanged_between(lines, chosen)
    where = np.flatnonzero(searched)
    for start in range(0, len(where), _ROWS_AT_ONCE):
        part = where[start : start + _ROWS_AT_ONCE]
        found = _search(tables, rows[part], scored.raw[part], (low[part], high[part]), changeable)
        hit = np.flatnonzero(np.isfinite(found.distance))
        if not len(hit):
            continue
        changed = rows[part[hit]].copy()
        changed[np.arange(len(hit)), found.feature[hit]] = found.value[hit]
        verified = hit[decide(changed, part[hit]) != chosen[part[hit]]]
        terms[part[verified]] = found.term[verified]
        bins[part[verified]] = found.bin[verified]
    return Counterfactuals(terms, bins)


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


def _search(
    tables: ScoringTables, rows: Floats, raw: Floats, between: tuple[Floats, Floats], changeable: Sequence[str]
) -> _Found:
    count = len(rows)
    none = np.zeros(count, dtype=np.int64)
    best = _Found(np.full(count, np.inf), none, none.copy(), none.copy(), np.zeros(count))
    raw_low, raw_high = (_log_odds(end) for end in between)
    for number, name in enumerate(tables.feature_names):
        main = next((place for place, term in enumerate(tables.terms) if term.features == (number,)), None)
        if main is None or name not in changeable or not len(tables.terms[main].cuts[0]):
            continue
        cuts = tables.terms[main].cuts[0]
        now = bin_of(rows[:, number], cuts)
        # Only whom this feature can move that far, and who has not found a change of one bin already.
        least, most = _reach(tables, rows, number)
        open_ = (raw + least < raw_low) | (raw + most > raw_high)
        worth = np.flatnonzero(open_ & (now > 0) & (best.distance > 1 / len(cuts)))
        if not len(worth):
            continue
        for upwards, values in ((True, _lower_edges(cuts)), (False, _upper_edges(cuts))):
            shifted = raw[worth, None] + _differences(tables, rows[worth], number, values)
            places = bin_of(values, cuts)
            flips = (shifted < raw_low[worth, None]) | (shifted > raw_high[worth, None])
            steps = places[None, :] - now[worth, None] if upwards else now[worth, None] - places[None, :]
            far = np.where(flips & (steps > 0), steps, np.inf) / len(cuts)
            pick = far.argmin(axis=1)
            distance = far[np.arange(len(worth)), pick]
            nearer = np.flatnonzero(distance < best.distance[worth])
            who, what = worth[nearer], pick[nearer]
            best.distance[who] = distance[nearer]
            best.feature[who], best.term[who] = number, main
            best.bin[who], best.value[who] = places[what], values[what]
    return best


def _differences(tables: ScoringTables, rows: Floats, number: int, values: Floats) -> Floats:
    """How the log-odds of each row change when feature `number` takes each of the values: n x values, over its table and its pairs."""
    total = np.zeros((len(rows), len(values)))
    for term in tables.terms:
        if number not in term.features:
            continue
        axis = term.features.index(number)
        there, here = bin_of(values, term.cuts[axis]), bin_of(rows[:, number], term.cuts[axis])
        if len(term.features) == 1:
            total += term.values[there][None, :] - term.values[here][:, None]
            continue
        other = bin_of(rows[:, term.features[1 - axis]], term.cuts[1 - axis])
        table = term.values if axis == 0 else term.values.T
        total += table[there[None, :], other[:, None]] - table[here, other][:, None]
    return total


def _reach(tables: ScoringTables, rows: Floats, number: int) -> tuple[Floats, Floats]:
    """How far at least and at most the log-odds of each row can move when feature `number` takes another value: bounds, per row."""
    least, most = np.zeros(len(rows)), np.zeros(len(rows))
    for term in tables.terms:
        if number not in term.features:
            continue
        axis = term.features.index(number)
        places = tuple(bin_of(rows[:, one], cuts) for one, cuts in zip(term.features, term.cuts, strict=True))
        here, others = term.values[places], places[:axis] + places[axis + 1 :]
        least += term.values.min(axis=axis)[others] - here
        most += term.values.max(axis=axis)[others] - here
    return least, most


def _lower_edges(cuts: Floats) -> Floats:
    """The least value of each bin above the first."""
    return cuts


def _upper_edges(cuts: Floats) -> Floats:
    """The greatest value of each bin below the last."""
    edges: Floats = np.nextafter(cuts, -np.inf)
    return edges


def _log_odds(probability: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        odds: Floats = np.log(probability) - np.log1p(-probability)
    return odds
