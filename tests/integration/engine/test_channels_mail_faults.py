"""The mail server misbehaves: what arrives arrives once, and what nobody can know is not sent again."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from consent.models import ConsentVerdict
from engine.channels import campaigns, outcomes, recovery, sending
from engine.channels.errors import MailServerUnavailable
from engine.channels.loopback_sink import Faults
from engine.channels.models import Dispatch
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
    let_jobs_be_due,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def only(number: int) -> Any:
    return lambda recipient: recipient == address(number)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_recipient_refused_for_good_fails_and_the_others_arrive(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(5))
    faults = Faults(refuse_recipient=lambda one: 550 if one == address(2) else None)
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert sorted(sink.recipients()) == [address(number) for number in (0, 1, 3, 4)]
    assert counts(winter) == {"sent": 4, "failed": 1}
    assert Dispatch.objects.get(state="failed").reply_code == 550


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("where", ["refuse_recipient", "refuse_data"])
def test_a_refusal_for_now_is_tried_again_and_arrives_once(settings: Any, where: str, pipelining: bool) -> None:
    winter = launched(consenting(3))
    faults = Faults(**{where: lambda one: 451 if one == address(1) else None})
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert sink.count() == 2
        assert counts(winter) == {"sent": 2, "pending": 1}
        waiting = Dispatch.objects.get(state="pending")
        assert waiting.verdict_id is None
        assert timedelta(seconds=50) < waiting.due_at - now() <= timedelta(seconds=60)
        assert Job.objects.filter(kind="channels.send_batch", state="ready").exists()
        setattr(faults, where, lambda one: None)
        with time_machine.travel(now() + timedelta(minutes=2)):
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(3)]
    assert counts(winter) == {"sent": 3}
    assert violations() == {}


def test_after_five_refusals_for_now_it_gives_up(settings: Any) -> None:
    winter = launched(consenting(1))
    with mail_server(settings, Faults(refuse_recipient=lambda one: 450)) as sink:
        for hours in range(6):
            with time_machine.travel(now() + timedelta(hours=hours)):
                work()
        assert sink.count() == 0
    dispatch = Dispatch.objects.get()
    assert (dispatch.state, dispatch.reason, dispatch.attempts) == ("failed", "gave_up", outcomes.MOST_ATTEMPTS)
    assert campaigns.status(winter).state == "finished"


def test_a_withdrawal_while_a_message_waits_for_another_try_stops_it(settings: Any) -> None:
    people = consenting(1)
    launched(people)
    faults = Faults(refuse_recipient=lambda one: 450)
    with mail_server(settings, faults) as sink:
        work()
        arrange.withdraw(people[0])
        faults.refuse_recipient = lambda one: None
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sink.count() == 0
    assert Dispatch.objects.get().reason == "consent_withdrawn"


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_connection_lost_before_the_data_is_tried_again(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(4))
    faults = Faults(drop_at_recipient=only(1))
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert counts(winter) == {"sent": 3, "pending": 1}
        faults.drop_at_recipient = lambda one: False
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(4)]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_connection_lost_after_the_data_is_unknown_and_never_sent_again(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(4))
    faults = Faults(drop_before_answer=only(1))
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        faults.drop_before_answer = lambda one: False
        for hours in range(1, 4):
            with time_machine.travel(now() + timedelta(hours=hours)):
                recovery.recover()
                work()
        assert sorted(sink.recipients()) == [address(number) for number in range(4)], "sent again on a guess"
    assert counts(winter) == {"sent": 3, "unknown": 1}
    assert violations() == {}


def test_without_a_mail_server_nobody_is_claimed_and_the_job_comes_back(settings: Any) -> None:
    winter = launched(consenting(3))
    with mail_server(settings):
        pass  # now nobody listens on that port
    assert work().failed == campaigns.LANES
    assert counts(winter) == {"pending": 3}
    assert not ConsentVerdict.objects.exists()
    with pytest.raises(MailServerUnavailable):
        sending.send_due(winter, EmailAdapter())
    with mail_server(settings) as sink:
        let_jobs_be_due()
        work()
        assert sink.count() == 3
