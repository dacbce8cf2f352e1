"""A sender dies between any two steps: nothing is lost, nothing doubled, and few messages are left unknown."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import connection

from engine.channels import campaigns, outcomes, progress, recovery, sending
from engine.channels.loopback_sink import LoopbackSink
from engine.channels.models import Dispatch, HandOverProgress
from engine.channels.smtp import EmailAdapter
from governance.jobs.models import Job
from governance.kernel.clock import now
from tests.integration.consent import arrange
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import (
    address,
    consenting,
    counts,
    launched,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it."""


def test_a_worker_killed_between_claim_and_hand_over_loses_and_doubles_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    winter = launched(consenting(5))
    with mail_server(settings) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                sending.send_due(winter, EmailAdapter())
        assert counts(winter) == {"claimed": 5}
        assert recovery.recover() == 0, "a living claim was taken away"
        with time_machine.travel(now() + timedelta(minutes=2)):
            recovery.recover()
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(5)]
    assert counts(winter) == {"sent": 5}
    assert violations() == {}


def test_a_message_that_ends_every_sender_is_put_aside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    winter = launched(consenting(1))
    monkeypatch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
    with mail_server(settings):
        for minutes in range(0, 30, 2):
            with time_machine.travel(now() + timedelta(minutes=minutes)):
                recovery.recover()
                with suppress(Killed):
                    sending.send_due(winter, EmailAdapter())
    assert campaigns.status(winter).withheld_because == {"cannot_be_sent": 1}


