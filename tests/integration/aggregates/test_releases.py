"""Asking: what comes back, what it costs, what is refused, what is remembered."""

import json
from datetime import timedelta

import polars as pl
import pytest
import time_machine
from django.db import connection, transaction

from audit.models import Entry
from governance.aggregates import budgets, datasets, ledger, noise, releases
from governance.aggregates.errors import (
    BudgetMismatch,
    BudgetSpent,
    BudgetUnknown,
    ChargeExceeded,
    DatasetMalformed,
    DatasetUnknown,
    InsideTransaction,
    QuestionRefused,
    ReleaseUnknown,
    ReservationSettled,
)
from governance.aggregates.models import DatasetVersion, Release, Spend, SpendState
from governance.aggregates.noise import Charge, Mechanism
from governance.aggregates.queries import Bounds, Query, Where
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import uuid7
from tests.integration.aggregates.conftest import BUDGET, DATASET, ELI, PURPOSE, STORES, register, shop

BY_STORE = Query(DATASET, "count_people", group_by="store", cap=2)


def ask(query=BY_STORE, epsilon=0.1, **how):
    return releases.ask(query, epsilon=epsilon, budget=BUDGET, actor=ELI, **how)


def test_an_answer_comes_with_error_bars_its_cost_and_what_is_left(budget):
    release = ask(epsilon=0.25)
    assert [row.key for row in release.rows] == list(STORES)
    assert all(row.low95 < row.value < row.high95 for row in release.rows)
    assert (release.epsilon, release.charged, release.budget_left, release.unit) == (0.25, 0.25, 0.75, "people")
    assert budgets.get(BUDGET).epsilon_left == 0.75
    key, value, std, low, high = release.rows[0]
    assert key == "north"
    assert std == pytest.approx(2**0.5 * 2 / 0.25, rel=0.01)


def test_answers_are_near_the_truth(budget):
    """At an epsilon of 0.9 a count errs by more than 60 with probability below 1e-23."""
    release = ask(Query(DATASET, "count", group_by="store", cap=1), epsilon=0.9)
    total = sum(row.value for row in release.rows)
    assert abs(total - 200) < 180
    assert abs(release.rows[2].value) < 60  # nobody shops in the west


@pytest.mark.parametrize(("measure", "column"), [("count", None), ("sum", "amount"), ("mean", "amount")])
def test_every_measure_is_answered_for_every_public_key(budget, measure, column):
    release = ask(Query(DATASET, measure, column, group_by="store", where=(Where("day", "eq", 1),)))
    assert [row.key for row in release.rows] == list(STORES)


def test_a_question_without_groups_has_one_row(budget):
    assert [row.key for row in ask(Query(DATASET, "count_people")).rows] == ["all"]


def test_the_same_question_twice_costs_once_and_answers_the_same(budget):
    first = ask(Query(DATASET, "count", where=(Where("store", "in", ("south", "north")), Where("day", "eq", 1))))
    again = ask(Query(DATASET, "count", where=(Where("day", "in", (1,)), Where("store", "in", ("north", "south")))))
    assert (again.id, again.rows, again.charged, again.repeated) == (first.id, first.rows, 0.0, True)
    assert budgets.get(BUDGET).epsilon_used == 0.1
    assert Spend.objects.filter(state=SpendState.RESERVE).count() == 1


def test_asking_for_less_accuracy_than_there_is_costs_nothing_and_for_more_costs(budget):
    first = ask(epsilon=0.2)
    assert ask(epsilon=0.1).id == first.id
    better = ask(epsilon=0.3)
    assert better.id != first.id
    assert ask(epsilon=0.1).id == better.id
    assert budgets.get(BUDGET).epsilon_used == 0.5


def test_another_mechanism_is_another_release(budget):
    first = ask()
    gaussian = ask(mechanism=Mechanism.GAUSSIAN, delta=1e-9)
    assert gaussian.id != first.id
    assert (gaussian.delta, gaussian.mechanism) == (1e-9, Mechanism.GAUSSIAN)
    assert budgets.get(BUDGET).delta_used == 1e-9


def test_every_spend_and_release_is_in_the_log(budget):
    release = ask()
    entries = {entry.action: entry for entry in Entry.objects.all()}
    reserved, released = entries["aggregates.budget_reserved"], entries["aggregates.released"]
    assert released.id == release.entry_id
    assert Spend.objects.get(state=SpendState.RESERVE).entry_id == reserved.id
    assert Spend.objects.get(state=SpendState.COMMIT).entry_id == released.id
    assert json.loads(released.header)["facts"]["epsilon_micro"] == 100_000
    assert "aggregates.budget_created" in entries


