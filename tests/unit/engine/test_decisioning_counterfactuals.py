"""The nearest change is one that the person can make, it changes the result, and nothing nearer does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.decisioning.arbitration import NOTHING, Choices, Floats, Lines, best_of
from engine.decisioning.counterfactuals import NO_CHANGE, nearest, unchanged_between
from engine.learning.tables import ScoringTables, Term, bin_of

NAMES = ("recency", "visits", "age")


def _tables(seed: int) -> ScoringTables:
    chance = np.random.default_rng(seed)

    def term(*features: int) -> Term:
        cuts = tuple(np.sort(chance.uniform(0, 100, chance.integers(2, 9))) for _ in features)
        return Term(features, cuts, chance.normal(0, 1.2, [len(one) + 2 for one in cuts]))

    return ScoringTables(NAMES, -1.0, (term(0), term(1), term(2), term(0, 1), term(1, 2)))


def _lines(count: int, chance: np.random.Generator) -> Lines:
    return Lines(
        chance.uniform(100, 2_000, (count, 3)), np.array([40.0, 150.0, 400.0]), chance.random((count, 3)) < 0.8
    )


def _part(lines: Lines, places: NDArray[np.intp]) -> Lines:
    return Lines(lines.gain[places], lines.cost, lines.eligible[places])


@pytest.mark.parametrize("seed", range(6))
def test_the_range_without_a_change_is_exact(seed: int) -> None:
    chance = np.random.default_rng(seed)
    lines, chances = _lines(50, chance), chance.uniform(0, 1, 50)
    chosen = best_of(chances, lines)

    low, high = unchanged_between(lines, chosen)

    assert ((low <= chances) & (chances <= high)).all()
    for share in np.linspace(0.001, 0.999, 25):
        inside = low + share * (high - low)
        assert best_of(inside, lines).tolist() == chosen.tolist()
    below, above = low > 0, high < 1
    assert (best_of(low - 1e-9, lines)[below] != chosen[below]).all()
    assert (best_of(high + 1e-9, lines)[above] != chosen[above]).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_found_change_is_the_nearest_that_changes_the_result(seed: int) -> None:
    chance, tables = np.random.default_rng(seed), _tables(seed)
    rows = chance.uniform(0, 100, (60, 3))
    rows[::7, 0] = np.nan
    lines, scored = _lines(60, chance), tables.score(rows)
    chosen = best_of(scored.probability, lines)

    def decide(changed: Floats, places: NDArray[np.intp]) -> Choices:
        return best_of(tables.score(changed).probability, _part(lines, places))

    found = nearest(
        tables, rows, scored, lines, chosen, changeable=("recency", "visits"), searched=np.ones(60, dtype=np.bool_), decide=decide
    )  # fmt: skip

    assert (found.terms != NO_CHANGE).sum() > 10
    for place in range(60):
        steps = _steps_by_hand(tables, rows[place], _part(lines, np.array([place])), int(chosen[place]))
        if found.terms[place] == NO_CHANGE:
            assert steps == {}
            continue
        term = tables.terms[found.terms[place]]
        cuts = term.cuts[0]
        distance = abs(int(found.bins[place]) - int(bin_of(rows[place, list(term.features)], cuts)[0])) / len(cuts)
        assert steps[(int(term.features[0]), int(found.bins[place]))] == pytest.approx(distance)
        assert distance == pytest.approx(min(steps.values()))


def _steps_by_hand(tables: ScoringTables, row: Floats, line: Lines, chosen: int) -> dict[tuple[int, int], float]:
    """Every bin of the two changeable features tried one by one: (feature, bin) -> distance, where the result is another."""
    changing = {}
    for feature in (0, 1):
        cuts = tables.terms[feature].cuts[0]
        now = int(bin_of(row[[feature]], cuts)[0])
        for bin_ in range(1, len(cuts) + 2):
            if now == 0 or bin_ == now:
                continue
            changed = row.copy()
            changed[feature] = cuts[bin_ - 2] if bin_ > now else np.nextafter(cuts[bin_ - 1], -np.inf)
            if int(best_of(tables.score(changed[None, :]).probability, line)[0]) != chosen:
                changing[(feature, bin_)] = abs(bin_ - now) / len(cuts)
    return changing


def test_who_is_not_searched_or_cannot_change_anything_has_none() -> None:
    tables, rows = _tables(1), np.array([[50.0, 50.0, 50.0], [50.0, 50.0, 50.0]])
    scored, lines = tables.score(rows), _lines(2, np.random.default_rng(1))
    chosen = best_of(scored.probability, lines)

    def decide(changed: Floats, places: NDArray[np.intp]) -> Choices:
        return best_of(tables.score(changed).probability, _part(lines, places))

    for changeable, searched in (((), np.array([True, True])), (NAMES, np.array([False, False]))):
        found = nearest(tables, rows, scored, lines, chosen, changeable=changeable, searched=searched, decide=decide)
        assert found.terms.tolist() == [NO_CHANGE, NO_CHANGE]


def test_nothing_is_left_to_nobody() -> None:
    lines = Lines(np.array([[100.0]]), np.array([50.0]), np.array([[False]]))

    low, high = unchanged_between(lines, np.array([NOTHING]))

    assert (low.tolist(), high.tolist()) == ([0.0], [1.0])
