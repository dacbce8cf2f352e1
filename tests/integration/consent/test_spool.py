"""Withdrawals while the database is away: kept encrypted, applied in order, none lost whatever is killed when."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from consent import gate, ledger, spool, tasks
from consent.errors import SpoolFull, WithdrawalsWaiting
from consent.ledger import ANY
from consent.models import ConsentEvent
from governance import health
from governance.kernel import prepared
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import give, people, person
from tests.integration.consent.test_api import pipeline

pytestmark = pytest.mark.django_db
KILLS = int(os.environ.get("ZGODA_SPOOL_KILLS", "40"))
"""How many writers are killed, each at another point; 200 were run once."""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """A spool of its own, and the key where it always is."""
    settings.ZGODA_VAR = tmp_path
    return tmp_path / "spool" / "consent"


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    return arrange.notice()


def away(*_: Any, **__: Any) -> Any:
    raise OperationalError("the server is gone")


def keep(subject: SubjectId, purpose: str = "newsletter", channel: str = "email") -> Any:
    return spool.accept("privacy_center", {"subject": str(subject), "purpose": purpose, "channel": channel})


def test_what_was_kept_is_applied_once_with_the_instant_of_its_acceptance(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    identifier = keep(subject)
    assert spool.pending() == 1
    assert spool.drain() == 1
    assert (spool.pending(), spool.drain()) == (0, 0)
    assert not gate.check(subject, "newsletter", "email").allowed
    event = ConsentEvent.objects.get(subject_id=subject, event_type="withdrawn")
    assert event.idempotency_key.endswith(str(identifier))
    assert event.occurred_at < event.received_at


def test_the_gate_is_shut_while_something_waits_but_the_past_can_be_asked(shown: Any) -> None:
    subject, other = people(2)
    give(other, shown)
    at = ledger.history(other)[0].received_at
    keep(subject)
    for ask in (lambda: gate.check(other, "newsletter", "email"), lambda: gate.filter([other], "newsletter", "email")):
        with pytest.raises(WithdrawalsWaiting):
            ask()
    assert gate.check(other, "newsletter", "email", at=at).allowed
    spool.drain()
    assert gate.check(other, "newsletter", "email").allowed


def test_a_withdrawal_right_after_the_last_was_applied_is_seen(shown: Any, directory: Path) -> None:
    """The directory's instant of change is too coarse to tell the two apart."""
    for subject in people(5):
        keep(subject)
        assert spool.drain() == 1
        assert spool.pending() == 0
        at = directory.stat().st_mtime_ns
        keep(subject)
        os.utime(directory, ns=(at, at))
        assert spool.pending() == 1
        spool.drain()


def test_nothing_of_it_can_be_read_or_moved(shown: Any, directory: Path) -> None:
    subject = person()
    keep(subject)
    keep(person())
    first, second = sorted(directory.glob("*.withdrawal"))
    assert str(subject).encode() not in first.read_bytes()
    assert first.stat().st_mode & 0o077 == 0
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    spool.drain()
    assert (spool.pending(), spool.refused()) == (0, 2), "moved records are put aside, not applied"
    assert not ConsentEvent.objects.exists()


def test_they_are_applied_in_order_of_acceptance(shown: Any) -> None:
    crowd = people(12)
    for subject in crowd:
        keep(subject)
    spool.drain()
    recorded = ConsentEvent.objects.order_by("received_at", "id").values_list("subject_id", flat=True)
    assert list(recorded) == crowd


def test_what_waits_too_long_is_told_where_operators_look(shown: Any, client: Client) -> None:
    assert (spool.waiting_since(), spool.overdue()) == (None, False)
    assert client.get("/readyz").json().get("spool", {"state": "ok"})["state"] == "ok"
    with time_machine.travel(now() - spool.PATIENCE - timedelta(seconds=5), tick=False):
        keep(person())
    keep(person())
    assert spool.overdue()
    with patch.object(health, "_queue", return_value="ok"), patch.object(health, "_migrations", return_value="ok"):
        told = client.get("/readyz").json()["spool"]
    assert (told["waiting"], told["state"]) == (2, "overdue")
    assert told["oldest_seconds"] >= spool.PATIENCE.total_seconds()
    with patch.object(tasks._logger, "error") as line:
        tasks.tell_of_withdrawals_that_wait()
        spool.drain()
        tasks.tell_of_withdrawals_that_wait()
    line.assert_called_once_with("withdrawals_wait_too_long", count=2)
    assert not spool.overdue()


def test_a_full_spool_says_so_and_keeps_nothing(directory: Path) -> None:
    with patch.object(spool, "MOST", 2):
        keep(person())
        keep(person())
        with pytest.raises(SpoolFull):
            keep(person())
    with patch("os.fsync", side_effect=OSError(28, "No space left on device")), pytest.raises(SpoolFull):
        keep(person())
    assert spool.pending() == 2
    assert not list(directory.glob(".*.part"))