def test_a_question_beyond_what_is_left_is_refused_and_not_charged(budget):
    ask(epsilon=0.95)
    with pytest.raises(BudgetSpent) as refusal:
        ask(Query(DATASET, "count"), epsilon=0.050001)
    assert refusal.value.fields["epsilon_left"] == 0.05
    assert ask(Query(DATASET, "count"), epsilon=0.05).budget_left == 0
    assert Spend.objects.filter(state=SpendState.RESERVE).count() == 2


def test_delta_is_a_budget_too(budget):
    with pytest.raises(BudgetSpent):
        ask(mechanism=Mechanism.GAUSSIAN, delta=2e-6)
    assert budgets.get(BUDGET).epsilon_used == 0


def test_undeclared_columns_and_keys_are_refused_before_anything_is_charged(budget):
    for query in (
        Query(DATASET, "count", group_by="city"),
        Query(DATASET, "count", group_by="postcode"),
        Query(DATASET, "count", where=(Where("store", "eq", "east"),)),
        Query(DATASET, "sum", "income"),
    ):
        with pytest.raises(QuestionRefused):
            ask(query)
    with pytest.raises(DatasetUnknown):
        ask(Query("nothing", "count"))
    with pytest.raises(BudgetUnknown):
        releases.ask(BY_STORE, epsilon=0.1, budget="shop.baskets/marketing", actor=ELI)
    assert not Spend.objects.exists()


def test_a_budget_pays_for_its_own_dataset_only(budget):
    datasets.register("shop.other", title="Other", loader=shop, groups={"store": STORES}, measures={}, purpose=PURPOSE)
    try:
        with pytest.raises(BudgetMismatch):
            ask(Query("shop.other", "count"))
        with pytest.raises(BudgetMismatch):
            budgets.create("shop.other", "marketing", 1.0, actor=ELI)
    finally:
        datasets.unregister("shop.other")


def test_a_loader_that_fails_costs_nothing(budget):
    register(lambda: shop().drop("store"))
    with pytest.raises(DatasetMalformed):
        ask()
    assert not Spend.objects.exists()


def test_a_mechanism_that_would_cost_more_than_was_charged_is_stopped_and_the_charge_given_back(budget, monkeypatch):
    monkeypatch.setattr(
        noise, "_loss", lambda step, charge, measurement=None: (charge.epsilon * (2 if measurement else 1), 0.0)
    )
    noise.plan.cache_clear()
    with pytest.raises(ChargeExceeded):
        ask(epsilon=0.123)
    noise.plan.cache_clear()
    assert budgets.get(BUDGET).epsilon_used == 0
    assert [spend.state for spend in Spend.objects.order_by("id")] == ["reserve", "void"]
    assert not Release.objects.exists()


def test_a_reservation_is_settled_once(budget):
    reservation = ledger.reserve(budget.id, Charge.of(0.1), query_sha256="", actor=ELI)
    ledger.void(reservation, reason="test", actor=ELI)
    for state in (ledger.void,):
        with pytest.raises(ReservationSettled):
            state(reservation, reason="test", actor=ELI)
    with pytest.raises(ReservationSettled), transaction.atomic():
        ledger.commit(reservation, entry_id=uuid7(), actor=ELI)
    assert budgets.get(BUDGET).epsilon_used == 0


@pytest.mark.django_db(transaction=True)
def test_a_question_inside_a_transaction_that_could_be_rolled_back_is_refused(budget):
    with transaction.atomic(), pytest.raises(InsideTransaction):
        ask()
    transaction.set_autocommit(False)
    try:
        with pytest.raises(InsideTransaction):
            ask()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert not Spend.objects.exists()


