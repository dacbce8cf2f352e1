"""Promise 8: nothing accepted is ever lost, and nothing runs twice at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction

from governance.jobs import calendar, handlers, leases, queue, worker
from governance.jobs.errors import ArgumentNotAllowed, LeaseLost, UnknownKind
from governance.jobs.models import Job, State
from governance.kernel import clock
from governance.kernel.errors import IntegrityFailure

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran() -> Iterator[list[str]]:
    """Handlers for this test alone, and the list of what they were given."""
    seen: list[str] = []

    @handlers.handles("test.note", max_attempts=3, lease_seconds=30)
    def note(args: handlers.Args, lease: leases.Lease) -> None:
        seen.append(str(args["name"]))

    @handlers.handles("test.fail", max_attempts=3, lease_seconds=30)
    def fail(args: handlers.Args, lease: leases.Lease) -> None:
        seen.append("failed")
        raise RuntimeError("no")

    @handlers.handles("test.broken", max_attempts=3, lease_seconds=30)
    def broken(args: handlers.Args, lease: leases.Lease) -> None:
        raise IntegrityFailure

    yield seen
    for kind in ("test.note", "test.fail", "test.broken"):
        handlers._handlers.pop(kind)


KINDS = ("test.note", "test.fail", "test.broken")


def test_a_job_runs_once(ran: list[str]) -> None:
    queue.schedule("test.note", {"name": "a"})
    assert worker.drain(kinds=KINDS).done == 1
    assert worker.drain(kinds=KINDS).total == 0
    assert ran == ["a"]


def test_a_job_vanishes_with_the_change_that_caused_it(ran: list[str]) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue.schedule("test.note", {"name": "a"})
        raise RuntimeError
    assert worker.drain(kinds=KINDS).total == 0


def test_the_same_key_is_the_same_job(ran: list[str]) -> None:
    first = queue.schedule("test.note", {"name": "a"}, key="k")
    assert queue.schedule("test.note", {"name": "b"}, key="k") == first
    worker.drain(kinds=KINDS)
    assert ran == ["a"]


def test_an_unknown_kind_is_refused_when_it_is_scheduled() -> None:
    with pytest.raises(UnknownKind):
        queue.schedule("test.nobody")


@pytest.mark.parametrize("value", ["alice@example.com", "x" * 201, 1.5, None, ["a"]])
def test_an_argument_that_may_be_personal_data_is_refused(ran: list[str], value: object) -> None:
    with pytest.raises(ArgumentNotAllowed):
        queue.schedule("test.note", {"name": value})  # type: ignore[dict-item]


def test_a_failing_job_backs_off_and_ends_as_a_dead_letter(ran: list[str]) -> None:
    identifier = queue.schedule("test.fail")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for expected in ("failed", "failed", "dead"):
            assert getattr(worker.drain(kinds=KINDS), expected) == 1
            assert worker.drain(kinds=KINDS).total == 0, "it must wait before it is tried again"
            traveller.shift(timedelta(minutes=20))
    job = Job.objects.get(id=identifier)
    assert (job.state, job.attempts, job.error_class) == (State.DEAD, 3, "RuntimeError")
    queue.retry_dead(identifier)
    assert worker.drain(kinds=KINDS).failed == 1


def test_broken_evidence_is_never_tried_again(ran: list[str]) -> None:
    queue.schedule("test.broken")
    assert worker.drain(kinds=KINDS).dead == 1


def test_a_killed_workers_job_is_taken_over_and_the_zombie_can_write_nothing(ran: list[str]) -> None:
    queue.schedule("test.note", {"name": "a"})
    lengths = {"test.note": timedelta(seconds=30)}
    zombie = leases.claim(lengths)
    assert zombie is not None
    assert leases.claim(lengths) is None, "while the lease lasts the job is nobody else's"
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        heir = leases.claim(lengths)
        assert heir is not None
        assert heir.fence == zombie.fence + 1
        for write in (
            zombie.heartbeat,
            zombie.finish,
            lambda: zombie.postpone(clock.now(), "x"),
            lambda: zombie.bury("x"),
        ):
            with pytest.raises(LeaseLost):
                write()
        with pytest.raises(LeaseLost), transaction.atomic():
            zombie.check()
        heir.check()
        heir.finish()


def test_a_job_that_kills_its_workers_is_buried(ran: list[str]) -> None:
    identifier = queue.schedule("test.note", {"name": "a"})
    lengths = {"test.note": timedelta(seconds=30)}
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for _ in range(3):
            assert leases.claim(lengths) is not None
            traveller.shift(timedelta(seconds=31))
        assert worker.drain(kinds=KINDS).dead == 1
    assert Job.objects.get(id=identifier).error_class == "KilledItsWorker"
    assert ran == []


@pytest.mark.django_db(transaction=True)
def test_eight_workers_share_the_work_and_double_none(ran: list[str]) -> None:
    for number in range(200):
        queue.schedule("test.note", {"name": str(number)})

    def work() -> None:
        try:
            worker.drain(kinds=KINDS)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ran, key=int) == [str(number) for number in range(200)]
    assert Job.objects.filter(kind="test.note", state=State.DONE).count() == 200


def test_a_periodic_verb_runs_once_per_interval() -> None:
    seen: list[int] = []
    handlers.every(seconds=60, name="test.tick")(lambda: seen.append(1))
    others = {name: verb for name, verb in handlers._recurring.items() if name != "test.tick"}
    for name in others:
        handlers._recurring.pop(name)
    try:
        with time_machine.travel(clock.now(), tick=False) as traveller:
            calendar.run_due()
            calendar.run_due()
            traveller.shift(timedelta(seconds=61))
            calendar.run_due()
    finally:
        handlers._recurring.pop("test.tick")
        handlers._recurring.update(others)
    assert len(seen) == 2
