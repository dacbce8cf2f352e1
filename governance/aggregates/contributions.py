"""What each person contributes to an answer, bounded; and how far one person can move it.

A person keeps the rows (or groups) of lowest rank, where the rank is a keyed hash of the person and the row's number
among that person's own rows: a random choice that is the same whenever it is made, that nobody without the secret can
steer, and that does not depend on anybody else. Pure: no database, no noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from governance.aggregates.preparation import ABSENT, UNKNOWN, Column, Flags, Integers, Prepared
from governance.aggregates.queries import CanonicalQuery, Measure, Selection
from governance.aggregates.siphash import siphash
from governance.kernel.crypto import derive

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far an answer can move when one person is added or removed: the sum of the absolute changes over its
    groups, and the square of their Euclidean length. Whole numbers, so exact."""

    l1: int
    l2_squared: int

    @property
    def l2(self) -> float:
        """The Euclidean length, rounded up."""
        root = math.isqrt(self.l2_squared)
        return float(root) if root * root == self.l2_squared else math.nextafter(math.sqrt(self.l2_squared), math.inf)


class Part(StrEnum):
    """What an answer is made of: a count alone, a total alone, or both for a mean."""

    COUNT = "count"
    TOTAL = "total"


Tally: TypeAlias = "dict[Part, Integers]"
"""Exact figures by group, in the order of the query's keys; they never leave the process without noise. A total is
the sum of the measure, for a mean of its distance from the centre of the bounds."""


@dataclass(slots=True)
class Bounded:
    """A prepared dataset with the secret of its version: `prepared` comes out with each person's rows in order of rank,
    numbered 0, 1, ... in `number`."""

    prepared: Prepared
    secret: bytes
    number: Column = field(init=False)
    _orders: dict[str, Places] = field(default_factory=dict)

    def __post_init__(self) -> None:
        person, words = self.prepared.person, self.prepared.words
        rank = siphash(derive(self.secret, "rows", length=16), [words[person], _numbers(person).astype(np.uint64)])
        # Equal ranks keep the order that they have, which is the canonical one of the person's rows.
        self.prepared = self.prepared.reordered(np.lexsort((rank, person)))
        self.number = _numbers(self.prepared.person)

    def by_group(self, column: str) -> Places:
        """All rows, person by person, each person's groups in order of rank, and the rows of one group together."""
        if column not in self._orders:
            person, group = self.prepared.person, self.prepared.groups[column]
            words = [self.prepared.words[person], group.astype(np.uint64)]
            rank = siphash(derive(self.secret, "groups", column, length=16), words)
            # By group after rank: were two groups of equal rank mixed, their rows would look like more than two pairs.
            self._orders[column] = np.lexsort((group, rank, person))
        return self._orders[column]


def sensitivities(query: CanonicalQuery) -> dict[Part, Sensitivity]:
    """How far one person moves each part of an answer.

    Adding or removing one person changes at most `cap` kept rows, which may all be in one group, so the two norms of
    a count are both `cap`; a person counts once in each of at most `cap` groups, so for people the squared length is
    `cap`.
    """
    cap = query.cap
    rows = Sensitivity(cap, cap * cap)
    match query.measure:
        case Measure.COUNT:
            return {Part.COUNT: rows}
        case Measure.COUNT_PEOPLE:
            return {Part.COUNT: Sensitivity(cap, cap)}
        case Measure.SUM:
            return {Part.TOTAL: _of_totals(cap, query.range.largest)}
        case Measure.MEAN:
            return {Part.COUNT: rows, Part.TOTAL: _of_totals(cap, query.range.reach)}


def _of_totals(cap: int, value: int) -> Sensitivity:
    return Sensitivity(cap * value, (cap * value) ** 2)


def tally(bounded: Bounded, query: CanonicalQuery) -> Tally:
    """The exact bounded answer. Every group of the query has a figure, zero where there is nobody."""
    if query.measure is Measure.COUNT_PEOPLE:
        return {Part.COUNT: _people(bounded, query)}
    kept = _kept_rows(bounded, query)
    groups = _group(bounded.prepared, query)
    place = groups[kept] if groups is not None else np.zeros(kept.shape[0], dtype=np.int32)
    size = len(query.keys)
    counts = np.bincount(place, minlength=size).astype(np.int64)
    if query.measure is Measure.COUNT or query.column is None:
        return {Part.COUNT: counts}
    values = bounded.prepared.measures[query.column][kept].astype(np.int64)
    totals = np.zeros(size, dtype=np.int64)
    if query.measure is Measure.SUM:
        np.add.at(totals, place, values)
        return {Part.TOTAL: totals}
    np.add.at(totals, place, values - query.range.centre)
    return {Part.COUNT: counts, Part.TOTAL: totals}


def _kept_rows(bounded: Bounded, query: CanonicalQuery) -> Places:
    """Of the rows that a question is about, the first `cap` of each person."""
    selected = _selected(bounded.prepared, query)
    if selected.all():
        return np.flatnonzero(bounded.number < query.cap)
    places = np.flatnonzero(selected)
    return places[_numbers(bounded.prepared.person[places]) < query.cap]


def _people(bounded: Bounded, query: CanonicalQuery) -> Integers:
    selected = _selected(bounded.prepared, query)
    groups = _group(bounded.prepared, query)
    if groups is None or query.group_by is None:
        people = np.unique(bounded.prepared.person[selected]).shape[0]
        return np.array([people], dtype=np.int64)
    order = bounded.by_group(query.group_by)
    kept = order[selected[order]]
    person, place = bounded.prepared.person[kept], groups[kept]
    # The rows of one person and group stand together: the first of them stands for the pair.
    first = np.ones(kept.shape[0], dtype=np.bool_)
    first[1:] = (person[1:] != person[:-1]) | (place[1:] != place[:-1])
    person, place = person[first], place[first]
    return np.bincount(place[_numbers(person) < query.cap], minlength=len(query.keys)).astype(np.int64)


def _group(prepared: Prepared, query: CanonicalQuery) -> Column | None:
    return prepared.groups[query.group_by] if query.group_by is not None else None


def _selected(prepared: Prepared, query: CanonicalQuery) -> Flags:
    """The rows that a question is about: those that its filters keep, that have a public key and that have the
    measure."""
    selected = np.ones(prepared.rows, dtype=np.bool_)
    for selection in query.selections:
        selected &= _kept(prepared, selection)
    if query.group_by is not None:
        selected &= prepared.groups[query.group_by] != UNKNOWN
    if query.column is not None:
        selected &= prepared.measures[query.column] != ABSENT
    return selected


def _kept(prepared: Prepared, selection: Selection) -> Flags:
    if selection.low is not None and selection.high is not None:
        values = prepared.measures[selection.column]
        return (values >= selection.low) & (values <= selection.high)
    places = prepared.groups[selection.column]
    keys = prepared.schema.groups[selection.column] or ()
    # One place more than there are keys, for rows whose key is UNKNOWN: -1 reads the last entry, which stays False.
    wanted = np.zeros(len(keys) + 1, dtype=np.bool_)
    wanted[list(selection.keys)] = True
    return wanted[places]


def _numbers(person: Column) -> Column:
    """For each row its number among those of its person; equal people stand together."""
    places = np.arange(person.shape[0], dtype=np.int32)
    first = np.ones(person.shape[0], dtype=np.bool_)
    first[1:] = person[1:] != person[:-1]
    return places - np.maximum.accumulate(np.where(first, places, np.int32(0)))
