"""What is computed about people before anything is recorded: features, scores, choices, the nearest change. By columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.decisioning import counterfactuals
from engine.decisioning.arbitration import Arbitrated, Choices, Flags, Floats, arbitrate, best_of, lines_of
from engine.decisioning.counterfactuals import Changes
from engine.decisioning.errors import NobodyToDecideAbout
from engine.decisioning.offers import Offer, Policy
from engine.events import reading
from engine.features.definitions import SHOPPING
from engine.features.point_in_time import active, shopping_features
from engine.learning.tables import Scored, ScoringTables
from governance.kernel.ids import SubjectId

_CHANGEABLE = tuple(feature.name for feature in SHOPPING.features if feature.changeable)


@dataclass(frozen=True, slots=True)
class People:
    """Whom there is something to decide from: subjects and their rows of features, aligned; who is in the model's population."""

    subjects: list[SubjectId]
    rows: pl.DataFrame
    reachable: Flags


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was computed about these people, aligned."""

    scored: Scored
    arbitrated: Arbitrated
    changes: Changes


def people_of(permitted: Sequence[SubjectId], as_of: datetime) -> People:
    """In order of id, so that the same people with the same seed get the same draws."""
    history = reading.history(sorted(permitted))
    rows = shopping_features(history, as_of)
    places = rows.get_column("subject")
    if rows.is_empty():
        raise NobodyToDecideAbout
    reachable = places.is_in(active(history, as_of).implode()).to_numpy()
    return People([history.subjects[place] for place in places], rows.select(SHOPPING.names), reachable)


def compute(tables: ScoringTables, people: People, offers: Sequence[Offer], policy: Policy, *, seed: int) -> Outcome:
    values = tables.matrix(people.rows)
    scored = tables.score(values)
    lines = lines_of(people.rows, offers, policy, people.reachable)
    decided = arbitrate(scored.probability, lines, offers, policy, seed=seed, reachable=people.reachable)

    def by_value(rows: Floats, places: NDArray[np.intp]) -> Choices:
        frame = pl.DataFrame(rows, schema=list(tables.feature_names))
        changed = lines_of(frame, offers, policy, people.reachable[places])
        return best_of(tables.score(rows).probability, changed)

    # A choice that chance or a full cap made is not explained by a value; those people are told so instead.
    searched = people.reachable & ~decided.by_chance & (decided.chosen == best_of(scored.probability, lines))
    changes = counterfactuals.nearest(
        tables, values, scored, lines, decided.chosen, changeable=_CHANGEABLE, searched=searched, decide=by_value
    )
    return Outcome(scored, decided, changes)
