"""The ledger of what was spent: reserve before noise is drawn, commit with the release, void only when nothing was
drawn.

The check and the charge are one statement, `UPDATE ... WHERE used + charge <= total`, so that concurrent requests
queue on the budget's row and none passes on an old reading. The reservation is committed before the mechanism runs; a
process that dies between leaves a reservation without a settlement, which stays charged, because nobody can tell
whether somebody saw the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit import log
from governance.aggregates import watermark
from governance.aggregates.errors import (
    BudgetSpent,
    BudgetUnknown,
    InsideTransaction,
    LedgerRolledBack,
    ReservationSettled,
)
from governance.aggregates.models import Budget, Spend, SpendState
from governance.aggregates.noise import MICRO, PICO, Charge
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)

_CHARGE = """
UPDATE aggregates_budget
SET epsilon_used_micro = epsilon_used_micro + %(epsilon)s, delta_used_pico = delta_used_pico + %(delta)s,
    reservations = reservations + 1
WHERE id = %(budget)s AND epsilon_used_micro + %(epsilon)s <= epsilon_total_micro AND delta_used_pico + %(delta)s <= delta_total_pico
  AND (%(last)s::uuid IS NULL OR EXISTS (SELECT 1 FROM aggregates_spend WHERE id = %(last)s AND budget_id = %(budget)s))
RETURNING reservations, epsilon_used_micro, delta_used_pico, epsilon_total_micro, delta_total_pico, purpose, dataset
"""
_GIVE_BACK = """
UPDATE aggregates_budget SET epsilon_used_micro = epsilon_used_micro - %s, delta_used_pico = delta_used_pico - %s WHERE id = %s
"""
# After a restore what this machine knows to be used is used, up to the total.
_WRITE_OFF = """
UPDATE aggregates_budget
SET epsilon_used_micro = LEAST(epsilon_total_micro, GREATEST(epsilon_used_micro, %(epsilon)s)),
    delta_used_pico = LEAST(delta_total_pico, GREATEST(delta_used_pico, %(delta)s)), reservations = reservations + 1
