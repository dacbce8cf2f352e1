"""Feature sets as data. Their digest is in every model that was trained on them, so a change of meaning is a change of version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from governance.kernel.canonical import digest


class Unit(StrEnum):
    """What a value is measured in."""

    DAYS = "days"
    VISITS = "visits"
    CENTS = "cents"
    LINES = "lines"
    COUNT = "count"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its name, its unit, what it says, and whether the person can change it (for counterfactuals)."""

    name: str
    unit: Unit
    meaning: str
    changeable: bool = True


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A named, versioned list of features."""

    name: str
    version: int
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def sha256(self) -> str:
        """The digest of the definitions."""
        rows = [[one.name, one.unit.value, one.meaning, one.changeable] for one in self.features]
        return digest({"name": self.name, "version": self.version, "features": rows})

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"


WINDOWS = (7, 28, 84)
"""Days before the cut that windowed features look back."""


def _windowed() -> tuple[Feature, ...]:
    return tuple(
        feature
        for days in WINDOWS
        for feature in (
            Feature(f"visits_{days}", Unit.VISITS, f"visits in the last {days} days"),
            Feature(f"spend_{days}_cents", Unit.CENTS, f"spending in the last {days} days"),
            Feature(f"coupon_{days}_cents", Unit.CENTS, f"saved with coupons in the last {days} days"),
        )
    )


SHOPPING = FeatureSet(
    "shopping",
    1,
    (
        Feature("recency_days", Unit.DAYS, "days since the last visit"),
        Feature("visits", Unit.VISITS, "visits so far"),
        Feature("spend_cents", Unit.CENTS, "spending so far"),
        Feature("basket_cents", Unit.CENTS, "average basket"),
        Feature("lines_per_visit", Unit.LINES, "products per visit"),
        Feature("coupon_cents", Unit.CENTS, "saved with coupons so far"),
        Feature("discount_cents", Unit.CENTS, "saved with discounts so far"),
        Feature("tenure_days", Unit.DAYS, "days since the first visit", changeable=False),
        *_windowed(),
        Feature("gap_days", Unit.DAYS, "days between visits, on average"),
        Feature("recency_to_gap", Unit.RATIO, "days since the last visit, in average gaps"),
        Feature("coupons_redeemed", Unit.COUNT, "coupons redeemed so far"),
        Feature("campaigns_received", Unit.COUNT, "campaigns received so far", changeable=False),
    ),
)
"""How somebody shops: recency, frequency, money, over all time and over windows, coupons and campaigns."""