def test_a_withdrawal_between_a_crash_and_the_recovery_is_heard(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = consenting(2)
    winter = launched(people)
    with mail_server(settings) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                sending.send_due(winter, EmailAdapter())
        arrange.withdraw(people[0])
        with time_machine.travel(now() + timedelta(minutes=2)):
            recovery.recover()
            work()
        assert sink.recipients() == [address(1)]
    assert violations() == {}


def kill_while_sending(monkeypatch: pytest.MonkeyPatch, sink: LoopbackSink, winter: UUID, after: int) -> None:
    """A worker that is killed after so many messages: nothing that it would still write is written."""
    original = _session_hand_over()

    def hand_over(session: Any, message: Any) -> Any:
        if sink.count() >= after:
            raise Killed
        return original(session, message)

    with monkeypatch.context() as patch:
        patch.setattr("engine.channels.smtp.SmtpSession.hand_over", hand_over)
        patch.setattr(outcomes, "record", lambda claim, ends, actor: None)
        with suppress(Killed):
            sending.send_due(winter, EmailAdapter())


@pytest.mark.parametrize(
    ("arrived", "ends"),
    [
        (0, {"unknown": 4, "sent": 6}),  # the note said: up to the fourth. The other six were sent afterwards
        (2, {"unknown": 4, "sent": 6}),
        (4, {"unknown": 4, "sent": 6}),
        (9, {"unknown": 2, "sent": 8}),
        (10, {"unknown": 2, "sent": 8}),
    ],
)
def test_a_worker_killed_during_the_hand_over_never_doubles_and_leaves_few_unknown(
    settings: Any, monkeypatch: pytest.MonkeyPatch, arrived: int, ends: dict[str, int]
) -> None:
    """The kill takes the recording with it, as a kill -9 does: the database is left as the sender's notes have it."""
    winter = launched(consenting(10))
    with mail_server(settings) as sink:
        kill_while_sending(monkeypatch, sink, winter, arrived)
        assert counts(winter) == {"handing_over": 10}
        assert sink.count() == arrived
        recovery.recover()
        assert counts(winter) == {"handing_over": 10}, "a living batch was taken away"
        with time_machine.travel(now() + timedelta(minutes=5)):
            recovery.recover()
            recovery.recover()
            work()
        assert len(set(sink.recipients())) == sink.count()
        assert sink.count() >= ends["sent"]
    assert counts(winter) == ends
    assert ends["unknown"] <= progress.STEP
    assert campaigns.status(winter).state == "finished"
    assert violations() == {}


def test_when_the_database_crashed_too_the_whole_batch_is_unknown(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL empties an unlogged table in crash recovery; without notes nothing is known and nothing is sent again."""
    winter = launched(consenting(10))
    with mail_server(settings) as sink:
        kill_while_sending(monkeypatch, sink, winter, after=3)
        HandOverProgress.objects.all().delete()
        with time_machine.travel(now() + timedelta(minutes=5)):
            recovery.recover()
            work()
        assert sink.count() == 3
    assert counts(winter) == {"unknown": 10}
    assert violations() == {}


def test_the_notes_lie_in_an_unlogged_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'engine_channels_handoverprogress'")
        assert cursor.fetchone() == ("u",)


def test_a_sender_that_only_slept_stops_when_its_batch_was_recovered(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had begun four; meanwhile the other six were given to somebody else. It finishes its step and goes no further."""
    winter = launched(consenting(10))
    original = _session_hand_over()
    slept = []
    with mail_server(settings) as sink:

        def sleepy(session: Any, message: Any) -> Any:
            if sink.count() == 2 and not slept:
                slept.append(True)
                Dispatch.objects.filter(state="handing_over").update(lease_until=now() - timedelta(seconds=1))
                recovery.recover()
                sending.send_due(winter, EmailAdapter())
            return original(session, message)

        monkeypatch.setattr("engine.channels.smtp.SmtpSession.hand_over", sleepy)
        sending.send_due(winter, EmailAdapter())
        assert sorted(sink.recipients()) == sorted(address(number) for number in range(10))
    assert counts(winter) == {"sent": 10}, "the late answers of the four count"
    assert violations() == {}


def _session_hand_over() -> Any:
    from engine.channels.smtp import SmtpSession

    return SmtpSession.hand_over


def test_a_worker_stopped_politely_knows_which_message_was_under_way(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt (SIGTERM, a lost job lease) runs the recording: what left is sent, the one under way unknown, the rest waits."""
    winter = launched(consenting(5))
    original = _session_hand_over()
    with mail_server(settings) as sink:

        def interrupted(self: Any, message: Any) -> Any:
            if sink.count() == 2:
                raise KeyboardInterrupt
            return original(self, message)

        with monkeypatch.context() as patch:
            patch.setattr("engine.channels.smtp.SmtpSession.hand_over", interrupted)
            with pytest.raises(KeyboardInterrupt):
                sending.send_due(winter, EmailAdapter())
        assert counts(winter) == {"sent": 2, "unknown": 1, "pending": 2}
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sink.count() == 4
    assert counts(winter) == {"sent": 4, "unknown": 1}
    assert violations() == {}


def test_a_zombie_whose_claim_ran_out_sends_nothing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It slept between claim and hand-over; meanwhile somebody else sent the messages."""
    winter = launched(consenting(3))
    begin = sending._begin

    def asleep(claim: Any, actor: Any) -> Any:
        monkeypatch.setattr(sending, "_begin", begin)
        Dispatch.objects.filter(claim_id=claim.id).update(lease_until=now() - timedelta(seconds=1))
        recovery.recover()
        sending.send_due(winter, EmailAdapter())
        return begin(claim, actor)

    with mail_server(settings) as sink:
        monkeypatch.setattr(sending, "_begin", asleep)
        sending.send_due(winter, EmailAdapter())
        assert sorted(sink.recipients()) == [address(number) for number in range(3)]
    assert counts(winter) == {"sent": 3}
    assert violations() == {}


def test_a_campaign_that_no_job_works_for_is_woken(settings: Any) -> None:
    winter = launched(consenting(2))
    Job.objects.all().delete()
    with mail_server(settings) as sink:
        assert recovery.recover() == 1
        work()
        assert sink.count() == 2
    assert counts(winter) == {"sent": 2}
