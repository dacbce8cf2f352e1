"""Claims against withdrawals on real connections: zero claims after an acknowledged withdrawal, whatever the schedule."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from consent import gate, ledger
from consent.errors import ClaimOutsideTransaction
from consent.ledger import ANY
from consent.models import ConsentVerdict
from consent.sources import ConsentLedgerSource
from governance.kernel.ids import SubjectId
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw

pytestmark = pytest.mark.django_db(transaction=True)


PATIENCE = 240.0
"""Seconds after which something hangs; nothing here rests on how fast the machine is."""


def in_threads(*work: Callable[[], None], patience: float = PATIENCE) -> None:
    """Run each on a connection of its own; an exception of any of them fails the test."""
    failures: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)


def claim(*subjects: SubjectId, purpose: str = "newsletter") -> gate.Verdicts:
    with transaction.atomic():
        return gate.claim(subjects, purpose, "email")


def test_a_claim_needs_a_transaction() -> None:
    arrange.purpose()
    with pytest.raises(ClaimOutsideTransaction):
        gate.claim([person()], "newsletter", "email")


def test_every_answer_of_a_claim_is_kept_refusals_too() -> None:
    arrange.purpose()
    shown = arrange.notice()
    yes, no = people(2)
    give(yes, shown)
    verdicts = claim(yes, no)
    assert verdicts.allowed == [yes]
    assert set(verdicts.ids) == {yes, no}
    assert verdicts.verdict_of(yes).id == verdicts.ids[yes]
    kept = dict(ConsentVerdict.objects.values_list("id", "allowed"))
    assert kept == {verdicts.ids[yes]: True, verdicts.ids[no]: False}


SEEDS = int(os.environ.get("ZGODA_CLAIM_SEEDS", "3"))
WITHDRAWALS = int(os.environ.get("ZGODA_CLAIM_WITHDRAWALS", "60"))
"""How many batches lose one, and how many people withdraw under six senders; 500 and 10,000 were run once."""


def test_of_two_hundred_one_of_whom_withdraws_just_before_exactly_199_are_claimed() -> None:
    arrange.purpose()
    shown = arrange.notice()
    for seed in range(SEEDS):
        crowd = people(200)
        ledger.record([draft(subject, "given", notice_version_id=shown) for subject in crowd], actor=STAFF)
        permitted = gate.filter(crowd, "newsletter", "email").allowed
        unlucky = random.Random(seed).choice(crowd)
        withdraw(unlucky)
        verdicts = claim(*permitted)
        assert set(permitted) - set(verdicts.allowed) == {unlucky}
        assert ConsentVerdict.objects.filter(allowed=True, subject_id__in=crowd).count() == 199


def test_nothing_of_a_claim_is_kept_when_its_transaction_fails() -> None:
    arrange.purpose(legal_basis="contract")
    with transaction.atomic():
        gate.claim([person()], "newsletter", "email")
        transaction.set_rollback(True)
    assert not ConsentVerdict.objects.exists()


@pytest.mark.parametrize("stop", ["withdrawn", "objected", "restricted", "erased"])
@pytest.mark.parametrize("known", [True, False])
def test_what_stops_a_person_waits_for_a_claim_even_where_there_is_no_state(stop: str, known: bool) -> None:
    """A sender holds its claim; the stop is acknowledged only after the sender's transaction ended."""
    arrange.purpose(legal_basis="legitimate_interest")
    subject = person()
    if known:
        ledger.record(draft(subject, "requested"), actor=STAFF)
    claimed, released, order = threading.Event(), threading.Event(), []

    def sender() -> None:
        with transaction.atomic():
            assert gate.claim([subject], "newsletter", "email").allowed == [subject]
            claimed.set()
            assert released.wait(PATIENCE)
            order.append("claim committed")

    def stopper() -> None:
        assert claimed.wait(PATIENCE)
        threading.Timer(0.3, released.set).start()
        if stop == "erased":
            ConsentLedgerSource().erase(subject)
        else:
            ledger.record(draft(subject, stop, purpose=ANY, channel=ANY), actor=STAFF)
        order.append("stop acknowledged")

    in_threads(sender, stopper)
    assert order == ["claim committed", "stop acknowledged"]
    assert claim(subject).allowed == []


