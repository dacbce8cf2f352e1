"""Attacks on the budget: many at once, a process killed in the middle, a restored backup, an edited table."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.models import Entry
from governance.aggregates import budgets, invariants, ledger, releases, watermark
from governance.aggregates.errors import BudgetExists, BudgetSpent, BudgetUnknown, InsideTransaction, LedgerRolledBack
from governance.aggregates.models import Budget, Release, Spend, SpendState
from governance.aggregates.noise import Charge
from governance.aggregates.queries import Query, Where
from governance.kernel.ids import uuid7
from tests.integration.aggregates.conftest import BUDGET, DATASET, ELI, PURPOSE

ROOT = Path(__file__).resolve().parents[3]
HUNDREDTH = Charge.of(0.01)


def all_invariants_hold() -> bool:
    checks = (
        invariants.used_is_the_sum_of_the_ledger,
        invariants.no_release_without_charge,
        invariants.ledger_and_log_agree,
        invariants.ledger_was_not_rolled_back,
    )
    return not any(check().violations for check in checks)


def reserve(budget_id: UUID, charge: Charge = HUNDREDTH) -> ledger.Reservation:
    return ledger.reserve(budget_id, charge, query_sha256="", actor=ELI)


def in_threads(work, items, threads=8):
    """Each thread has a connection of its own, closed at its end."""

    def run(part):
        try:
            return [work(item) for item in part]
        finally:
            connection.close()

    parts = [items[start::threads] for start in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return [result for results in pool.map(run, parts) for result in results]


@pytest.mark.slow  # 2,560 requests on real connections
@pytest.mark.django_db(transaction=True)
def test_eight_threads_of_320_requests_of_a_hundredth_are_granted_exactly_a_hundred(budget):
    def attempt(_):
        try:
            reserve(budget.id)
        except BudgetSpent:
            return False
        return True

    granted = in_threads(attempt, range(8 * 320))
    assert sum(granted) == 100
    status = budgets.get(BUDGET)
    assert (status.epsilon_used, status.epsilon_left) == (1.0, 0.0)
    assert sorted(Spend.objects.values_list("number", flat=True)) == list(range(1, 101))
    assert all_invariants_hold()


@pytest.mark.slow  # 160 different questions, many of them drawn and stored
@pytest.mark.django_db(transaction=True)
def test_different_questions_at_once_are_answered_a_hundred_times_and_no_more(budget):
    def attempt(threshold):
        query = Query(DATASET, "count", group_by="store", where=(Where("amount", "ge", threshold),))
        try:
            return releases.ask(query, epsilon=0.01, budget=BUDGET, actor=ELI).id
        except BudgetSpent:
            return None

    answered = [found for found in in_threads(attempt, range(1, 161)) if found]
    assert len(set(answered)) == len(answered) == Release.objects.count() == 100
    assert budgets.get(BUDGET).epsilon_unsettled == 0
    assert all_invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_the_same_question_at_once_costs_once(budget):
    query = Query(DATASET, "count_people", group_by="store")
    answers = in_threads(lambda _: releases.ask(query, epsilon=0.01, budget=BUDGET, actor=ELI), range(40))
    assert len({answer.id for answer in answers}) == 1
    assert sum(answer.charged for answer in answers) == pytest.approx(0.01)
    assert budgets.get(BUDGET).epsilon_used == 0.01


KILLED = """
    import os, signal, sys
    import django
    from django.db import connections

    django.setup()
    connections.databases["default"]["NAME"] = sys.argv[1]
    from governance.aggregates import releases
    from governance.aggregates.queries import Query
    from tests.integration.aggregates.conftest import BUDGET, DATASET, ELI, register, shop
    import polars as pl

    register(lambda: shop().with_columns(postcode=pl.lit("00-001")))
    when, name = sys.argv[2].split(":")
    original = getattr(releases, name)

    def killed(*args, **kwargs):
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(releases, name, killed)
    releases.ask(Query(DATASET, "count"), epsilon=0.25, budget=BUDGET, actor=ELI)
