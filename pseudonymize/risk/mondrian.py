"""Generalising until nobody stands out: Mondrian (LeFevre et al. 2006), all partitions of a level at once.

A partition of rows is split at the median of its relatively widest quasi-identifier, as long as both halves keep k rows (and l values
of each sensitive column). Where no column can be split, the partition stays and its rows get its ranges. What that costs is reported:
NCP, the average relative width of what is left of a value (Xu et al. 2006), and discernibility, the sum of squared group sizes, in
which a suppressed row counts as much as the table (Bayardo and Agrawal 2005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.risk.groups import Codes, Groups, Ints, cells, column, encode, encode_ordered
from pseudonymize.risk.measures import distinct_values

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False, slots=True)
class _Task:
    """What is split, and what every part must keep: `k` rows, and so many values of each sensitive column."""

    quasi: Sequence[Codes]
    sensitive: Sequence[tuple[Codes, int]]
    k: int


@dataclass(frozen=True, slots=True)
class Anonymised:
    """The table with ranges for quasi-identifiers, which rows were left out, and what it cost."""

    table: pa.Table
    kept: Flags
    groups: int
    smallest: int
    ncp: float
    discernibility: int


def anonymise(table: Any, quasi: Sequence[str], *, k: int, diversity: Mapping[str, int] | None = None) -> Anonymised:
    """A table in which every group of `quasi` has k rows and, by column, so many values of each sensitive one.

    Quasi-identifiers become text: a value where a group has one, else `least..greatest`; nulls come before everything. When the whole
    table is too small or too uniform, every row is left out. Raises KeyError, ValueError for k < 1.
    """
    if k < 1:
        raise ValueError("k is at least 1")
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    ordered = [encode_ordered(column(arrow, name)) for name in quasi]
    sensitive = [(encode(column(arrow, name)), least) for name, least in (diversity or {}).items()]
    task = _Task(ordered, sensitive, k)
    groups = _partition(task, len(arrow))
    good = _satisfied(groups, task)
    if len(arrow) and not good.all():  # only ever the whole table
        groups = Groups(groups.of[:0], groups.sizes[:0])
        kept = np.zeros(len(arrow), dtype=np.bool_)
    else:
        kept = np.ones(len(arrow), dtype=np.bool_)
    done, ncp = arrow.filter(pa.array(kept)), 0.0
    for name, codes in zip(quasi, ordered, strict=True):
        labels, width = _ranges(column(arrow, name), codes, groups, kept)
        done = done.set_column(done.column_names.index(name), name, labels)
        ncp += width / len(quasi)
    left_out = int((~kept).sum())
    return Anonymised(
        table=done,
        kept=kept,
        groups=len(groups.sizes),
        smallest=groups.smallest,
        ncp=1.0 if left_out and left_out == len(arrow) else ncp,
        discernibility=int((groups.sizes**2).sum()) + left_out * len(arrow),
    )


def _partition(task: _Task, rows: int) -> Groups:
    of, sizes = np.zeros(rows, dtype=np.int64), np.array([rows] if rows else [], dtype=np.int64)
    open_ = sizes >= 2 * task.k
    while open_.any():
        of, sizes, open_ = _split_level(of, sizes, open_, task)
    return Groups(of, sizes)


def _split_level(of: Ints, sizes: Ints, open_: Flags, task: _Task) -> tuple[Ints, Ints, Flags]:
    """Split every open partition once, by the first of its columns, widest first, that allows it; close those that none allows."""
    rows = np.flatnonzero(open_[of])
    widths = np.stack([_widths(codes, of, rows, len(sizes)) / max(1, codes.size - 1) for codes in task.quasi])
    preference = np.argsort(-widths, axis=0, kind="stable")
    waiting, upper = open_.copy(), np.zeros(len(of), dtype=np.bool_)
    split = np.zeros(len(sizes), dtype=np.bool_)
    for choice in preference:
        waiting &= widths[choice, np.arange(len(sizes))] > 0
        if not waiting.any():
            break
        tried = np.flatnonzero(waiting[of])
        halves = _halves(task.quasi, choice, of, tried)
        allowed = waiting & _both_allowed(of[tried], halves, tried, len(sizes), task)
        mine = allowed[of[tried]]
        upper[tried[mine]] = halves[mine]
        split |= allowed
        waiting &= ~allowed
    number = np.cumsum(split) - 1 + len(sizes)
    of = np.where(upper & split[of], number[of], of)
    sizes = np.bincount(of, minlength=len(sizes) + int(split.sum()))
    still = np.r_[open_ & split, np.ones(int(split.sum()), dtype=np.bool_)]
    return of, sizes, still & (sizes >= 2 * task.k)


def _widths(codes: Codes, of: Ints, rows: Ints, partitions: int) -> Ints:
    low = np.full(partitions, codes.size, dtype=np.int64)
    high = np.zeros(partitions, dtype=np.int64)
    np.minimum.at(low, of[rows], codes.of[rows])
    np.maximum.at(high, of[rows], codes.of[rows])
    widths: Ints = np.maximum(high - low, 0)
    return widths


def _halves(quasi: Sequence[Codes], choice: Ints, of: Ints, rows: Ints) -> Flags:
    """Which of the rows lie above the median of their partition's chosen column."""
    value = np.empty(len(rows), dtype=np.int64)
    chosen = choice[of[rows]]
    for number, codes in enumerate(quasi):
        mine = chosen == number
        value[mine] = codes.of[rows[mine]]
    # One integer to sort by: partition, then value.
    order = np.argsort(of[rows] * (int(value.max()) + 1) + value, kind="stable")
    sorted_of = of[rows][order]
    starts = np.flatnonzero(np.r_[True, sorted_of[1:] != sorted_of[:-1]])
    sizes = np.diff(np.r_[starts, len(sorted_of)])
    low, high = value[order[starts]], value[order[starts + sizes - 1]]
    # The greatest value never is the cut: the upper half would be empty.
    cut = np.minimum(value[order[starts + (sizes - 1) // 2]], high - 1)
    cut = np.maximum(cut, low)
    by_partition = np.zeros(int(of.max()) + 1, dtype=np.int64)
    by_partition[sorted_of[starts]] = cut
    upper: Flags = value > by_partition[of[rows]]
    return upper


def _both_allowed(of: Ints, upper: Flags, rows: Ints, partitions: int, task: _Task) -> Flags:
    half = of * 2 + upper
    sizes = np.bincount(half, minlength=2 * partitions)
    good = np.asarray(sizes >= task.k, dtype=np.bool_)
    for codes, least in task.sensitive:
        pairs = np.unique(half * codes.size + codes.of[rows])
        diverse = np.bincount(pairs // codes.size, minlength=2 * partitions) >= least
        good = np.asarray(good & diverse, dtype=np.bool_)
    return np.asarray(good.reshape(-1, 2).all(axis=1), dtype=np.bool_)


def _satisfied(groups: Groups, task: _Task) -> Flags:
    good: Flags = groups.sizes >= task.k
    for codes, least in task.sensitive:
        good = np.logical_and(good, distinct_values(groups, cells(groups, codes)) >= least)
    return good


def _ranges(values: pa.Array, codes: Codes, groups: Groups, kept: Flags) -> tuple[pa.Array, float]:
    """The ranges of a column by row, and their average width as a share of the whole."""
    if not len(groups.sizes):
        return pa.nulls(int(kept.sum()), pa.string()), 0.0
    low = np.full(len(groups.sizes), codes.size, dtype=np.int64)
    high = np.zeros(len(groups.sizes), dtype=np.int64)
    np.minimum.at(low, groups.of, codes.of)
    np.maximum.at(high, groups.of, codes.of)
    place = np.zeros(codes.size, dtype=np.int64)
    place[codes.of] = np.arange(len(codes.of))
    text = pc.fill_null(values.take(pa.array(place)).cast(pa.string()), "null")
    least, greatest = text.take(pa.array(low)), text.take(pa.array(high))
    label = pc.if_else(pa.array(low == high), least, pc.binary_join_element_wise(least, greatest, ".."))
    width = (high - low) / max(1, codes.size - 1)
    return label.take(pa.array(groups.of)), float((width * groups.sizes).sum() / groups.rows)