WHERE id = %(budget)s RETURNING reservations, epsilon_used_micro, delta_used_pico, purpose
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A charge that is committed. What is left is what was left right after it."""

    id: UUID
    budget_id: UUID
    charge: Charge
    purpose: str
    query_sha256: str
    epsilon_left: float
    delta_left: float


def refuse_outer_transaction() -> None:
    """Raises InsideTransaction when the caller could still roll back what is committed here."""
    if not connection.get_autocommit() and not connection.in_atomic_block:
        raise InsideTransaction("Autocommit is off: the charge could be rolled back after the answer was seen.")
    try:
        with transaction.atomic(durable=True):
            pass
    except RuntimeError as error:
        raise InsideTransaction("The charge could be rolled back after the answer was seen.") from error


def reserve(budget_id: UUID, charge: Charge, *, query_sha256: str, actor: Actor) -> Reservation:
    """Charge a budget and commit that. On return the charge is durable, here and in the mark outside the database.

    Raises BudgetSpent (nothing charged), LedgerRolledBack, BudgetUnknown, InsideTransaction.
    """
    refuse_outer_transaction()
    last = watermark.read(budget_id)
    identifier = uuid7()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _CHARGE,
                {
                    "epsilon": charge.epsilon_micro,
                    "delta": charge.delta_pico,
                    "budget": budget_id,
                    "last": last.reservation if last else None,
                },
            )
            row = cursor.fetchone()
        if row is None:
            _refuse(budget_id, last)
        number, epsilon_used, delta_used, epsilon_total, delta_total, purpose, dataset = row
        entry = log.emit(
            "aggregates.budget_reserved",
            actor=actor,
            object=f"aggregates_spend:{identifier}",
            purpose=purpose,
            facts={
                "budget": str(budget_id),
                "dataset": dataset,
                "number": number,
                "epsilon_micro": charge.epsilon_micro,
                "delta_pico": charge.delta_pico,
                "query_sha256": query_sha256,
            },
        )
        Spend.objects.create(
            id=identifier,
            budget_id=budget_id,
            reservation=identifier,
            state=SpendState.RESERVE,
            number=number,
            epsilon_micro=charge.epsilon_micro,
            delta_pico=charge.delta_pico,
            query_sha256=query_sha256,
            actor=str(actor),
            at=now(),
            entry_id=entry,
        )
    watermark.advance(budget_id, watermark.Mark(number, str(identifier), epsilon_used, delta_used))
    return Reservation(
        id=identifier,
        budget_id=budget_id,
        charge=charge,
        purpose=purpose,
        query_sha256=query_sha256,
        epsilon_left=(epsilon_total - epsilon_used) / MICRO,
        delta_left=(delta_total - delta_used) / PICO,
    )


def commit(reservation: Reservation, *, entry_id: UUID, actor: Actor) -> None:
    """Settle a reservation with its release, in the transaction that stores the release. Raises ReservationSettled."""
    _settle(reservation, SpendState.COMMIT, entry_id, actor)


def void(reservation: Reservation, *, reason: str, actor: Actor) -> None:
    """Give a reservation back. Only for whoever made it and knows that the mechanism was not invoked. Raises
    ReservationSettled."""
    charge = reservation.charge
    with transaction.atomic():
        entry = log.emit(
            "aggregates.budget_voided",
            actor=actor,
            object=f"aggregates_spend:{reservation.id}",
            purpose=reservation.purpose,
            facts={"budget": str(reservation.budget_id), "epsilon_micro": charge.epsilon_micro, "delta_pico": charge.delta_pico,
                   "reason": reason},
        )  # fmt: skip
        _settle(reservation, SpendState.VOID, entry, actor)
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, [charge.epsilon_micro, charge.delta_pico, reservation.budget_id])


def recover(budget_id: UUID, *, reason: str, actor: Actor) -> Charge:
    """Accept a restored ledger: write off what this machine knows was used and the ledger does not, and go on from
    there.

    Returns what was written off (zero when nothing was lost). `reason` is a short code such as `restored_backup`.
    Raises BudgetUnknown, InsideTransaction.
    """
    refuse_outer_transaction()
    mark = watermark.read(budget_id)
    identifier = uuid7()
    with transaction.atomic():
        before = Budget.objects.select_for_update().filter(pk=budget_id).first()
        if before is None:
            raise BudgetUnknown("There is no such budget.")
        if mark is None or Spend.objects.filter(pk=mark.reservation, budget=before).exists():
            return Charge(0)
        with connection.cursor() as cursor:
            cursor.execute(
                _WRITE_OFF, {"epsilon": mark.epsilon_used_micro, "delta": mark.delta_used_pico, "budget": budget_id}
            )
            number, epsilon_used, delta_used, purpose = cursor.fetchone()
        lost = Charge(epsilon_used - before.epsilon_used_micro, delta_used - before.delta_used_pico)
        facts = {
            "budget": str(budget_id),
            "number": number,
            "epsilon_micro": lost.epsilon_micro,
            "delta_pico": lost.delta_pico,
        }
        entry = log.emit(
            "aggregates.budget_recovered",
            actor=actor,
            object=f"aggregates_spend:{identifier}",
            purpose=purpose,
            facts={**facts, "reason": reason, "missing_reservation": mark.reservation},
        )
        Spend.objects.create(
            id=identifier,
            budget_id=budget_id,
            reservation=identifier,
            state=SpendState.RECOVER,
            number=number,
            epsilon_micro=lost.epsilon_micro,
            delta_pico=lost.delta_pico,
            actor=str(actor),
            at=now(),
            entry_id=entry,
        )
    watermark.replace(budget_id, watermark.Mark(number, str(identifier), epsilon_used, delta_used))
    return lost


def _settle(reservation: Reservation, state: SpendState, entry_id: UUID, actor: Actor) -> None:
    line = Spend(
        id=uuid7(),
        budget_id=reservation.budget_id,
        reservation=reservation.id,
        state=state,
        epsilon_micro=reservation.charge.epsilon_micro,
        delta_pico=reservation.charge.delta_pico,
        query_sha256=reservation.query_sha256,
        actor=str(actor),
        at=now(),
        entry_id=entry_id,
    )
    try:
        with transaction.atomic():
            line.save(force_insert=True)
    except IntegrityError as error:
        raise ReservationSettled("The reservation was committed or voided before.") from error


def _refuse(budget_id: UUID, last: watermark.Mark | None) -> NoReturn:
    budget = Budget.objects.filter(pk=budget_id).first()
    if budget is None:
        raise BudgetUnknown("There is no such budget.")
    if last is not None and not Spend.objects.filter(pk=last.reservation, budget=budget).exists():
        _logger.error("privacy_ledger_rolled_back", object_id=str(budget_id))
        raise LedgerRolledBack(
            "The last spend that this machine made is not in the ledger: the database was restored or edited. "
            "Accept what was lost with `manage.py budget_report --recover`.",
            budget=str(budget_id),
        )
    raise BudgetSpent(
        "What is left does not cover the charge; nothing was charged.",
        epsilon_left=(budget.epsilon_total_micro - budget.epsilon_used_micro) / MICRO,
        delta_left=(budget.delta_total_pico - budget.delta_used_pico) / PICO,
    )