def test_a_version_changes_with_the_clock_and_never_with_the_rows(budget):
    """Were it otherwise, the number of the version would tell that somebody was removed."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        first = ask()
        register(lambda: shop(199).with_columns(postcode=pl.lit("00-001")))
        again = ask()
        assert (again.id, again.version, again.charged) == (first.id, 1, 0.0)
        clock.shift(timedelta(days=1))
        later = ask()
        assert (later.version, later.charged) == (2, 0.1)
        assert later.id != first.id
        assert budgets.get(BUDGET).epsilon_used == 0.2


def test_a_new_version_can_be_opened_by_somebody_who_says_so(budget):
    first = ask()
    assert datasets.refresh(DATASET, actor=ELI) == 2
    second = ask()
    assert (second.version, second.charged) == (2, 0.1)
    assert second.id != first.id
    opened = Entry.objects.filter(action="aggregates.version_opened").order_by("id")
    assert [entry.actor for entry in opened] == [str(SYSTEM), str(ELI)]
    assert list(DatasetVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_rows_are_loaded_again_when_they_are_old_or_the_version_is_new(budget):
    loads = []
    register(lambda: loads.append(1) or shop().with_columns(postcode=pl.lit("00-001")))
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        datasets.load(DATASET)
        clock.shift(timedelta(minutes=59))
        datasets.load(DATASET)
        assert len(loads) == 1
        clock.shift(timedelta(minutes=1))
        datasets.load(DATASET)
        assert len(loads) == 2
        datasets.refresh(DATASET, actor=ELI)
        datasets.load(DATASET)
        assert len(loads) == 3


def test_a_forked_process_does_not_work_on_with_what_its_parent_loaded(budget, monkeypatch):
    loads = []
    register(lambda: loads.append(1) or shop().with_columns(postcode=pl.lit("00-001")))
    datasets.load(DATASET)
    monkeypatch.setattr(datasets.os, "getpid", lambda: -1)
    datasets.load(DATASET)
    datasets.load(DATASET)
    assert len(loads) == 2


def test_the_answer_has_the_same_form_when_there_is_nobody(budget):
    full = ask()
    datasets.refresh(DATASET, actor=ELI)
    register(lambda: shop(0).with_columns(postcode=pl.lit("00-001")))
    empty = ask()
    assert [row.key for row in empty.rows] == [row.key for row in full.rows]
    assert [row.std for row in empty.rows] == [row.std for row in full.rows]
    for measure, column in (("count", None), ("sum", "amount"), ("mean", "amount")):
        assert len(ask(Query(DATASET, measure, column, group_by="store")).rows) == 3


def test_keys_that_are_not_public_leave_no_trace(budget):
    """A store that is not on the list appears in no answer, table or entry, whoever shops there."""
    register(lambda: shop().with_columns(store=pl.lit("secret-outlet"), postcode=pl.lit("99-999")))
    release = ask()
    assert [row.key for row in release.rows] == list(STORES)
    traces = []
    with connection.cursor() as cursor:
        for table in (
            "aggregates_release",
            "aggregates_spend",
            "aggregates_datasetversion",
            "aggregates_budget",
            "audit_entry",
        ):
            cursor.execute(
                f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE ANY (ARRAY['%secret-outlet%', '%99-999%', '%person-%'])"
            )
            traces.append(cursor.fetchone()[0])
    assert traces == [0] * 5


def test_an_estimate_charges_nothing_and_looks_at_no_row(budget):
    register(lambda: pytest.fail("the rows were loaded"))
    estimate = releases.estimate(BY_STORE, epsilon=0.5)
    assert (estimate.epsilon, estimate.sensitivity, estimate.keys, estimate.unit) == (0.5, 2, 3, "people")
    assert not Spend.objects.exists()
    with pytest.raises(QuestionRefused):
        releases.estimate(Query(DATASET, "count", group_by="city"), epsilon=0.5)


def test_a_release_can_be_read_again(budget):
    release = ask()
    assert releases.get(release.id).rows == release.rows
    assert [kept.id for kept in releases.kept()] == [release.id]
    with pytest.raises(ReleaseUnknown):
        releases.get(uuid7())


def test_means_of_cents_are_in_cents(budget):
    release = ask(Query(DATASET, "mean", "amount", cap=3), epsilon=0.9)
    (row,) = release.rows
    assert release.unit == "cent"
    # The mean of the clipped amounts is 3,330 cents; at this epsilon it errs by more than 1,500 with probability
    # below 1e-20.
    assert abs(row.value - 3_330) < 1_500


def test_a_declaration_cannot_change_under_a_registered_dataset(dataset):
    with pytest.raises(DatasetMalformed):
        datasets.register(
            dataset, title="Baskets", loader=shop, groups={"store": ("north",)}, measures={}, purpose=PURPOSE
        )


@pytest.mark.parametrize(
    "declaration",
    [
        {"groups": {"store": ()}},
        {"groups": {"store": ("a", "a")}},
        {"groups": {"store": ("a", 1)}},
        {"groups": {"store": (True, False)}},
        {"groups": {"subject": ("a",)}},
        {"groups": {"amount": ("a",)}, "measures": {"amount": Bounds(0, 1, "cent")}},
        {"groups": {"store": ("x" * 101,)}},
        {"groups": {"day": (2**60,)}},
        {"groups": {"store": ("a",)}, "caps": {"count": 0}},
    ],
)
def test_a_declaration_that_is_not_well_formed_is_refused(declaration):
    with pytest.raises(DatasetMalformed):
        datasets.register(
            "shop.bad", **{"title": "Bad", "loader": shop, "measures": {}, "purpose": PURPOSE, **declaration}
        )
