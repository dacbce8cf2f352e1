"""The nearest change that would have changed a result: at most two features that the person can change, moved as few bins as possible.

Searched on the model's tables for all rows at once, and each finding verified by scoring again: "no change within your control" is an
allowed answer (CJEU C-203/22 asks how far a different value would have led to a different result).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.learning.tables import Floats, ScoringTables, bin_of

Flags = NDArray[np.bool_]
Choices = NDArray[np.int64]
Verify = Callable[[Floats, NDArray[np.intp]], Flags]

NO_CHANGE = -1
"""Searched, and no change within the person's control changes the result."""
NOT_SEARCHED = -2
MOST_CHANGES = 2
_ROWS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Changes:
    """For n rows up to two changes each: `terms` (n x 2) number the term of the feature to change, `bins` say where it would have to be.

    The first term is NO_CHANGE when there is none, NOT_SEARCHED when nobody looked; the second NO_CHANGE when one change is enough.
    """

    terms: NDArray[np.int16]
    bins: NDArray[np.uint16]

    @classmethod
    def none(cls, count: int) -> Changes:
        """Nothing searched yet."""
        terms = np.full((count, MOST_CHANGES), NO_CHANGE, dtype=np.int16)
        terms[:, 0] = NOT_SEARCHED
        return cls(terms, np.zeros((count, MOST_CHANGES), dtype=np.uint16))


@dataclass(frozen=True, slots=True)
class _Found:
    """The nearest change of one feature for each row; `distance` in shares of the feature's bins, infinite when there is none."""

    distance: Floats
    feature: Choices
    term: Choices
    bin: Choices
    value: Floats


def nearest(
    tables: ScoringTables,
    rows: Floats,
    raw: Floats,
    between: tuple[Floats, Floats],
    *,
    changeable: Sequence[str],
    searched: Flags | None = None,
    verify: Verify | None = None,
) -> Changes:
    """Search for a change that takes log-odds `raw` of the rows (n x k) out of the range `between` (low and high, both ends included).

    Only `changeable` features move, and a missing value stays missing. `verify` says for changed rows at these places whether the result
    really is another; without it they are scored again.
    """
    changes = Changes.none(len(rows))
    where = np.arange(len(rows)) if searched is None else np.flatnonzero(searched)
    low, high = between

    def by_score(changed: Floats, places: NDArray[np.intp]) -> Flags:
        again = tables.score(changed).raw
        return (again < low[places]) | (again > high[places])

    mains = _mains(tables, changeable)
    for start in range(0, len(where), _ROWS_AT_ONCE):
        part = where[start : start + _ROWS_AT_ONCE]
        changes.terms[part, 0] = NO_CHANGE
        _Search(tables, mains, rows[part], raw[part], (low[part], high[part])).into(changes, part, verify or by_score)
    return changes


