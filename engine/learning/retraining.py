"""Retraining that carries on: a new model changes what it has learnt to change, and not the reasons of people about whom nothing did.

Two models from two samples of the same people are equally good and still give one person in eight another reason (LightGBM: two in
fifteen): third places are decided among many weak reasons, by less than another sample would move them. Three things hold reasons
steady: pairs are named in the design, many bags are averaged, and a retrained model is a weighted mean of the tables in use and the
newly fitted ones. A mean of two additive models is an additive model, so the reason stays the computation. And the person is told which
reasons are firm (`audit.explanations.weighing`): those hold in models that have never seen one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.explanations import weighing
from engine.learning import boosting
from engine.learning.boosting import DESIGN, Design, Labels
from engine.learning.errors import RetrainedFromAnother
from engine.learning.tables import Floats, ScoringTables, Term, bin_of, strongest

SHARE = 0.3
"""How much of a retrained model is new. What the one before had learnt fades with every retraining: a tenth is left after seven."""
STEADY = 0.95
"""The share of the three strongest reasons that should survive a retraining on like rows."""


def refit(
    previous: ScoringTables,
    rows: Floats,
    labels: Labels,
    *,
    design: Design = DESIGN,
    share: float = SHARE,
) -> ScoringTables:
    """Fit the model in use anew on other rows: its features, its pairs, and `share` of the result new. Raises NothingToLearn."""
    names = previous.feature_names
    pairs = tuple(
        (names[term.features[0]], names[term.features[1]]) for term in previous.terms if len(term.features) > 1
    )
    fitted = boosting.fit_tables(names, rows, labels, design=replace(design, pairs=pairs), levels=previous.levels)
    return blended(previous, fitted, share)


def blended(previous: ScoringTables, fitted: ScoringTables, share: float = SHARE) -> ScoringTables:
    """The weighted mean of two additive models over the same features. Raises RetrainedFromAnother when the features differ, or the
    share is none."""
    if (previous.feature_names, previous.levels) != (fitted.feature_names, fitted.levels) or not 0 <= share <= 1:
        raise RetrainedFromAnother
    known = {term.features: term for term in previous.terms}
    new = {term.features: term for term in fitted.terms}
    terms = tuple(_mean(known.get(features), new.get(features), share) for features in {**known, **new})
    intercept = (1 - share) * previous.intercept + share * fitted.intercept
    return ScoringTables(previous.feature_names, intercept, terms, previous.levels)


def overlap(one: ScoringTables, other: ScoringTables, rows: Floats, told: int = weighing.SHOWN) -> float:
    """The share of the strongest reasons that two models give alike, on average over the rows."""
    names = {name: number for number, name in enumerate(dict.fromkeys((*one.term_names, *other.term_names)))}
    first, second = (_reasons(tables, rows, names, told) for tables in (one, other))
    return float((first[:, :, None] == second[:, None, :]).any(axis=2).mean())


@dataclass(frozen=True, slots=True)
class Held:
    """How far what a model tells people holds in another: the share of its firm reasons that are among the other's three strongest, and
    the share of the other's three strongest that it tells. With how many of each it tells a person on average."""

    firm: float
    told: float
    firm_count: float
    told_count: float


def held(one: ScoringTables, other: ScoringTables, rows: Floats) -> Held:
    """Measure on rows: what is firm and what is told is decided as on the person's page (`audit.explanations.weighing`)."""
    names = {name: number for number, name in enumerate(dict.fromkeys((*one.term_names, *other.term_names)))}
    mine, theirs = _reasons(one, rows, names, weighing.MOST_SHOWN), _reasons(other, rows, names, weighing.SHOWN)
    weights = -np.sort(-np.abs(one.score(rows).contributions), axis=1)[:, : weighing.MOST_SHOWN]
    band = weighing.EQUAL * weights[:, :1]
    shown, shared = weighing.SHOWN, (mine[:, :, None] == theirs[:, None, :]).any(axis=2)
    firm = weights[:, :shown] - weights[:, shown : shown + 1] >= band
    told = weights[:, shown - 1 : shown] - weights <= band
    told[:, :shown] = True
    return Held(
        firm=float(shared[:, :shown][firm].mean()) if firm.any() else 1.0,
        told=float(shared[told].sum() / theirs.size),
        firm_count=float(firm.sum(axis=1).mean()),
        told_count=float(told.sum(axis=1).mean()),
    )


def _reasons(
    tables: ScoringTables, rows: Floats, names: dict[str, int], told: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    numbers = np.array([names[name] for name in tables.term_names], dtype=np.int64)
    return numbers[strongest(tables.score(rows).contributions, told)]


def _mean(one: Term | None, other: Term | None, share: float) -> Term:
    """A term that only one of the two has counts as nought in the other."""
    if one is None or other is None:
        there, weight = (other, share) if one is None else (one, 1 - share)
        assert there is not None  # noqa: S101 - one of the two is
        return Term(there.features, there.cuts, there.values.astype(np.float64) * weight)
    cuts = tuple(np.union1d(mine, theirs) for mine, theirs in zip(one.cuts, other.cuts, strict=True))
    values = (1 - share) * _spread(one, cuts) + share * _spread(other, cuts)
    return Term(one.features, cuts, values)


def _spread(term: Term, cuts: Sequence[Floats]) -> Floats:
    """The values of a term on finer cuts."""
    places = []
    for coarse, fine in zip(term.cuts, cuts, strict=True):
        # One value inside each fine bin: nothing, less than every cut, and each cut itself.
        inside = np.concatenate([[np.nan, -np.inf], fine])
        places.append(bin_of(inside, coarse))
    spread: Floats = term.values.astype(np.float64)[np.ix_(*places)]
    return spread
