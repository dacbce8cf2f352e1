"""Who gets which offer: by value, under caps, with a share left to chance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.decisioning import arbitration, offers
from engine.decisioning.arbitration import LOST, NOTHING, Arbitrated, arbitrate, best_of, lines_of
from engine.decisioning.errors import CatalogueMalformed
from engine.decisioning.offers import CATALOGUE, Comparison, Need, Offer, Policy, checked
from engine.features.definitions import SHOPPING

TITLES = {"en": "x", "pl": "x"}
CHEAP = Offer("cheap", TITLES, cost_cents=100, take_rate=0.5, save_rate=0.1)
DEAR = Offer("dear", TITLES, cost_cents=1_000, take_rate=0.5, save_rate=0.5)
CERTAIN = Policy(margin=0.25, holdout=0.0, explore=0.0)


def _rows(count: int, spend: float = 40_000.0, visits: float = 10.0) -> pl.DataFrame:
    return pl.DataFrame(dict.fromkeys(SHOPPING.names, np.zeros(count))).with_columns(
        spend_84_cents=pl.lit(spend), visits_84=pl.lit(visits)
    )


def _run(
    probability: list[float], catalogue: tuple[Offer, ...] = (CHEAP, DEAR), policy: Policy = CERTAIN, seed: int = 1
) -> Arbitrated:
    chances = np.array(probability)
    reachable = np.ones(len(chances), dtype=np.bool_)
    lines = lines_of(_rows(len(chances)), catalogue, policy, reachable)
    return arbitrate(chances, lines, catalogue, policy, seed=seed, reachable=reachable)


def test_the_offer_with_the_highest_expected_value_wins_and_nothing_when_none_pays() -> None:
    # Worth is 40,000 * 0.25 = 10,000: cheap is 1,000 p - 50, dear 5,000 p - 500.
    decided = _run([0.04, 0.06, 0.2])

    assert decided.chosen.tolist() == [NOTHING, 0, 1]
    assert decided.values[2].tolist() == pytest.approx([150.0, 500.0])
    codes = [[LOST[code] if code >= 0 else "" for code in row] for row in decided.lost]
    assert codes == [["not_worth_it", "not_worth_it"], ["", "not_worth_it"], ["better_offer", ""]]


def test_who_does_not_fulfil_a_need_is_not_eligible() -> None:
    regulars = Offer("regulars", TITLES, 10, 0.5, 0.5, needs=(Need("visits_84", Comparison.AT_LEAST, 20),))
    newcomers = Offer("newcomers", TITLES, 10, 0.5, 0.5, needs=(Need("visits_84", Comparison.LESS, 20),))

    decided = _run([0.5], (regulars, newcomers))

    assert decided.chosen.tolist() == [1]
    assert LOST[decided.lost[0, 0]] == arbitration.NOT_ELIGIBLE


def test_people_outside_the_models_population_get_nothing() -> None:
    chances, reachable = np.array([0.9, 0.9]), np.array([True, False])
    policy = Policy(holdout=0.0, explore=1.0)
    lines = lines_of(_rows(2), (CHEAP,), policy, reachable)

    decided = arbitrate(chances, lines, (CHEAP,), policy, seed=1, reachable=reachable)

    assert decided.chosen.tolist() == [0, NOTHING]
    assert LOST[decided.lost[1, 0]] == arbitration.NO_RECENT_VISITS
    assert not decided.by_chance[1]


def test_a_full_offer_keeps_the_most_valuable_and_sends_the_others_to_their_next_best() -> None:
    capped = Offer("dear", TITLES, 1_000, 0.5, 0.5, cap=2)

    decided = _run([0.3, 0.9, 0.5, 0.05, 0.4], (CHEAP, capped))

    assert decided.chosen.tolist() == [0, 1, 1, NOTHING, 0]
    assert [LOST[code] for code in decided.lost[[0, 4], 1]] == ["budget_spent", "budget_spent"]


@pytest.mark.parametrize("seed", range(5))
def test_caps_hold_and_nobody_who_lost_was_worth_more(seed: int) -> None:
    chance = np.random.default_rng(seed)
    catalogue = tuple(
        Offer(f"o{number}", TITLES, int(chance.integers(0, 900)), 0.4, float(chance.uniform(0.05, 0.6)), cap=int(chance.integers(0, 40)))
        for number in range(4)
    )  # fmt: skip
    decided = _run(chance.uniform(0, 1, 200).tolist(), catalogue, Policy(holdout=0.1, explore=0.1), seed)

    for place, offer in enumerate(catalogue):
        got = np.flatnonzero(decided.chosen == place)
        by_value = got[~decided.by_chance[got]]
        assert len(got) <= offer.cap  # type: ignore[operator]
        lost_it = np.flatnonzero(decided.lost[:, place] == LOST.index(arbitration.BUDGET_SPENT))
        wanted_it = lost_it[
            [
                decided.chosen[one] == NOTHING or decided.values[one, place] > decided.values[one, decided.chosen[one]]
                for one in lost_it
            ]
        ]
        if len(by_value) and len(wanted_it):
            assert decided.values[wanted_it, place].max() <= decided.values[by_value, place].min()


def test_chance_takes_its_share_and_the_same_seed_draws_the_same() -> None:
    policy = Policy(holdout=0.2, explore=0.3)
    chances = [0.5] * 4_000

    first, again, other = (_run(chances, policy=policy, seed=seed) for seed in (7, 7, 8))

    assert first.chosen.tolist() == again.chosen.tolist()
    assert first.chosen.tolist() != other.chosen.tolist()
    held = (first.lost == LOST.index(arbitration.HELD_OUT)).all(axis=1)
    explored = first.by_chance & ~held
    assert 0.17 < held.mean() < 0.23
    assert 0.26 < explored.mean() < 0.34
    assert (first.chosen[held] == NOTHING).all()
    assert 0.4 < (first.chosen[explored] == 0).mean() < 0.6
    assert (first.chosen[~first.by_chance] == 1).all()


def test_the_choice_by_value_is_the_choice_without_chance_and_caps() -> None:
    chances = np.linspace(0, 1, 101)
    reachable = np.ones(101, dtype=np.bool_)
    lines = lines_of(_rows(101), CATALOGUE, CERTAIN, reachable)

    decided = arbitrate(chances, lines, CATALOGUE, CERTAIN, seed=3, reachable=reachable)

    assert best_of(chances, lines).tolist() == decided.chosen.tolist()


@pytest.mark.parametrize(
    ("catalogue", "policy"),
    [
        ((), CERTAIN),
        ((CHEAP, CHEAP), CERTAIN),
        ((Offer("none", TITLES, 1, 0.5, 0.5),), CERTAIN),
        ((Offer("a", TITLES, 1, 1.5, 0.5),), CERTAIN),
        ((Offer("a", TITLES, -1, 0.5, 0.5),), CERTAIN),
        ((Offer("a", {"en": "only English"}, 1, 0.5, 0.5),), CERTAIN),
        ((Offer("a", TITLES, 1, 0.5, 0.5, needs=(Need("shoe_size", Comparison.LESS, 1),)),), CERTAIN),
        ((CHEAP,), Policy(holdout=0.8, explore=0.3)),
    ],
)
def test_a_catalogue_that_cannot_be_decided_with_is_refused(catalogue: tuple[Offer, ...], policy: Policy) -> None:
    with pytest.raises(CatalogueMalformed):
        checked(catalogue, policy, SHOPPING)


def test_the_version_of_a_policy_changes_with_everything_in_it() -> None:
    versions = {
        checked(CATALOGUE, CERTAIN, SHOPPING),
        checked(CATALOGUE, Policy(), SHOPPING),
        checked(CATALOGUE[:2], CERTAIN, SHOPPING),
        checked((DEAR,), CERTAIN, SHOPPING),
        checked((CHEAP,), CERTAIN, SHOPPING),
    }

    assert len(versions) == 5
    assert offers.as_json(CATALOGUE, CERTAIN)["policy"] == {"margin": 0.25, "holdout": 0.0, "explore": 0.0}