@dataclass(frozen=True, slots=True)
class _Search:
    """One piece of rows: first one change, and where none is enough, two."""

    tables: ScoringTables
    mains: dict[int, int]
    rows: Floats
    raw: Floats
    between: tuple[Floats, Floats]

    def into(self, changes: Changes, part: NDArray[np.intp], verify: Verify) -> None:
        single = _nearest_of_one(self.tables, self.mains, self.rows, self.raw, self.between)
        hit = np.flatnonzero(np.isfinite(single.distance))
        verified = self._verified(hit, [_pick(single, hit)], part, verify)
        _note(changes, part[hit[verified]], 0, _pick(single, hit[verified]))
        left = np.setdiff1d(np.arange(len(part)), hit[verified], assume_unique=True)
        if len(self.mains) >= MOST_CHANGES:
            left = left[self._within_reach_of_two(left)]
            self._two(changes, left, part, verify)

    def _within_reach_of_two(self, left: NDArray[np.intp]) -> Flags:
        """Whom no two features can move far enough, whatever they do to one another, need not be searched."""
        rows, raw = self.rows[left], self.raw[left]
        bounds = [_reach(self.tables, rows, number) for number in self.mains]
        least, most = (np.sort(np.stack([bound[end] for bound in bounds], axis=1), axis=1) for end in (0, 1))
        # What a pair holds more for two at once than for each alone.
        slack = sum(
            float(np.ptp(term.values))
            for term in self.tables.terms
            if len(term.features) > 1 and all(one in self.mains for one in term.features)
        )
        lowest, highest = raw + least[:, :2].sum(axis=1) - slack, raw + most[:, -2:].sum(axis=1) + slack
        flags: Flags = (lowest < self.between[0][left]) | (highest > self.between[1][left])
        return flags

    def _two(self, changes: Changes, left: NDArray[np.intp], part: NDArray[np.intp], verify: Verify) -> None:
        """The two features that move a row farthest: one goes to its end, the other as far as it must, then the first comes back as far
        as the other allows. Upwards and downwards, either first: they may act on one another, which the search of each sees."""
        for upwards in (True, False):
            for order in ((0, 1), (1, 0)):
                if not len(left):
                    return
                features, ends = _farthest_two(self.tables, self.mains, self.rows[left], upwards=upwards)
                first, second = features[:, order[0]], features[:, order[1]]
                done = self._pair(changes, left, part, verify, (first, ends[:, order[0]], second))
                left = np.setdiff1d(left, done, assume_unique=True)

    def _pair(
        self,
        changes: Changes,
        left: NDArray[np.intp],
        part: NDArray[np.intp],
        verify: Verify,
        pair: tuple[Choices, Floats, Choices],
    ) -> NDArray[np.intp]:
        """Try this first and second feature for the rows that are left; returns those for which it did."""
        first, end, second = pair
        between = (self.between[0][left], self.between[1][left])
        pushed = _moved(self.rows[left], first, end)
        other = _nearest_of_one(self.tables, self.mains, pushed, self.tables.score(pushed).raw, between, only=second)
        reached = np.flatnonzero(np.isfinite(other.distance))
        left, first, other = left[reached], first[reached], _pick(other, reached)
        between = (between[0][reached], between[1][reached])
        eased = _moved(self.rows[left], other.feature, other.value)
        one = _nearest_of_one(self.tables, self.mains, eased, self.tables.score(eased).raw, between, only=first)
        both = np.flatnonzero(np.isfinite(one.distance))
        good = both[self._verified(left[both], [_pick(one, both), _pick(other, both)], part, verify)]
        _note(changes, part[left[good]], 0, _pick(one, good))
        _note(changes, part[left[good]], 1, _pick(other, good))
        return left[good]

    def _verified(
        self, places: NDArray[np.intp], found: Sequence[_Found], part: NDArray[np.intp], verify: Verify
    ) -> NDArray[np.intp]:
        if not len(places):
            return places
        changed = self.rows[places]
        for one in found:
            changed = _moved(changed, one.feature, one.value)
        return np.flatnonzero(verify(changed, part[places]))


def _mains(tables: ScoringTables, changeable: Sequence[str]) -> dict[int, int]:
    """The features that may change, each with the number of its own term; in the order of the model."""
    terms = {term.features[0]: number for number, term in enumerate(tables.terms) if len(term.features) == 1}
    return {
        number: terms[number]
        for number, name in enumerate(tables.feature_names)
        if name in changeable and number in terms and len(tables.terms[terms[number]].cuts[0])
    }


