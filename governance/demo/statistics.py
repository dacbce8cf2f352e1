"""Three questions about everybody, answered with differential privacy: what it costs, how sure the answer is, what is left."""

from __future__ import annotations

from engine.events.datasets import PURCHASES
from governance.aggregates import budgets, releases
from governance.aggregates.queries import Measure, Query, Where
from governance.demo.setting import STATISTICS
from governance.kernel.actors import Actor

TOTAL_EPSILON = 3.0
# A person has at most one row a month in a department, so twelve rows hold all of a year: nothing is clipped, only noise is added.
_YEAR = 12
_GROCERY, _PRODUCE = (Where("department", "eq", name) for name in ("grocery", "produce"))
QUESTIONS: tuple[tuple[str, Query, float], ...] = (
    ("Households that bought, by month", Query(PURCHASES, Measure.COUNT_PEOPLE, group_by="month", cap=_YEAR), 1.0),
    (
        "Spending on groceries by month, in cents",
        Query(PURCHASES, Measure.SUM, "value_cents", group_by="month", where=(_GROCERY,), cap=_YEAR),
        1.0,
    ),
    (
        "Mean spending on produce, per household and month, in cents",
        Query(PURCHASES, Measure.MEAN, "value_cents", where=(_PRODUCE,), cap=_YEAR),
        0.5,
    ),
)


def ask(actor: Actor) -> list[tuple[str, releases.Release]]:
    """Open the budget and ask."""
    budgets.create(PURCHASES, STATISTICS, TOTAL_EPSILON, actor=actor)
    budget = f"{PURCHASES}/{STATISTICS}"
    return [
        (title, releases.ask(query, epsilon=epsilon, budget=budget, actor=actor)) for title, query, epsilon in QUESTIONS
    ]