def test_a_torn_file_is_no_withdrawal_and_is_cleared_away_later(shown: Any, directory: Path) -> None:
    subject = person()
    keep(subject)
    torn = directory / ".00000000000000000001-aa.withdrawal.part"
    torn.write_bytes(b"half")
    os.utime(torn, (1, 1))
    assert spool.drain() == 1
    assert not torn.exists()


def test_draining_stops_when_the_database_goes_again_and_goes_on_later(shown: Any) -> None:
    crowd = people(3)
    for subject in crowd:
        keep(subject)
    record, done = ledger.record, []

    def once(*arguments: Any, **keywords: Any) -> Any:
        if done:
            away()
        done.append(1)
        return record(*arguments, **keywords)

    with patch.object(ledger, "record", once):
        assert spool.drain() == 1
    assert spool.pending() == 2
    assert spool.drain() == 2
    assert ConsentEvent.objects.count() == 3


def in_a_child(work: Callable[[], None], *, killed_before: int) -> int:
    """Run in a forked process that is killed before its n-th step on the disk; returns how often it said that it had accepted."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        steps = [0]

        def counted(name: str) -> None:
            real = getattr(os, name)

            def step(*arguments: Any, **keywords: Any) -> Any:
                steps[0] += 1
                if steps[0] == killed_before:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **keywords)

            setattr(os, name, step)

        for name in ("open", "fsync", "rename", "close", "fdopen"):
            counted(name)
        work()
        os.write(writing, b"+")
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    said = os.read(reading, 10)
    os.close(reading)
    return len(said)


@pytest.mark.slow  # forty forks of a large process
def test_a_writer_killed_between_any_two_steps_loses_nothing_that_it_acknowledged(shown: Any) -> None:
    crowd = people(KILLS)
    keep(person())  # directory and key are there
    acknowledged = {
        subject for place, subject in enumerate(crowd) if in_a_child(lambda: keep(subject), killed_before=1 + place % 8)
    }
    assert 0 < len(acknowledged) < KILLS
    spool.drain()
    applied = set(ConsentEvent.objects.values_list("subject_id", flat=True))
    assert acknowledged <= applied
    assert spool.refused() == 0


def test_a_crash_between_applying_and_forgetting_applies_nothing_twice(shown: Any) -> None:
    subject = person()
    keep(subject)
    with patch.object(Path, "unlink", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        spool.drain()
    assert spool.pending() == 1
    spool.drain()
    assert ConsentEvent.objects.filter(subject_id=subject).count() == 1


def test_a_client_s_withdrawal_is_accepted_without_the_database_and_applied_if_its_key_is_good(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    call = pipeline("consent:write")
    with patch.object(connection, "cursor", away), patch.object(prepared, "fetch_all", away):
        status, body = call("POST", "withdraw", {"subject": opaque("sub", subject)}, **{"Idempotency-Key": "w-1"})
        assert call("POST", "withdraw", {"subject": "nobody"})[0] == 422
        forged = Client().post(
            "/api/v1/consent/withdraw", json.dumps({"subject": opaque("sub", subject)}), content_type="application/json",
            headers={"Authorization": "Bearer zg_000000000000_x"},
        )  # fmt: skip
        assert Client().post("/api/v1/consent/withdraw", "{}", content_type="application/json").status_code == 401
    assert (status, body["accepted"][:4]) == (202, "spl_")
    assert forged.status_code == 202
    spool.drain()
    assert spool.refused() == 1, "the forged key was never a withdrawal"
    assert [one.event_type for one in ledger.history(subject)] == ["given", "withdrawn"]
    assert call("POST", "withdraw", {"subject": opaque("sub", subject)}, **{"Idempotency-Key": "w-1"})[0] == 200


def test_a_grant_is_never_kept_for_later(shown: Any) -> None:
    call = pipeline("consent:write")
    with patch.object(connection, "cursor", away), pytest.raises(OperationalError):
        call("POST", "events", {
            "subject": opaque("sub", person()), "purpose": "newsletter", "channel": "email", "event_type": "given",
            "method": "web_form", "notice_version": opaque("ntc", shown),
        }, **{"Idempotency-Key": "1"})  # fmt: skip
    assert spool.pending() == 0


def test_a_page_keeps_every_no_and_says_that_a_yes_was_not_saved(shown: Any) -> None:
    from governance.privacy_center import keeping

    arrange.purpose("service", legal_basis="legitimate_interest")
    subject = person()
    give(subject, shown)
    answers = {"newsletter|email": "no", "service|email": "no", "newsletter|sms": "yes", "presentation": "no"}
    assert keeping.keep_refusals(subject, answers, everything=False)
    assert not keeping.keep_refusals(subject, {}, everything=True)
    assert spool.drain() == 3
    assert gate.check(subject, "service", "email").reason == "objected"
    assert {one.event_type for one in ledger.history(subject)} == {"given", "withdrawn", "objected"}
    assert ledger.history(subject)[-1].purpose == ANY
