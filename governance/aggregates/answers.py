"""From noisy figures to an answer with error bars, and from a question to what its answer would be worth. Pure; looks
at no data.

The 95 % interval of a row covers the noise: over many releases at least 95 of 100 intervals hold the bounded figure.
It says nothing about what bounding left out (rows beyond the cap, values beyond the bounds), which the answer states
in words.

A mean is the noisy total, taken around the centre of the bounds, over the noisy count; both are charged, half each.
Its interval is conservative: each part gets an interval of 97.5 %, so both hold with at least 95 % (Bonferroni), and
the ends are the least and greatest quotient of the two ranges. Its standard deviation is by the delta method,
sqrt(var(T)/C^2 + T^2 var(C)/C^4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from governance.aggregates.contributions import Part, Tally, sensitivities
from governance.aggregates.noise import Charge, Mechanism, Plan, plan
from governance.aggregates.queries import Bounds, CanonicalQuery, Key, Measure
from governance.kernel.errors import JSON


class Row(NamedTuple):
    """One group of an answer: the noisy figure as it was drawn, its standard deviation, and a 95 % interval."""

    key: Key
    value: float
    std: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True)
class Plans:
    """The mechanisms of one question, part by part, with what each part is charged; together exactly the charge."""

    charge: Charge
    parts: dict[Part, tuple[Plan, Charge]]

    @property
    def main(self) -> Plan:
        """The mechanism of the total where there is one, or else of the count."""
        return self.parts[Part.TOTAL if Part.TOTAL in self.parts else Part.COUNT][0]

    @property
    def scales(self) -> dict[str, JSON]:
        """The scale of the noise of each part, in rows or people and in units of the measure."""
        return {str(part): step.scale for part, (step, _) in self.parts.items()}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a question would cost and how far its answer would err, without asking it.

    `std` and `half_width95` are of each cell: of the count or the total. A mean has both, and errs by about `std / n`
    and `std_of_count * |mean - centre| / n` for a group of n rows.
    """

    epsilon: float
    delta: float
    mechanism: Mechanism
    unit: str
    keys: int
    cap: int
    sensitivity: int
    scale: float
    std: float
    half_width95: int
    std_of_count: float | None


def plans(query: CanonicalQuery, mechanism: Mechanism, charge: Charge) -> Plans:
    """The least noise that fits the charge; a mean has half of it for its count and half for its total. Raises
    ChargeRefused."""
    moved = sensitivities(query)
    charges = charge.halves() if len(moved) == 2 else (charge,)
    parts = {part: (plan(mechanism, moved[part], of), of) for part, of in zip(moved, charges, strict=True)}
    return Plans(charge, parts)


def estimate(query: CanonicalQuery, steps: Plans) -> Estimate:
    """Cost and accuracy of a question, from the question alone."""
    return Estimate(
        epsilon=steps.charge.epsilon,
        delta=steps.charge.delta,
        mechanism=steps.main.mechanism,
        unit=unit_of(query),
        keys=len(query.keys),
        cap=query.cap,
        sensitivity=steps.main.sensitivity.l1,
        scale=steps.main.scale,
        std=steps.main.std,
        half_width95=steps.main.half_width(),
        std_of_count=steps.parts[Part.COUNT][0].std if query.measure is Measure.MEAN else None,
    )


def rows(query: CanonicalQuery, steps: Plans, noisy: Tally) -> list[Row]:
    """The answer of a question from its noisy figures, in the order of its public keys."""
    if query.measure is Measure.MEAN:
        pairs = zip(query.keys, noisy[Part.COUNT].tolist(), noisy[Part.TOTAL].tolist(), strict=True)
        return [_mean(key, count, total, steps, query.range) for key, count, total in pairs]
    (figures,) = noisy.values()
    std, half = steps.main.std, steps.main.half_width()
    return [
        Row(key, value, std, value - half, value + half)
        for key, value in zip(query.keys, figures.tolist(), strict=True)
    ]


def adjusted(query: CanonicalQuery, answer: list[Row]) -> tuple[str, list[float]]:
    """The values as one would show them, and the name of what was done to them. Arithmetic on released figures: it
    costs nothing and depends on nothing else. Counts, and totals of what is never negative, are not below zero; a
    mean is within its bounds."""
    if query.measure is Measure.MEAN:
        low, high = query.range.low, query.range.high
        return "within_bounds", [min(max(row.value, low), high) for row in answer]
    if query.bounds is None or query.bounds.low >= 0:
        return "not_negative", [max(row.value, 0) for row in answer]
    return "none", [row.value for row in answer]


def unit_of(query: CanonicalQuery) -> str:
    """What the values count."""
    if query.bounds is not None:
        return query.bounds.unit
    return "people" if query.measure is Measure.COUNT_PEOPLE else "rows"


def _mean(key: Key, count: int, total: int, steps: Plans, bounds: Bounds) -> Row:
    (of_counts, _), (of_totals, _) = steps.parts[Part.COUNT], steps.parts[Part.TOTAL]
    least = count - of_counts.half_width(0.025)
    if least < 1:
        # The group may be empty for all that the noise shows. The mean of nothing is nowhere, so any place within the
        # bounds.
        value = min(max(bounds.centre + total / max(count, 1), bounds.low), bounds.high)
        return Row(key, value, (bounds.high - bounds.low) / 2, bounds.low, bounds.high)
    most, half = count + of_counts.half_width(0.025), of_totals.half_width(0.025)
    ends = [(total + way * half) / rows for way in (-1, 1) for rows in (least, most)]
    std = math.sqrt(of_totals.std**2 / count**2 + total**2 * of_counts.std**2 / count**4)
    return Row(
        key,
        bounds.centre + total / count,
        std,
        max(bounds.low, bounds.centre + min(ends)),
        min(bounds.high, bounds.centre + max(ends)),
    )
