"""Privacy budgets: what may be learnt about the people of a dataset for one purpose, in all.

A budget is for as long as the people are: it does not renew, and a new version of the dataset does not refill it,
because the new rows are mostly about the same people. Its totals cannot be changed; the database refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum

from audit import log
from governance.aggregates import datasets
from governance.aggregates.errors import BudgetExists, BudgetMismatch, BudgetUnknown
from governance.aggregates.models import Budget, Spend, SpendState
from governance.aggregates.noise import MICRO, PICO, Charge
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget as it stands. `key` is `dataset/purpose`. `unsettled` is the part of what was used whose reservations
    have neither a release nor a void: questions in flight, or lost to a crash."""

    id: UUID
    key: str
    dataset: str
    purpose: str
    epsilon_total: float
    epsilon_used: float
    epsilon_left: float
    epsilon_unsettled: float
    delta_total: float
    delta_used: float
    releases: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the burn-down: what happened, and what was used after it."""

    at: datetime
    state: SpendState
    reservation: UUID
    epsilon: float
    epsilon_used: float
    settled: bool


def create(dataset: str, purpose: str, epsilon_total: float, delta_total: float = 0.0, *, actor: Actor) -> BudgetStatus:
    """Open the budget of a dataset for a purpose, once and for good.

    Raises DatasetUnknown; BudgetMismatch when the dataset may not be asked for this purpose; BudgetExists;
    ChargeRefused.
    """
    total = Charge.of(epsilon_total, delta_total)
    if datasets.get(dataset).purpose != purpose:
        raise BudgetMismatch("The rows of the dataset are there for another purpose.", dataset=dataset, purpose=purpose)
    identifier = uuid7()
    with transaction.atomic():
        row = Budget(
            id=identifier,
            dataset=dataset,
            purpose=purpose,
            epsilon_total_micro=total.epsilon_micro,
            delta_total_pico=total.delta_pico,
            created_at=now(),
        )
        made = Budget.objects.bulk_create([row], ignore_conflicts=True)
        if not made or not Budget.objects.filter(pk=identifier).exists():
            raise BudgetExists("The dataset has a budget for this purpose.", dataset=dataset, purpose=purpose)
        log.emit(
            "aggregates.budget_created",
            actor=actor,
            object=f"aggregates_budget:{identifier}",
            purpose=purpose,
            facts={"dataset": dataset, "epsilon_micro": total.epsilon_micro, "delta_pico": total.delta_pico},
        )
    return _status(row, 0, 0)


def find(dataset: str, purpose: str) -> BudgetStatus | None:
    """The budget of a dataset for a purpose, if there is one."""
    found = _statuses(Q(dataset=dataset, purpose=purpose))
    return found[0] if found else None


def get(key: str) -> BudgetStatus:
    """A budget by its key `dataset/purpose` or its id. Raises BudgetUnknown."""
    found = _statuses(_by_key(key))
    if not found:
        raise BudgetUnknown("There is no such budget.")
    return found[0]


def account(key: str) -> Budget:
    """The row of a budget, for this package. Raises BudgetUnknown."""
    row = Budget.objects.filter(_by_key(key)).first()
    if row is None:
        raise BudgetUnknown("There is no such budget.")
    return row


def all_budgets() -> list[BudgetStatus]:
    """Every budget, by dataset and purpose."""
    return _statuses(Q())


def burn_down(budget_id: UUID) -> list[Step]:
    """What was reserved, given back and written off, in order, with the running total. Commits change no figure and
    are left out."""
    settled = Spend.objects.filter(reservation=OuterRef("reservation"), state__in=[SpendState.COMMIT, SpendState.VOID])
    lines = Spend.objects.filter(budget_id=budget_id).exclude(state=SpendState.COMMIT).annotate(settled=Exists(settled))
    used, steps = 0, []
    for line in lines.order_by("at", "id"):
        used += -line.epsilon_micro if line.state == SpendState.VOID else line.epsilon_micro
        settled_now = line.settled or line.state == SpendState.RECOVER
        steps.append(
            Step(
                line.at, SpendState(line.state), line.reservation, line.epsilon_micro / MICRO, used / MICRO, settled_now
            )
        )
    return steps


def _by_key(key: str) -> Q:
    try:
        return Q(pk=UUID(key))
    except ValueError:
        dataset, _, purpose = key.rpartition("/")
        return Q(dataset=dataset, purpose=purpose)


def _statuses(which: Q) -> list[BudgetStatus]:
    rows = list(Budget.objects.filter(which))
    settled = Spend.objects.filter(reservation=OuterRef("reservation"), state__in=[SpendState.COMMIT, SpendState.VOID])
    open_lines = Spend.objects.filter(budget__in=rows, state=SpendState.RESERVE).filter(~Exists(settled))
    unsettled = dict(open_lines.values_list("budget").annotate(Sum("epsilon_micro")))
    commits = Spend.objects.filter(budget__in=rows, state=SpendState.COMMIT)
    releases: dict[UUID, int] = {}
    for (budget_id,) in commits.values_list("budget"):
        releases[budget_id] = releases.get(budget_id, 0) + 1
    return [_status(row, unsettled.get(row.pk, 0), releases.get(row.pk, 0)) for row in rows]


def _status(row: Budget, unsettled_micro: int, releases: int) -> BudgetStatus:
    return BudgetStatus(
        id=row.id,
        key=f"{row.dataset}/{row.purpose}",
        dataset=row.dataset,
        purpose=row.purpose,
        epsilon_total=row.epsilon_total_micro / MICRO,
        epsilon_used=row.epsilon_used_micro / MICRO,
        epsilon_left=(row.epsilon_total_micro - row.epsilon_used_micro) / MICRO,
        epsilon_unsettled=unsettled_micro / MICRO,
        delta_total=row.delta_total_pico / PICO,
        delta_used=row.delta_used_pico / PICO,
        releases=releases,
        created_at=row.created_at,
    )
