"""Which offer, if any, for whom: by expected value, under caps, with a share left to chance. Pure, by columns; same seed, same result.

The expected value of an offer is p * save_rate * worth - take_rate * cost: a straight line in the probability p that somebody stops.
Codes say why an offer lost; `wording` has the words for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.decisioning.offers import Comparison, Offer, Policy

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Choices = NDArray[np.int64]

NOTHING = -1
WORTH_FEATURE = "spend_84_cents"
# Why an offer lost; the first that applies.
NO_RECENT_VISITS = "no_recent_visits"
HELD_OUT = "held_out"
DRAWN_BY_CHANCE = "drawn_by_chance"
NOT_ELIGIBLE = "not_eligible"
NOT_WORTH_IT = "not_worth_it"
BUDGET_SPENT = "budget_spent"
BETTER_OFFER = "better_offer"
LOST = (BETTER_OFFER, NO_RECENT_VISITS, HELD_OUT, DRAWN_BY_CHANCE, NOT_ELIGIBLE, NOT_WORTH_IT, BUDGET_SPENT)


@dataclass(frozen=True, slots=True)
class Lines:
    """The value of each offer for each person as a function of p: `gain` * p - `cost`; and whether it may be made at all."""

    gain: Floats
    cost: Floats
    eligible: Flags

    def at(self, probability: Floats) -> Floats:
        """n x offers expected values in cents."""
        return self.gain * probability[:, None] - self.cost


@dataclass(frozen=True, slots=True)
class Arbitrated:
    """`chosen` is the place of each person's offer or NOTHING; `values` (n x offers) in cents; `lost` indexes LOST (-1 for the chosen one).

    `draws` are the random numbers of everybody; `by_chance` says whose were decisive.
    """

    chosen: Choices
    values: Floats
    lost: Choices
    draws: Floats
    by_chance: Flags


def lines_of(rows: pl.DataFrame, offers: Sequence[Offer], policy: Policy, reachable: Flags) -> Lines:
    """The lines for rows of features. `reachable` people are those whom the model is made for; others are eligible for nothing."""
    worth = rows.get_column(WORTH_FEATURE).to_numpy().astype(np.float64) * policy.margin
    gain = worth[:, None] * np.array([offer.save_rate for offer in offers])
    cost = np.array([offer.take_rate * offer.cost_cents for offer in offers])
    eligible = np.column_stack([_fulfils(rows, offer) for offer in offers]) & reachable[:, None]
    return Lines(gain, cost, eligible)


def arbitrate(
    probability: Floats, lines: Lines, offers: Sequence[Offer], policy: Policy, *, seed: int, reachable: Flags
) -> Arbitrated:
    """Decide for n people. `seed` makes the draws; people are in an order that does not depend on them."""
    count, values = len(probability), lines.at(probability)
    generator = np.random.Generator(np.random.PCG64(seed))
    draws, picks = generator.random(count), generator.random(count)
    held_out = reachable & (draws < policy.holdout)
    explored = reachable & ~held_out & (draws < policy.holdout + policy.explore) & lines.eligible.any(axis=1)
    chosen = np.full(count, NOTHING)
    chosen[explored] = _draw(lines.eligible[explored], picks[explored])
    caps = [_left_by_chance(offer, place, chosen, explored) for place, offer in enumerate(offers)]
    deciding = ~(held_out | explored)
    worthwhile = lines.eligible & (values > 0) & deciding[:, None]
    best, capped = _within_caps(values, worthwhile, caps)
    chosen[deciding] = best[deciding]
    lost = np.full(values.shape, LOST.index(BETTER_OFFER))
    lost[capped] = LOST.index(BUDGET_SPENT)
    lost[values <= 0] = LOST.index(NOT_WORTH_IT)
    lost[~lines.eligible] = LOST.index(NOT_ELIGIBLE)
    lost[explored] = LOST.index(DRAWN_BY_CHANCE)
    lost[held_out] = LOST.index(HELD_OUT)
    lost[~reachable] = LOST.index(NO_RECENT_VISITS)
    offered = np.flatnonzero(chosen != NOTHING)
    lost[offered, chosen[offered]] = -1
    return Arbitrated(chosen, values, lost, draws, held_out | explored)


def best_of(probability: Floats, lines: Lines) -> Choices:
    """The choice by value alone: no caps, no chance."""
    values = lines.at(probability)
    return _pick(values, lines.eligible & (values > 0))


def _left_by_chance(offer: Offer, place: int, chosen: Choices, explored: Flags) -> int | None:
    """What is left of an offer's cap after chance took its part. Who drew an offer that was given out is decided by value again."""
    if offer.cap is None:
        return None
    drew = np.flatnonzero(explored & (chosen == place))
    late = drew[offer.cap :]
    chosen[late], explored[late] = NOTHING, False
    return offer.cap - min(offer.cap, len(drew))


def _within_caps(values: Floats, open_: Flags, caps: Sequence[int | None]) -> tuple[Choices, Flags]:
    """Everybody's best open offer such that no cap is exceeded and nobody who lost a place was worth more than one who has it.

    Deferred acceptance: each asks for the best that has not turned them away; a full offer keeps the most valuable. Returns the
    choices and who was turned away where.
    """
    open_, turned_away = open_.copy(), np.zeros_like(open_)
    while True:
        chosen, full = _pick(values, open_), False
        for place, cap in enumerate(caps):
            asking = np.flatnonzero(chosen == place)
            if cap is not None and len(asking) > cap:
                order = np.argsort(-values[asking, place], kind="stable")
                refused = asking[order[cap:]]
                open_[refused, place], turned_away[refused, place], full = False, True, True
        if not full:
            return chosen, turned_away


def _pick(values: Floats, open_: Flags) -> Choices:
    masked = np.where(open_, values, -np.inf)
    chosen: Choices = masked.argmax(axis=1)
    chosen[~open_.any(axis=1)] = NOTHING
    return chosen


def _draw(eligible: Flags, picks: Floats) -> Choices:
    """One eligible offer for each row, each with the same chance."""
    rank = np.cumsum(eligible, axis=1) - 1
    wanted = np.floor(picks * eligible.sum(axis=1)).astype(np.int64)
    chosen: Choices = ((rank == wanted[:, None]) & eligible).argmax(axis=1)
    return chosen


def _fulfils(rows: pl.DataFrame, offer: Offer) -> Flags:
    fulfilled = np.ones(rows.height, dtype=np.bool_)
    for need in offer.needs:
        column = rows.get_column(need.feature).to_numpy()
        fulfilled &= column >= need.value if need.comparison is Comparison.AT_LEAST else column < need.value
    return fulfilled