"""


@pytest.mark.slow  # starts a process and kills it
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before:draw", "before:_kept"])
def test_a_process_killed_between_reserve_and_commit_has_spent(budget, moment):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), connection.settings_dict["NAME"], moment]
    killed = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    status = budgets.get(BUDGET)
    assert (status.epsilon_used, status.epsilon_unsettled, status.releases) == (0.25, 0.25, 0)
    assert all_invariants_hold()
    # Asked again, it is a new draw and a new charge.
    assert releases.ask(Query(DATASET, "count"), epsilon=0.25, budget=BUDGET, actor=ELI).budget_left == 0.5


@pytest.mark.django_db(transaction=True)
def test_a_restored_ledger_is_noticed_before_anything_more_is_spent(budget):
    reserve(budget.id, Charge.of(0.3))
    backup = _dump("aggregates_spend", "aggregates_budget")
    reserve(budget.id, Charge.of(0.2))
    reserve(budget.id, Charge.of(0.1))
    _restore(backup)
    assert budgets.get(BUDGET).epsilon_used == 0.3
    assert invariants.ledger_was_not_rolled_back().violations == (str(budget.id),)
    with pytest.raises(LedgerRolledBack):
        reserve(budget.id)
    with pytest.raises(LedgerRolledBack):
        releases.ask(Query(DATASET, "count"), epsilon=0.1, budget=BUDGET, actor=ELI)
    assert budgets.get(BUDGET).epsilon_used == 0.3
    # The data protection officer accepts what was lost; it is charged, and the budget goes on.
    assert ledger.recover(budget.id, reason="restored_backup", actor=ELI) == Charge(300_000)
    assert budgets.get(BUDGET).epsilon_used == 0.6
    assert reserve(budget.id).epsilon_left == pytest.approx(0.39)
    assert invariants.used_is_the_sum_of_the_ledger().violations == ()
    assert invariants.ledger_was_not_rolled_back().violations == ()
    # The log, which was not restored here, still tells of the two lost spends.
    assert len(invariants.ledger_and_log_agree().violations) == 2


@pytest.mark.django_db(transaction=True)
def test_recovering_a_whole_ledger_costs_nothing(budget):
    reserve(budget.id)
    assert ledger.recover(budget.id, reason="restored_backup", actor=ELI) == Charge(0)
    assert budgets.get(BUDGET).epsilon_used == 0.01
    with pytest.raises(BudgetUnknown):
        ledger.recover(uuid7(), reason="restored_backup", actor=ELI)


@pytest.mark.django_db(transaction=True)
def test_another_machine_that_goes_on_after_a_restore_does_not_hide_it(budget):
    """The count of reservations has caught up with the mark, but the reservation of the mark is not among them."""
    reserve(budget.id)
    backup = _dump("aggregates_spend", "aggregates_budget")
    reserve(budget.id)
    mark = watermark.read(budget.id)
    _restore(backup)
    watermark.replace(budget.id, watermark.Mark(0, str(Spend.objects.get().id), 0, 0))  # the other machine's own mark
    reserve(budget.id)
    assert Spend.objects.count() == mark.number
    watermark.replace(budget.id, mark)
    with pytest.raises(LedgerRolledBack):
        reserve(budget.id)


def test_a_mark_that_cannot_be_read_stops_spending(budget):
    reserve(budget.id)
    path = Path(settings.ZGODA_KEYS_DIR) / "privacy-spent" / f"{budget.id}.json"
    path.write_text("{}")
    with pytest.raises(LedgerRolledBack):
        reserve(budget.id)


def test_the_mark_moves_forward_only(budget):
    for number in (1, 3, 2):
        watermark.advance(budget.id, watermark.Mark(number, str(number), number, 0))
    assert watermark.read(budget.id) == watermark.Mark(3, "3", 3, 0)


@pytest.mark.django_db(transaction=True)
def test_a_charge_is_not_part_of_a_larger_transaction(budget):
    with transaction.atomic(), pytest.raises(InsideTransaction):
        reserve(budget.id)
    with transaction.atomic(), pytest.raises(InsideTransaction):
        ledger.recover(budget.id, reason="restored_backup", actor=ELI)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE aggregates_budget SET epsilon_total_micro = epsilon_total_micro * 2",
        "UPDATE aggregates_budget SET purpose = 'marketing'",
        "UPDATE aggregates_budget SET epsilon_used_micro = epsilon_total_micro + 1",
        "UPDATE aggregates_budget SET epsilon_used_micro = -1",
        "DELETE FROM aggregates_budget",
        "UPDATE aggregates_spend SET epsilon_micro = 0",
        "DELETE FROM aggregates_spend",
        "TRUNCATE aggregates_spend",
        "UPDATE aggregates_release SET answer = '{}'",
        "DELETE FROM aggregates_release",
        "UPDATE aggregates_datasetversion SET until = now()",
    ],
)
def test_the_database_refuses_to_rewrite_budget_and_ledger(budget, statement):
    releases.ask(Query(DATASET, "count"), epsilon=0.1, budget=BUDGET, actor=ELI)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_edited_figure_is_found(budget):
    reserve(budget.id)
    Budget.objects.update(epsilon_used_micro=0)
    assert invariants.used_is_the_sum_of_the_ledger().violations == (str(budget.id),)


def test_a_spend_that_the_log_does_not_know_is_found(budget):
    first = Spend.objects.get(pk=reserve(budget.id).id)
    Spend.objects.create(
        id=(other := uuid7()), budget_id=budget.id, reservation=other, state="reserve", number=2, epsilon_micro=1, actor="x", at=first.at,
        entry_id=uuid7(),
    )  # fmt: skip
    assert invariants.ledger_and_log_agree().violations == (str(other),)


def test_a_dataset_has_one_budget_for_a_purpose(budget):
    with pytest.raises(BudgetExists):
        budgets.create(DATASET, PURPOSE, 5.0, actor=ELI)
    assert budgets.find(DATASET, PURPOSE).epsilon_total == 1.0
    assert budgets.find(DATASET, "marketing") is None
    assert [status.id for status in budgets.all_budgets()] == [budget.id]
    assert budgets.get(str(budget.id)).key == BUDGET
    assert Entry.objects.filter(action="aggregates.budget_created").count() == 1


def test_the_ledger_takes_each_number_once(budget):
    first = Spend.objects.get(pk=reserve(budget.id).id)
    with pytest.raises(IntegrityError), transaction.atomic():
        Spend.objects.create(
            id=(other := uuid7()), budget_id=budget.id, reservation=other, state="reserve", number=1, epsilon_micro=1, actor="x",
            at=first.at, entry_id=uuid7(),
        )  # fmt: skip


def test_the_burn_down_tells_the_story_of_a_budget(budget):
    kept, given_back = reserve(budget.id, Charge.of(0.2)), reserve(budget.id, Charge.of(0.3))
    ledger.void(given_back, reason="test", actor=ELI)
    steps = budgets.burn_down(budget.id)
    assert [(step.state, step.epsilon_used, step.settled) for step in steps] == [
        (SpendState.RESERVE, 0.2, False),
        (SpendState.RESERVE, 0.5, True),
        (SpendState.VOID, 0.2, True),
    ]
    assert budgets.get(BUDGET).epsilon_unsettled == 0.2
    assert kept.epsilon_left == 0.8


def _dump(*tables: str) -> dict[str, list[tuple]]:
    with connection.cursor() as cursor:
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT row_to_json({table})::text FROM {table}")
            rows[table] = cursor.fetchall()
    return rows


def _restore(backup: dict[str, list[tuple]]) -> None:
    """Bring the tables back as they were, as somebody who owns the database can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in backup:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in backup:
            cursor.execute(f"DELETE FROM {table}")
        for table, rows in reversed(list(backup.items())):
            for (row,) in rows:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s)", [row])
        for table in backup:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
