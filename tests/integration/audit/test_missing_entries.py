"""Who takes an entry away before it has a number leaves a hole in its writer's count."""

from __future__ import annotations

import json
import os
import signal

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import log, models, sequencer, tasks, writers
from audit.errors import GapAcknowledged, NotAPerson, UnknownEntry
from audit.rereading import gaps
from audit.verification import verify_log
from governance.kernel.actors import SYSTEM
from tests.integration.audit.arrange import DANA, undone, unguarded, write, write_log

LOST = "log.entries_missing"


def take_away(entry) -> None:
    """What leaves no trace in the tables: entry and link."""
    unguarded("DELETE FROM audit_entry WHERE id = %s", entry)
    unguarded("DELETE FROM audit_subject_link WHERE entry_id = %s", entry)


def emit() -> object:
    return log.emit("consent.given", actor=SYSTEM)


@pytest.mark.django_db
@pytest.mark.parametrize("gone", [0, 3, 5])
def test_an_entry_that_is_taken_away_before_it_has_a_number_is_missed(gone: int):
    write_log(4)
    ids = write(6)
    take_away(ids[gone])
    write(1)
    sequencer.sequence()
    lost = models.Entry.objects.get(action=LOST)
    said = json.loads(lost.header)["facts"]
    assert said == {"after": 4 + gone, "upto": 5 + gone, "count": 1}
    report = verify_log()
    assert not report.verified
    assert report.first_bad.kind == "removed"
    assert report.first_bad.entry_id == lost.id


@pytest.mark.django_db
def test_staged_rows_that_changed_places_or_counts_are_not_taken():
    ids = write(4)
    for statement in (
        "UPDATE audit_staged SET number = number + 1000 WHERE id = %s",
        "UPDATE audit_staged SET writer = gen_random_uuid() WHERE id = %s",
    ):
        with undone():
            unguarded(statement, ids[1])
            sequencer.sequence()
            assert not verify_log().verified
    with undone():
        unguarded("UPDATE audit_staged SET number = 5 - number WHERE id = ANY(%s)", [ids[0], ids[3]])
        sequencer.sequence()
        assert not verify_log().verified
    sequencer.sequence()
    assert verify_log().verified


@pytest.mark.django_db
def test_a_count_that_somebody_turned_back_is_missed():
    write_log(5)
    for statement in (
        "DELETE FROM audit_writer",
        "UPDATE audit_writer SET number = 2",
        "UPDATE audit_writer SET number = 9",
    ):
        with undone():
            unguarded(statement)
            write_log(1)
            assert models.Entry.objects.filter(action=LOST).exists()


@pytest.mark.django_db(transaction=True)
def test_the_last_entry_of_a_writer_is_missed_too():
    with transaction.atomic():
        kept = emit()
    with transaction.atomic():
        last = emit()
    with transaction.atomic():
        take_away(last)
    tasks.sequence()
    tasks.sequence()
    assert json.loads(models.Entry.objects.get(action=LOST).header)["facts"]["count"] == 1
    assert models.Leaf.objects.filter(entry_id=kept).exists()
    assert not verify_log().verified


@pytest.mark.django_db(transaction=True)
def test_the_last_entry_of_a_process_that_was_killed_is_missed_too():
    connection.close()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with transaction.atomic():
                entry = emit()
            os.write(tell, str(entry).encode())
            signal.pause()
        finally:
            os._exit(1)
    entry = os.read(told, 36).decode()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with transaction.atomic():
        take_away(entry)
    tasks.sequence()
    assert models.Entry.objects.filter(action=LOST).count() == 1
    assert [noted for _, noted in writers.noted()] == [1]  # the parent's own; the child's note is done with


class _Undo(Exception):
    pass


_steps = st.recursive(
    st.just("emit") | st.just("many"),
    lambda inner: st.tuples(st.sampled_from(["keep", "undo"]), st.lists(inner, max_size=4)),
    max_leaves=12,
)


def play(step) -> None:
    if step == "emit":
        emit()
    elif step == "many":
        log.emit_many([log.Draft("consent.given", SYSTEM)] * 3)
    else:
        how, inner = step
        try:
            with transaction.atomic():
                for one in inner:
                    play(one)
                if how == "undo":
                    raise _Undo
        except _Undo:
            pass


# Slow: every example commits, and tables are emptied after each.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=int(os.environ.get("ZGODA_INTERLEAVINGS", "15")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.sampled_from(["keep", "undo"]), st.lists(_steps, max_size=5)), max_size=5))
def test_no_rollback_of_any_shape_looks_like_a_theft(transactions):
    for one in transactions:
        play(one)
    tasks.sequence()
    assert not models.Entry.objects.filter(action=LOST).exists()
    assert not models.Staged.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hook_that_writes_in_a_transaction_of_its_own_counts_on():
    def later() -> None:
        with transaction.atomic():
            emit()

    with transaction.atomic():
        transaction.on_commit(later)
        emit()
        transaction.on_commit(later)
    tasks.sequence()
    assert models.Leaf.objects.count() == 3
    assert not models.Entry.objects.filter(action=LOST).exists()


@pytest.mark.django_db
def test_a_gap_that_a_person_accounted_for_is_told_from_a_new_one():
    write_log(4)
    ids = write(3)
    take_away(ids[1])
    sequencer.sequence()
    old = models.Entry.objects.get(action=LOST).id
    with pytest.raises(NotAPerson):
        gaps.acknowledge(old, actor=SYSTEM, cause=gaps.Cause.RESTORED, case="INC-1")
    with pytest.raises(UnknownEntry):
        gaps.acknowledge(ids[0], actor=DANA, cause=gaps.Cause.RESTORED, case="INC-1")
    gaps.acknowledge(old, actor=DANA, cause=gaps.Cause.RESTORED, case="INC-1")
    with pytest.raises(GapAcknowledged):
        gaps.acknowledge(old, actor=DANA, cause=gaps.Cause.INCIDENT, case="INC-2")
    sequencer.sequence()
    report = verify_log()
    assert report.verified, report.problems
    known = report.known_gaps[0]
    assert (known.entry_id, known.count, known.acknowledged_by, known.case) == (old, 1, str(DANA), "INC-1")
    take_away(write(2)[0])
    sequencer.sequence()
    report = verify_log()
    assert not report.verified
    assert report.first_bad.entry_id != old
    assert [gap.entry_id for gap in report.known_gaps] == [old]


@pytest.mark.django_db
def test_the_command_acknowledges_in_the_name_of_a_person(capsys):
    write_log(1)
    take_away(write(2)[0])
    sequencer.sequence()
    gap = str(models.Entry.objects.get(action=LOST).id)
    dana = get_user_model().objects.create_user(email="dana@example.com", password="a long enough pass-phrase")
    with pytest.raises(CommandError, match="No active member"):
        call_command("acknowledge_gap", gap, by="nobody@example.com", cause="restored", case="INC-1")
    call_command("acknowledge_gap", gap, by="Dana@example.com", cause="savepoint", case="INC-1")
    assert models.Entry.objects.get(action="log.gap_acknowledged").actor == f"staff:{dana.pk}"
    sequencer.sequence()
    call_command("verify_log")
    assert "known gap" in capsys.readouterr().out