def _nearest_of_one(
    tables: ScoringTables,
    mains: dict[int, int],
    rows: Floats,
    raw: Floats,
    between: tuple[Floats, Floats],
    *,
    only: Choices | None = None,
) -> _Found:
    """The nearest single change of each row; with `only`, of that feature of each row."""
    count, (low, high) = len(rows), between
    none = np.zeros(count, dtype=np.int64)
    best = _Found(np.full(count, np.inf), none, none.copy(), none.copy(), np.zeros(count))
    for number, main in mains.items():
        cuts = tables.terms[main].cuts[0]
        now = bin_of(rows[:, number], cuts)
        # Only whom this feature can move that far, and who has not found a change of one bin already.
        least, most = _reach(tables, rows, number)
        open_ = ((raw + least < low) | (raw + most > high)) & (now > 0) & (best.distance > 1 / len(cuts))
        worth = np.flatnonzero(open_ if only is None else open_ & (only == number))
        if not len(worth):
            continue
        alone = sum(number in term.features for term in tables.terms) == 1
        search = _by_halving if alone else _by_trying
        for upwards, values in ((True, _lower_edges(cuts)), (False, _upper_edges(cuts))):
            part = _Part(rows[worth], now[worth], low[worth] - raw[worth], high[worth] - raw[worth])
            steps = search(tables, number, part, upwards=upwards)
            distance = steps / len(cuts)
            nearer = np.flatnonzero(distance < best.distance[worth])
            who = worth[nearer]
            places = now[who] + (1 if upwards else -1) * steps[nearer].astype(np.int64)
            best.distance[who] = distance[nearer]
            best.feature[who], best.term[who] = number, main
            # The values of bins 2.. upwards, of bins 1.. downwards.
            best.bin[who], best.value[who] = places, values[places - (2 if upwards else 1)]
    return best


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows, the bin that a feature has in them, and how far their score has to fall or rise to leave the range."""

    rows: Floats
    now: NDArray[np.intp]
    fall: Floats
    rise: Floats


def _by_trying(tables: ScoringTables, number: int, part: _Part, *, upwards: bool) -> Floats:
    """How many bins a feature has to move to leave the range, infinite when it cannot: every bin of every row, pairs counted."""
    cuts = tables.terms[_own_term(tables, number)].cuts[0]
    values = _lower_edges(cuts) if upwards else _upper_edges(cuts)
    moves, places = _differences(tables, part.rows, number, values), bin_of(values, cuts)
    flips = (moves < part.fall[:, None]) | (moves > part.rise[:, None])
    steps = places[None, :] - part.now[:, None] if upwards else part.now[:, None] - places[None, :]
    nearest_: Floats = np.where(flips & (steps > 0), steps, np.inf).min(axis=1)
    return nearest_


def _by_halving(tables: ScoringTables, number: int, part: _Part, *, upwards: bool) -> Floats:
    """As `_by_trying` for a feature without pairs: what it can reach within some steps only grows with them, so halving finds the first."""
    rises, falls = _envelopes(tables, number, upwards)
    width = rises.shape[1]
    base, steps, step = part.now * width, np.zeros(len(part.now), dtype=np.int64), width // 2
    up, down = rises.ravel(), falls.ravel()
    while step:
        at = base + steps + step
        steps += np.where((up[at] > part.rise) | (down[at] < part.fall), 0, step)
        step //= 2
    first = np.minimum(steps + 1, width - 1)
    found = (up[base + first] > part.rise) | (down[base + first] < part.fall)
    # Who is out of the range already has nowhere to go from the last bin.
    there = part.now + first if upwards else part.now - first
    return np.where(found & (there >= 1) & (there < len(rises)), first, np.inf)


@lru_cache(maxsize=512)
def _envelopes(tables: ScoringTables, number: int, upwards: bool) -> tuple[Floats, Floats]:
    """For each bin of a feature without pairs the most and the least that moving up to s bins changes the score: bins x steps, padded to
    a power of two."""
    values = tables.terms[_own_term(tables, number)].values.astype(np.float64)
    bins = len(values)
    width = 1 << (bins - 1).bit_length()
    rises, falls = np.zeros((bins, width)), np.zeros((bins, width))
    for place in range(1, bins):
        reached = values[place:] if upwards else values[place:0:-1]
        moved = reached - values[place]
        rises[place, : len(moved)], falls[place, : len(moved)] = (
            np.maximum.accumulate(moved),
            np.minimum.accumulate(moved),
        )
        rises[place, len(moved) :], falls[place, len(moved) :] = (
            rises[place, len(moved) - 1],
            falls[place, len(moved) - 1],
        )
    return rises, falls


def _own_term(tables: ScoringTables, number: int) -> int:
    return next(place for place, term in enumerate(tables.terms) if term.features == (number,))


def _farthest_two(
    tables: ScoringTables, mains: dict[int, int], rows: Floats, *, upwards: bool
) -> tuple[Choices, Floats]:
    """The two features that by themselves move each row farthest up (or down), and the values that do (n x 2 each)."""
    moves, ends = np.zeros((len(rows), len(mains))), np.zeros((len(rows), len(mains)))
    for place, (number, main) in enumerate(mains.items()):
        cuts = tables.terms[main].cuts[0]
        values = np.concatenate([_upper_edges(cuts)[:1], cuts])
        by = _differences(tables, rows, number, values) * (1.0 if upwards else -1.0)
        by[np.isnan(rows[:, number])] = -np.inf
        farthest = by.argmax(axis=1)
        moves[:, place], ends[:, place] = by[np.arange(len(rows)), farthest], values[farthest]
    pair = np.argsort(-moves, axis=1, kind="stable")[:, :MOST_CHANGES]
    return np.array(list(mains), dtype=np.int64)[pair], np.take_along_axis(ends, pair, axis=1)


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


def _moved(rows: Floats, features: Choices, values: Floats) -> Floats:
    changed = rows.copy()
    changed[np.arange(len(rows)), features] = values
    return changed


def _pick(found: _Found, which: NDArray[np.intp]) -> _Found:
    return _Found(found.distance[which], found.feature[which], found.term[which], found.bin[which], found.value[which])


def _note(changes: Changes, places: NDArray[np.intp], column: int, found: _Found) -> None:
    changes.terms[places, column] = found.term
    changes.bins[places, column] = found.bin


def _lower_edges(cuts: Floats) -> Floats:
    """The least value of each bin above the first."""
    return cuts


def _upper_edges(cuts: Floats) -> Floats:
    """The greatest value of each bin below the last."""
    edges: Floats = np.nextafter(cuts, -np.inf)
    return edges
