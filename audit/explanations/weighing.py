"""Which reasons are told, and which of them are firm. Pure; no Django: the measure of a model decides as the person's page does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SHOWN: Final = 3
MOST_SHOWN: Final = 5
EQUAL: Final = 0.15
"""Reasons whose weights differ by less than this share of the strongest weigh the same: a model from another sample of the same people
may well order them otherwise. Of two independent models on `bank_full`, what one tells as firm is among the other's three strongest
in 19 of 20 cases (decision 30)."""


def weighed(weights: Sequence[float]) -> tuple[int, int]:
    """Of weights from the strongest down: how many are firm, clearly stronger than the fourth, and how many are told, three and with the
    third those that weigh as much."""
    if len(weights) <= SHOWN:
        return len(weights), len(weights)
    band = EQUAL * weights[0]
    firm = sum(weight - weights[SHOWN] >= band for weight in weights[:SHOWN])
    return firm, SHOWN + sum(weights[SHOWN - 1] - weight <= band for weight in weights[SHOWN:MOST_SHOWN])
