"""Measures of a table: k-anonymity, l-diversity, t-closeness, delta-presence, uniqueness.

k: every combination of quasi-identifiers is shared by at least k rows (Samarati and Sweeney 1998). l: in every such group a sensitive
column is diverse: it has l distinct values, an entropy of at least log l, or its most frequent value is rarer than c times all but the
l - 1 most frequent (Machanavajjhala et al. 2006). t: in every group the sensitive column is distributed as in the whole table, up to an
earth mover's distance of t (Li et al. 2007). delta: how sure somebody can be that a person of a population is in the table
(Nergiz et al. 2007). Null is a value like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pseudonymize.risk.groups import Cells, Codes, Groups, Ints, cells, column, combine, encode, encode_ordered, group

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Diversity:
    """The least diverse group: distinct values, 2 to the entropy (the effective number of values), and the least c for `recursive_l`.

    `recursive_c` is infinite when a group has fewer than `recursive_l` values.
    """

    distinct: int
    entropy: float
    recursive_c: float
    recursive_l: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Over all people of the population: the least and the greatest probability that they are in the table."""

    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """k, the number of groups, the share of rows that are alone, and each sensitive column's diversity."""

    k: int
    groups: int
    unique: float
    diversity: Mapping[str, Diversity]


def judge(table: Any, quasi: Sequence[str], sensitive: Sequence[str] = ()) -> Judgement:
    """k and l together: the groups are made once. Raises KeyError for a column that is not there."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    groups = group(arrow, quasi)
    return Judgement(
        k=groups.smallest,
        groups=len(groups.sizes),
        unique=float((groups.sizes == 1).sum() / max(1, groups.rows)),
        diversity={name: diversity_of(groups, encode(column(arrow, name))) for name in sensitive},
    )


def k_anonymity(table: Any, quasi: Sequence[str]) -> int:
    """The size of the smallest group; 0 for a table without rows. Raises KeyError for a column that is not there."""
    return group(table, quasi).smallest


def uniqueness(table: Any, quasi: Sequence[str]) -> float:
    """The share of rows that are alone with their combination; 0 without rows."""
    sizes = group(table, quasi).sizes
    return float((sizes == 1).sum() / sizes.sum()) if len(sizes) else 0.0


def l_diversity(table: Any, quasi: Sequence[str], sensitive: str, *, recursive_l: int = 2) -> Diversity:
    """The diversity of a sensitive column in the least diverse group. Raises KeyError."""
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    return diversity_of(group(arrow, quasi), encode(column(arrow, sensitive)), recursive_l=recursive_l)


def diversity_of(groups: Groups, codes: Codes, *, recursive_l: int = 2) -> Diversity:
    """`l_diversity` for groups and a column that are encoded already."""
    if not groups.rows:
        return Diversity(0, 0.0, 0.0, recursive_l)
    found = cells(groups, codes)
    return Diversity(
        distinct=int(distinct_values(groups, found).min()),
        entropy=float(np.exp(_entropies(groups, found).min())),
        recursive_c=float(_recursive(groups, found, recursive_l).max()),
        recursive_l=recursive_l,
    )


def distinct_values(groups: Groups, found: Cells) -> Ints:
    """How many values each group has."""
    counts: Ints = np.bincount(found.group, minlength=len(groups.sizes))
    return counts


def _entropies(groups: Groups, found: Cells) -> Floats:
    """In nats."""
    share = found.count / groups.sizes[found.group]
    sums = np.bincount(found.group, weights=-share * np.log(share), minlength=len(groups.sizes))
    return np.asarray(sums, dtype=np.float64)


def _recursive(groups: Groups, found: Cells, least: int) -> Floats:
    """For each group the c above which (c, l)-diversity holds: the most frequent value over all from the l-th on."""
    order = np.lexsort((-found.count, found.group))
    of, count = found.group[order], found.count[order]
    starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    rank = np.arange(len(of)) - np.repeat(starts, np.diff(np.r_[starts, len(of)]))
    tail = np.bincount(of, weights=np.where(rank >= least - 1, count, 0), minlength=len(groups.sizes))
    with np.errstate(divide="ignore"):
        return np.where(tail > 0, count[starts] / tail, np.inf)


def t_closeness(table: Any, quasi: Sequence[str], sensitive: str, *, ordered: bool | None = None) -> float:
    """The greatest distance of a group's distribution from the whole table's, 0 to 1.

    `ordered`: values have an order and neighbours are near (numbers, dates); otherwise all values are equally far from each other. By
    the column's type when it is None. Raises KeyError.
    """
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    values = column(arrow, sensitive)
    if ordered is None:
        ordered = _has_order(values.type)
    groups = group(arrow, quasi)
    if not groups.rows:
        return 0.0
    codes = encode_ordered(values) if ordered else encode(values)
    found = cells(groups, codes)
    whole = np.bincount(codes.of, minlength=codes.size) / groups.rows
    distances = _ordered_distance(groups, found, whole) if ordered else _equal_distance(groups, found, whole)
    return float(min(1.0, distances.max()))


def _has_order(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
    )


def _equal_distance(groups: Groups, found: Cells, whole: Floats) -> Floats:
    """Half of the sum of differences; what a group does not have at all differs by its whole share."""
    here = whole[found.value]
    differences = np.abs(found.count / groups.sizes[found.group] - here) - here
    moved = np.bincount(found.group, weights=differences, minlength=len(groups.sizes))
    return np.asarray(0.5 * (1.0 + moved), dtype=np.float64)


def _ordered_distance(groups: Groups, found: Cells, whole: Floats) -> Floats:
    """The sum of |P - Q| over all but the last value, divided by that number; P and Q cumulative, P of the group, Q of the table.

    Between two values that a group has, its P stands still while Q grows: each such stretch is one term, found where Q passes P.
    """
    values, number = found.values, len(groups.sizes)
    if values < 2:
        return np.zeros(number)
    q = np.cumsum(whole)
    sums = np.r_[0.0, np.cumsum(q)]
    first = np.flatnonzero(np.r_[True, found.group[1:] != found.group[:-1]])
    share = found.count / groups.sizes[found.group]
    running = np.cumsum(share)
    running -= np.repeat(np.r_[0.0, running[first[1:] - 1]], np.diff(np.r_[first, len(share)]))
    ends = np.r_[found.value[1:], values]
    ends[np.r_[first[1:] - 1, len(ends) - 1]] = values
    inside = _stretch(running, found.value, np.minimum(ends, values - 1), q, sums)
    total = np.bincount(found.group, weights=inside, minlength=number)
    head = np.minimum(found.value[first], values - 1)  # before its first value a group has nothing
    total[found.group[first]] += sums[head]
    distances: Floats = total / (values - 1)
    return distances


def _stretch(p: Floats, start: Ints, end: Ints, q: Floats, sums: Floats) -> Floats:
    """The sum of |p - q[i]| for start <= i < end, where q grows."""
    end = np.maximum(start, end)
    cross = np.clip(np.searchsorted(q, p, side="left"), start, end)
    below = p * (cross - start) - (sums[cross] - sums[start])
    above = (sums[end] - sums[cross]) - p * (end - cross)
    result: Floats = below + above
    return result


def delta_presence(table: Any, population: Any, quasi: Sequence[str]) -> Presence:
    """Of each combination in the population, what share is in the table: the bounds over everybody in the population.

    The table is taken to be a part of the population; a combination that the population lacks counts as certain. Raises KeyError.
    """
    inside, outside = (source if isinstance(source, pa.Table) else pa.table(source) for source in (table, population))
    columns = [encode(pa.chunked_array([_text(inside, n), _text(outside, n)]).combine_chunks()) for n in quasi]
    groups = combine(columns, len(inside) + len(outside))
    here = np.bincount(groups.of[: len(inside)], minlength=len(groups.sizes))
    there = groups.sizes - here
    if not len(inside):
        return Presence(0.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(there > 0, np.minimum(1.0, here / there), 1.0)
    return Presence(float(share.min()), float(share.max()))


def _text(table: pa.Table, name: str) -> pa.Array:
    """Both tables' columns in one type, so that equal values are equal."""
    return column(table, name).cast(pa.large_string())
