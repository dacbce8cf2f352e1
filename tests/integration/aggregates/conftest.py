"""A shop of two hundred people to ask about, its budget, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import polars as pl
import pytest

from governance.aggregates import budgets, datasets
from governance.aggregates.budgets import BudgetStatus
from governance.aggregates.queries import Bounds
from governance.kernel.actors import Actor, ActorKind

ELI = Actor(ActorKind.STAFF, str(UUID(int=7)))
DATASET, PURPOSE = "shop.baskets", "analytics"
BUDGET = f"{DATASET}/{PURPOSE}"
STORES = ("north", "south", "west")


def shop(people: int = 200) -> pl.DataFrame:
    """Three baskets for each person, in a store of their own and the next one; amounts from 0 to 9,999 cents."""
    rows = [
        (f"person-{person}", STORES[(person + basket // 2) % 2], 1 + basket % 2, (person * 37 + basket * 411) % 10_000)
        for person in range(people)
        for basket in range(3)
    ]
    columns = {"subject": pl.String, "store": pl.String, "day": pl.Int64, "amount": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def register(loader: Callable[[], pl.DataFrame]) -> None:
    datasets.register(
        DATASET,
        title="Baskets",
        loader=loader,
        groups={"store": STORES, "day": (1, 2), "postcode": None},
        measures={"amount": Bounds(0, 5_000, "cent")},
        purpose=PURPOSE,
    )


@pytest.fixture
def dataset() -> Iterator[str]:
    register(lambda: shop().with_columns(postcode=pl.lit("00-001")))
    yield DATASET
    datasets.unregister(DATASET)


@pytest.fixture
def budget(dataset: str, db: None) -> BudgetStatus:
    return budgets.create(dataset, PURPOSE, 1.0, 1e-6, actor=ELI)
