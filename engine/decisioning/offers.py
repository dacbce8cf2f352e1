"""Offers as data: what each costs, what it is expected to do, and who it is for. The expectations are the marketer's, not a model's.

The model says how likely somebody is to stop; how many of those an offer keeps is an assumption until an experiment measures it, and it
stands in every run's policy, where a reviewer finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from engine.decisioning.errors import CatalogueMalformed
from engine.features.definitions import FeatureSet
from governance.kernel.canonical import digest

NONE = "none"
"""The action of whoever gets nothing; a decision like the others."""


class Comparison(StrEnum):
    """How a need compares a feature with its value."""

    AT_LEAST = ">="
    LESS = "<"


@dataclass(frozen=True, slots=True)
class Need:
    """A condition on a feature that somebody fulfils to be eligible for an offer."""

    feature: str
    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. `cost_cents` is paid by the share `take_rate` of those who get it; of those who would stop it keeps the share
    `save_rate`; at most `cap` people get it in one run. `titles` names it in each language."""

    key: str
    titles: Mapping[str, str]
    cost_cents: int
    take_rate: float
    save_rate: float
    cap: int | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """How offers are weighed: what a kept customer is worth, and how much is left to chance.

    Worth is what the person spent in the last 84 days times `margin`. The share `holdout` gets nothing, so that the effect of offers can
    be measured; the share `explore` gets an eligible offer drawn at random.
    """

    margin: float = 0.25
    holdout: float = 0.05
    explore: float = 0.02


CATALOGUE: tuple[Offer, ...] = (
    Offer(
        "voucher_5",
        {"en": "a voucher of 5.00 on your next shopping", "pl": "bon na 5,00 na następne zakupy"},
        cost_cents=500,
        take_rate=0.30,
        save_rate=0.20,
        needs=(Need("visits_84", Comparison.AT_LEAST, 2),),
    ),
    Offer(
        "fresh_10_percent",
        {"en": "10 % off fruit and vegetables", "pl": "10% taniej warzywa i owoce"},
        cost_cents=150,
        take_rate=0.40,
        save_rate=0.11,
        needs=(Need("visits_28", Comparison.AT_LEAST, 1),),
    ),
    Offer(
        "recipe_letter",
        {"en": "a letter with recipes and a small coupon", "pl": "list z przepisami i małym kuponem"},
        cost_cents=60,
        take_rate=0.20,
        save_rate=0.03,
    ),
)


def checked(offers: Sequence[Offer], policy: Policy, features: FeatureSet) -> str:
    """The digest of a catalogue and policy that can be decided with: their version. Raises CatalogueMalformed."""
    keys = [offer.key for offer in offers]
    if not keys or len(set(keys)) != len(keys) or NONE in keys:
        raise CatalogueMalformed("A catalogue has offers with keys of their own.")
    for offer in offers:
        shares = (offer.take_rate, offer.save_rate)
        if (
            not all(0 <= share <= 1 for share in shares)
            or offer.cost_cents < 0
            or (offer.cap is not None and offer.cap < 0)
        ):
            raise CatalogueMalformed("Shares lie between 0 and 1, costs and caps are not negative.", offer=offer.key)
        if not all(offer.titles.get(language) for language in ("en", "pl")):
            raise CatalogueMalformed("An offer has a title in every language.", offer=offer.key)
        if unknown := sorted({need.feature for need in offer.needs} - set(features.names)):
            raise CatalogueMalformed("An offer needs a feature that does not exist.", offer=offer.key, features=unknown)
    if not (
        policy.holdout >= 0 and policy.explore >= 0 and policy.holdout + policy.explore <= 1 and 0 <= policy.margin <= 1
    ):
        raise CatalogueMalformed("Holdout and explore are shares of one whole; so is the margin.")
    return digest(as_json(offers, policy))


def as_json(offers: Sequence[Offer], policy: Policy) -> dict[str, object]:
    """Catalogue and policy as they are kept with a run."""
    return {"offers": [{**asdict(offer), "titles": dict(offer.titles)} for offer in offers], "policy": asdict(policy)}