@pytest.mark.parametrize("known", [True, False])
def test_a_claim_waits_for_a_withdrawal_under_way_and_then_sees_it(known: bool) -> None:
    arrange.purpose(legal_basis="legitimate_interest")
    subject = person()
    if known:
        ledger.record(draft(subject, "requested"), actor=STAFF)
    withdrawing, allowed = threading.Event(), []

    def stopper() -> None:
        with transaction.atomic():
            ledger.record(draft(subject, "withdrawn"), actor=STAFF)
            withdrawing.set()
            time.sleep(0.3)

    def sender() -> None:
        assert withdrawing.wait(PATIENCE)
        allowed.extend(claim(subject).allowed)

    in_threads(stopper, sender)
    assert allowed == []


def test_two_senders_claim_the_same_people_side_by_side() -> None:
    arrange.purpose(legal_basis="contract")
    crowd = people(20)
    claim(*crowd)  # the heads exist
    both = threading.Barrier(2, timeout=PATIENCE)

    def sender(order: list[SubjectId]) -> None:
        with transaction.atomic():
            gate.claim(order, "newsletter", "email")
            both.wait()  # only passed when both hold their claims at once

    in_threads(lambda: sender(crowd), lambda: sender(crowd[::-1]))


@pytest.fixture
def turns() -> Iterator[None]:
    """Threads that hand over after a tenth of a millisecond: eight that all want to go on else wait for one another most of the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(before)


# Slow: six senders against hundreds of withdrawals need a few seconds to meet in many orders.
@pytest.mark.slow
@pytest.mark.timeout(300 + WITHDRAWALS)
@pytest.mark.usefixtures("turns")
@pytest.mark.parametrize("basis", ["consent", "legitimate_interest"])
def test_no_claim_after_an_acknowledged_withdrawal(basis: str) -> None:
    """Six senders claim batches over and over while every person withdraws, some of everything. On the interest nobody has any state.

    Half of a batch are people who withdraw at about that moment, so that most claims meet a withdrawal.
    """
    arrange.purpose(legal_basis=basis)
    crowd = people(WITHDRAWALS)
    if basis == "consent":
        shown = arrange.notice()
        ledger.record([draft(subject, "given", notice_version_id=shown) for subject in crowd], actor=STAFF)
    acknowledged: dict[SubjectId, float] = {}
    late: list[tuple[SubjectId, float]] = []
    claims, batches = [0], [0]
    done = threading.Event()

    def sender(seed: int) -> None:
        choose = random.Random(seed)
        while not done.is_set():
            front = min(len(acknowledged), WITHDRAWALS - 12)
            batch = list({*choose.sample(crowd, 6), *choose.sample(crowd[max(0, front - 12) : front + 12], 6)})
            with transaction.atomic():
                began = time.monotonic()
                known = {subject for subject in batch if acknowledged.get(subject, began) < began}
                verdicts = gate.claim(batch, "newsletter", "email")
            late.extend((subject, began) for subject in verdicts.allowed if subject in known)
            claims[0] += len(verdicts.allowed)
            batches[0] += 1

    def withdrawer(part: list[SubjectId]) -> None:
        try:
            for place, subject in enumerate(part):
                withdraw(subject, **({"purpose": ANY, "channel": ANY} if place % 3 == 0 else {}))
                acknowledged[subject] = time.monotonic()
        finally:
            finished.append(1)
            if len(finished) == 2:
                done.set()

    finished: list[int] = []
    in_threads(
        *[lambda seed=seed: sender(seed) for seed in range(6)],
        lambda: withdrawer(crowd[::2]),
        lambda: withdrawer(crowd[1::2]),
        patience=PATIENCE + WITHDRAWALS,
    )
    assert late == []
    print(f"{WITHDRAWALS} withdrawals beside {batches[0]} batches, in which {claims[0]} claims were allowed")
    assert claims[0] > 0
    assert claim(*crowd).allowed == []


@pytest.mark.slow  # four writers on real connections
def test_writers_of_overlapping_batches_do_not_deadlock() -> None:
    arrange.purpose()
    crowd = people(40)

    def writer(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(5):
            ledger.record([draft(subject, "withdrawn") for subject in choose.sample(crowd, 20)], actor=STAFF)
            claim(*choose.sample(crowd, 20))

    in_threads(*[lambda seed=seed: writer(seed) for seed in range(4)])
    assert sum(len(ledger.history(subject)) for subject in crowd) == 4 * 5 * 20


def test_one_key_sent_by_two_at_once_is_one_event() -> None:
    arrange.purpose()
    subject = person()
    one = draft(subject, "withdrawn")
    results: list[Any] = []
    in_threads(*[lambda: results.extend(ledger.record(one, actor=STAFF)) for _ in range(6)])
    assert sorted(result.duplicate for result in results) == [False] + [True] * 5
    assert len({result.event_id for result in results}) == 1
