"""The log is read by several processes, each of them a part: together they find what one would, and none overlooks its own."""

from __future__ import annotations

import os

import pytest
from django.db import transaction

from audit import models, sequencer, sources, verification
from audit.rereading import sweep
from audit.verification import verify_log
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import sql, unguarded, write

SIZE = 150
STARTS = (0, 48, 96)  # of the parts of three processes, in whole chunks
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_LEVEL", 4)
    monkeypatch.setattr(sweep, "CHUNK", 16)
    monkeypatch.setattr(sweep, "WORTH_A_PROCESS", 100)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


@pytest.fixture
def ids() -> list:
    """A log that is committed, for other processes to see; with a link that an erasure took in every part."""
    gone = SubjectId(uuid7())
    made: list = []
    for _ in range(3):
        made += write(49, about=SubjectId(uuid7())) + write(1, about=gone)
    sequencer.sequence(batch=70)
    sources.EntryLinks().erase(gone)
    return made


def swept(*, alone: bool) -> sweep.Swept | None:
    with verification._snapshot():
        return sweep.sweep(SIZE, lambda _: None, alone=alone)


def test_several_processes_find_what_one_finds(ids: list):
    assert [low for low, _ in sweep._parts(3, SIZE)] == list(STARTS)
    together, one = swept(alone=False), swept(alone=True)
    assert together is not None
    assert one is not None
    assert together.tree.levels == one.tree.levels
    assert (together.links, together.unlinked) == (one.links, one.unlinked)
    assert (together.links, len(together.unlinked)) == (3 * 49, 3 * 16)
    report = verify_log()
    assert report.verified, report.problems
    assert report.root_sha256 == bytes(models.Checkpoint.objects.get(size=SIZE).root).hex()


# Slow: the log is written and read three times over.
@pytest.mark.slow
@pytest.mark.parametrize("seq", [STARTS[0], STARTS[1] - 1, STARTS[1], STARTS[2], SIZE - 1])
def test_whichever_process_meets_the_bad_entry_it_is_named(ids: list, seq: int):
    ((entry_id,),) = sql("SELECT entry_id FROM audit_leaf WHERE seq = %s", seq)
    with transaction.atomic():
        unguarded("UPDATE audit_entry SET object = 'consent_event:other' WHERE id = %s", entry_id)
    assert swept(alone=False) is None
    report = verify_log()
    assert report.first_bad is not None
    assert (report.first_bad.seq, report.first_bad.kind) == (seq, "changed")


def test_what_a_process_left_undone_is_no_false_alarm(ids: list, monkeypatch: pytest.MonkeyPatch):
    """It was killed, or got no connection: then its part is read here."""
    monkeypatch.setattr(sweep, "_work", lambda *_: os._exit(9))
    found = swept(alone=False)
    assert found is not None
    assert found.tree.size == SIZE
    assert verify_log().verified
