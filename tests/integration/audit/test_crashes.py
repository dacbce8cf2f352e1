"""Killed at any moment, writer and sequencer leave a log in which nothing is missing, doubled or out of order."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from django.db import connection, transaction

from audit import log, models, sequencer, sources
from audit.verification import verify_log
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.invariants import registered


def _write_until_killed() -> None:
    """In a child: changes with their entries, in transactions that some of the time roll back, for ever."""
    turn = 0
    while True:
        turn += 1
        try:
            with transaction.atomic():
                entry = log.emit("consent.given", actor=SYSTEM, subject=SubjectId(uuid7()), facts={"turn": turn})
                ids = [entry, *log.emit_many([log.Draft("consent.given", SYSTEM)] * (turn % 7))]
                models.Anomaly.objects.bulk_create(  # the changes: any table would do
                    models.Anomaly(rule="x", actor="", signature=str(one), observed=1, expected=0, window_start_at=clock.now(),
                                   found_at=clock.now()) for one in ids
                )  # fmt: skip
                if turn % 5 == 0:
                    raise ValueError
        except ValueError:
            pass


def _sequence_until_killed() -> None:
    while True:
        sequencer.sequence(batch=5)
        sequencer.check_writers()


def _start(work) -> int:
    connection.close()  # the child must not share the parent's connection
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


# Slow: processes are started and killed, with real time in between. ZGODA_KILLS=100 is the acceptance run.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_writers_and_sequencers_that_are_killed_lose_and_double_nothing():
    rng = random.Random(3)
    for _ in range(int(os.environ.get("ZGODA_KILLS", "8"))):
        children = [_start(_write_until_killed), _start(_write_until_killed), _start(_sequence_until_killed)]
        for child in rng.sample(children, 3):
            time.sleep(rng.uniform(0.02, 0.12))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    sequencer.sequence()
    assert sequencer.check_writers() == 0
    entries = {str(entry) for entry in models.Entry.objects.values_list("id", flat=True)}
    assert entries == set(models.Anomaly.objects.values_list("signature", flat=True))
    numbers = list(models.Leaf.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(len(entries)))
    assert len(numbers) > 10
    assert not models.Staged.objects.exists()
    assert all(not check().violations for name, check in registered().items() if name.startswith("audit."))
    assert verify_log().verified


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_writer_who_mentions_the_person_and_finds_the_link():
    import threading

    erin = SubjectId(uuid7())
    erased = threading.Event()
    found: list[int] = []

    def erase() -> None:
        try:
            found.append(sources.EntryLinks().erase(erin).deleted)
            erased.set()
        finally:
            connection.close()

    thread = threading.Thread(target=erase)
    with transaction.atomic():
        log.emit("consent.given", actor=SYSTEM, subject=erin)
        log.emit_many([log.Draft("consent.given", SYSTEM, subject=erin)] * 2)
        thread.start()
        assert not erased.wait(0.3)  # it cannot overtake the writer
    thread.join(10)
    assert found == [3]
    assert sources.EntryLinks().residual(erin).count == 0
