"""The nearest change is one that the person can make, it changes the result, and nothing nearer does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.decisioning.arbitration import NOTHING, Choices, Floats, Lines, best_of
from engine.decisioning.counterfactuals import NO_CHANGE, Changes, log_odds, nearest, unchanged_between
from engine.learning.counterfactuals import NOT_SEARCHED
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


def test_a_line_beyond_every_chance_is_infinitely_far() -> None:
    ends = log_odds(np.array([-0.2, 0.0, 0.5, 1.0, 1.3]))
    assert ends.tolist() == [-np.inf, -np.inf, 0.0, np.inf, np.inf]


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

    single = (found.terms[:, 0] >= 0) & (found.terms[:, 1] == NO_CHANGE)
    assert single.sum() > 10
    missed = 0
    for place in range(60):
        line = _part(lines, np.array([place]))
        steps = _steps_by_hand(tables, rows[place], line, int(chosen[place]))
        if single[place]:
            ((feature, bin_),) = _changed(tables, found, place)
            distance = abs(bin_ - int(bin_of(rows[place, [feature]], tables.terms[feature].cuts[0])[0]))
            assert steps[feature, bin_] == pytest.approx(distance / len(tables.terms[feature].cuts[0]))
            assert steps[feature, bin_] == pytest.approx(min(steps.values()))
            continue
        assert steps == {}, "one change is enough, and two or none were said"
        both = _pairs_by_hand(tables, rows[place], line, int(chosen[place]))
        if found.terms[place, 1] >= 0:
            assert tuple(bin_ for _, bin_ in sorted(_changed(tables, found, place))) in both
        missed += bool(both) and found.terms[place, 0] == NO_CHANGE
    assert missed <= 3, "two features move together in ways that a search from the ends can miss, but seldom"


def _changed(tables: ScoringTables, found: Changes, place: int) -> list[tuple[int, int]]:
    pairs = zip(found.terms[place].tolist(), found.bins[place].tolist(), strict=True)
    return [(tables.terms[term].features[0], bin_) for term, bin_ in pairs if term >= 0]


def _pairs_by_hand(tables: ScoringTables, row: Floats, line: Lines, chosen: int) -> set[tuple[int, int]]:
    """Every two bins of the two changeable features where the result is another."""
    if np.isnan(row[:2]).any():
        return set()
    changing = set()
    for first, one in _values(tables, 0):
        for second, other in _values(tables, 1):
            changed = np.array([[one, other, row[2]]])
            if int(best_of(tables.score(changed).probability, line)[0]) != chosen:
                changing.add((first, second))
    return changing


def _values(tables: ScoringTables, feature: int) -> list[tuple[int, float]]:
    cuts = tables.terms[feature].cuts[0]
    middles = np.concatenate([[cuts[0] - 1], (cuts[:-1] + cuts[1:]) / 2, [cuts[-1] + 1]])
    # A pair cuts elsewhere: every bin is tried at both of its ends too.
    ends = np.concatenate([cuts, np.nextafter(cuts, -np.inf)])
    return [(int(bin_of(np.array([value]), cuts)[0]), float(value)) for value in np.concatenate([middles, ends])]


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

    for changeable, searched, said in (((), True, NO_CHANGE), (NAMES, False, NOT_SEARCHED)):
        found = nearest(
            tables, rows, scored, lines, chosen, changeable=changeable, searched=np.array([searched] * 2), decide=decide
        )
        assert found.terms[:, 0].tolist() == [said, said]
        assert (found.terms[:, 1] == NO_CHANGE).all()


def test_nothing_is_left_to_nobody() -> None:
    lines = Lines(np.array([[100.0]]), np.array([50.0]), np.array([[False]]))

    low, high = unchanged_between(lines, np.array([NOTHING]))

    assert (low.tolist(), high.tolist()) == ([0.0], [1.0])
