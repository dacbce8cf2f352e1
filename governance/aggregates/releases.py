"""Asking: charge, draw, keep, answer. And asking beforehand what it would cost.

The order is what makes the budget real. The exact figures are made first, so that whatever can fail has failed. Then
the charge is committed; then noise is drawn; then the release and the settlement are committed together; then the
answer leaves. The same question of the same version is answered from the release that exists, at no cost: a repeat
shows nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from audit import log
from governance.aggregates import answers, budgets, datasets, ledger
from governance.aggregates.answers import Estimate, Plans, Row
from governance.aggregates.contributions import Tally, tally
from governance.aggregates.errors import BudgetMismatch, ChargeExceeded, ReleaseUnknown
from governance.aggregates.models import Release as StoredRelease
from governance.aggregates.noise import MICRO, PICO, Charge, Mechanism, draw
from governance.aggregates.queries import CanonicalQuery, Query, canonical
from governance.kernel.actors import Actor
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7

COVERS = "noise"
"""What the intervals cover. The bias of bounding (cap and clipping) is not in them."""


@dataclass(frozen=True, slots=True)
class Release:
    """An answer. `rows` hold the figures as drawn, with error bars; `adjusted` the same figures made presentable,
    labelled by `post_processing`. `epsilon` is what the release cost when it was made, `charged` what this call cost:
    zero for a repeat."""

    id: UUID
    dataset: str
    version: int
    query: dict[str, JSON]
    unit: str
    rows: tuple[Row, ...]
    adjusted: tuple[float, ...]
    post_processing: str
    mechanism: Mechanism
    scales: dict[str, JSON]
    epsilon: float
    delta: float
    charged: float
    budget: str
    budget_left: float
    entry_id: UUID
    released_at: datetime
    repeated: bool


def ask(
    query: Query,
    *,
    epsilon: float,
    budget: str,
    actor: Actor,
    delta: float = 0.0,
    mechanism: Mechanism = Mechanism.LAPLACE,
) -> Release:
    """Answer a question with differential privacy, for `epsilon` (and `delta`, with Gaussian noise) of the budget
    `dataset/purpose`.

    Must not be called inside a transaction. Raises QuestionRefused, ChargeRefused, DatasetUnknown, DatasetMalformed,
    BudgetUnknown, BudgetMismatch, BudgetSpent, LedgerRolledBack, InsideTransaction: all before anything is drawn, and
    none depends on the rows.
    """
    ledger.refuse_outer_transaction()
    charge = Charge.of(epsilon, delta)
    account = budgets.account(budget)
    dataset = datasets.get(query.dataset)
    if (account.dataset, account.purpose) != (dataset.key, dataset.purpose):
        raise BudgetMismatch("The budget is for another dataset or purpose.", budget=str(account))
    question = canonical(query, dataset.schema)
    steps = answers.plans(question, mechanism, charge)
    version_id = datasets.current_version(dataset)
    if same := _same(account.id, version_id, question, mechanism, charge):
        return shown(same)
    loaded = datasets.load(dataset.key)
    with _one_at_a_time(f"aggregates.ask.{account.id}.{loaded.version_id}.{question.sha256}.{mechanism}"):
        if same := _same(account.id, loaded.version_id, question, mechanism, charge):
            return shown(same)
        exact = tally(loaded.bounded, question)
        reservation = ledger.reserve(account.id, charge, query_sha256=question.sha256, actor=actor)
        noisy = _drawn(exact, steps, reservation, actor)
        stored = _kept(
            question, steps, noisy, reservation, version_id=loaded.version_id, mechanism=mechanism, actor=actor
        )
    return _presented(stored, charged=charge.epsilon, left=reservation.epsilon_left, repeated=False)


def estimate(query: Query, *, epsilon: float, delta: float = 0.0, mechanism: Mechanism = Mechanism.LAPLACE) -> Estimate:
    """What a question would cost and how far its answer would err. Looks at no row and charges nothing. Raises as
    `ask` does for the question and the charge."""
    question = canonical(query, datasets.get(query.dataset).schema)
    return answers.estimate(question, answers.plans(question, mechanism, Charge.of(epsilon, delta)))


def get(release_id: UUID) -> Release:
    """A release that was made before, as it was then. Raises ReleaseUnknown."""
    stored = kept().filter(pk=release_id).first()
    if stored is None:
        raise ReleaseUnknown("There is no such release.")
    return shown(stored)


def kept() -> QuerySet[StoredRelease]:
    """All releases, newest first, to be paged; `shown` presents one."""
    return StoredRelease.objects.select_related("budget", "version").order_by("-id")


def shown(stored: StoredRelease) -> Release:
    """A kept release as it left, with what its budget has left by now."""
    left = (stored.budget.epsilon_total_micro - stored.budget.epsilon_used_micro) / MICRO
    return _presented(stored, charged=0.0, left=left, repeated=True)


def _drawn(exact: Tally, steps: Plans, reservation: ledger.Reservation, actor: Actor) -> Tally:
    """Noise on every figure. A refusal before the first draw gives the charge back; after it, whatever happens, the
    charge stays."""
    noisy: Tally = {}
    for part, (step, charge) in steps.parts.items():
        try:
            noisy[part] = draw(step, exact[part], charge)
        except ChargeExceeded:
            if not noisy:
                ledger.void(reservation, reason="charge_exceeded", actor=actor)
            raise
    return noisy


def _kept(
    question: CanonicalQuery,
    steps: Plans,
    noisy: Tally,
    reservation: ledger.Reservation,
    *,
    version_id: UUID,
    mechanism: Mechanism,
    actor: Actor,
) -> StoredRelease:
    """Store the release and settle its reservation, in one transaction; the audit log gets the digest of the answer."""
    rows = answers.rows(question, steps, noisy)
    label, values = answers.adjusted(question, rows)
    answer: dict[str, Any] = {
        "unit": answers.unit_of(question),
        "rows": [list(row) for row in rows],
        "adjusted": values,
        "post_processing": label,
        "scales": steps.scales,
        "interval": {"level": 0.95, "covers": COVERS},
    }
    identifier = uuid7()
    with transaction.atomic():
        entry = log.emit(
            "aggregates.released",
            actor=actor,
            object=f"aggregates_release:{identifier}",
            purpose=reservation.purpose,
            facts={
                "reservation": str(reservation.id),
                "budget": str(reservation.budget_id),
                "version": str(version_id),
                "query_sha256": question.sha256,
                "mechanism": str(mechanism),
                "epsilon_micro": reservation.charge.epsilon_micro,
                "delta_pico": reservation.charge.delta_pico,
                "answer_sha256": digest(answer),
            },
        )
        ledger.commit(reservation, entry_id=entry, actor=actor)
        return StoredRelease.objects.create(
            id=identifier,
            budget_id=reservation.budget_id,
            version_id=version_id,
            reservation=reservation.id,
            query=question.as_json,
            query_sha256=question.sha256,
            mechanism=mechanism,
            epsilon_micro=reservation.charge.epsilon_micro,
            delta_pico=reservation.charge.delta_pico,
            answer=answer,
            requested_by=str(actor),
            released_at=now(),
            entry_id=entry,
        )


def _same(
    budget_id: UUID, version_id: UUID, question: CanonicalQuery, mechanism: Mechanism, charge: Charge
) -> StoredRelease | None:
    """The most accurate release of the same question of the same version, if one is at least as accurate as what is
    asked for."""
    return (
        kept()
        .filter(
            budget_id=budget_id,
            version_id=version_id,
            query_sha256=question.sha256,
            mechanism=mechanism,
            epsilon_micro__gte=charge.epsilon_micro,
            delta_pico__gte=charge.delta_pico,
        )
        .order_by("-epsilon_micro", "id")
        .first()
    )


def _presented(stored: StoredRelease, *, charged: float, left: float, repeated: bool) -> Release:
    answer = stored.answer
    return Release(
        id=stored.id,
        dataset=stored.version.dataset,
        version=stored.version.number,
        query=stored.query,
        unit=answer["unit"],
        rows=tuple(Row(*row) for row in answer["rows"]),
        adjusted=tuple(answer["adjusted"]),
        post_processing=answer["post_processing"],
        mechanism=Mechanism(stored.mechanism),
        scales=answer["scales"],
        epsilon=stored.epsilon_micro / MICRO,
        delta=stored.delta_pico / PICO,
        charged=charged,
        budget=f"{stored.budget.dataset}/{stored.budget.purpose}",
        budget_left=left,
        entry_id=stored.entry_id,
        released_at=stored.released_at,
        repeated=repeated,
    )


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    """Two who ask the same at the same time: the second waits, and finds the release of the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
