"""Senders are killed for real, at any moment: nothing is lost, nothing is doubled, and a kill leaves a handful unknown."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F

from engine.channels import campaigns, claiming, outcomes, progress, recovery, sending
from engine.channels.models import Dispatch
from engine.channels.smtp import EmailAdapter, SmtpSession
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import address, consenting, launched, mail_server, violations

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]


def die(*_: object, **__: object) -> None:
    """kill -9 of oneself: no handler, no `finally`, no goodbye to the database or to the mail server."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(call: int, original: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """The function, deadly at its nth call, before or after it did its work."""
    made = Counter[str]()

    def dies(*args: Any, **kwargs: Any) -> Any:
        made["calls"] += 1
        if made["calls"] == call and not after:
            die()
        result = original(*args, **kwargs)
        if made["calls"] == call:
            die()
        return result

    return dies


MOMENTS = {
    "before the claim commits": lambda n: setattr(claiming, "_write", dying_at(1, claiming._write, after=True)),
    "before the hand-over begins": lambda n: setattr(sending, "_begin", dying_at(1, sending._begin, after=False)),
    "after the hand-over began": lambda n: setattr(sending, "_begin", dying_at(1, sending._begin, after=True)),
    "before a note": lambda n: setattr(progress, "note", dying_at(n // 4 + 1, progress.note, after=False)),
    "after a note": lambda n: setattr(progress, "note", dying_at(n // 4 + 1, progress.note, after=True)),
    "before a message": lambda n: setattr(SmtpSession, "hand_over", dying_at(n, SmtpSession.hand_over, after=False)),
    "within a message": lambda n: setattr(SmtpSession, "_data", dying_at(n, SmtpSession._data, after=False)),
    "after a message": lambda n: setattr(SmtpSession, "hand_over", dying_at(n, SmtpSession.hand_over, after=True)),
    "before the outcome": lambda n: setattr(outcomes, "record", dying_at(1, outcomes.record, after=False)),
    "before the outcome commits": lambda n: setattr(outcomes, "_write", dying_at(1, outcomes._write, after=True)),
    "after the outcome": lambda n: setattr(outcomes, "record", dying_at(1, outcomes.record, after=True)),
}


def send_and_die(campaign: UUID, moment: str, message: int) -> bool:
    """A sender in a process of its own that dies at the moment; whether it did. The parent keeps no connection to share."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            MOMENTS[moment](message)
            sending.send_due(campaign, EmailAdapter(), batch=20)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def let_leases_run_out() -> None:
    """Nobody waits two minutes in a test; the instants move instead."""
    Dispatch.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - timedelta(minutes=5))
    Dispatch.objects.filter(state="pending").update(due_at=F("due_at") - timedelta(minutes=5))


# Real kills of real processes, at each of these moments in turn, against a real mail server.
@pytest.mark.slow
def test_kills_at_every_moment_lose_and_double_nothing(settings: Any) -> None:
    people = consenting(260)
    winter = launched(people)
    chance = random.Random(3)
    kills: list[str] = []
    with mail_server(settings) as sink:
        for moment in 2 * list(MOMENTS):
            if send_and_die(winter, moment, chance.randint(1, 20)):
                kills.append(moment)
            let_leases_run_out()
            recovery.recover()
        while campaigns.status(winter).open:
            sending.send_due(winter, EmailAdapter())
            let_leases_run_out()
            recovery.recover()
        received = sink.recipients()
    states = campaigns.status(winter).counts
    assert len(kills) >= 15
    assert len(received) == len(set(received)), "somebody got a message twice"
    assert sum(states.values()) == 260, "a message was lost"
    assert set(states) <= {"sent", "unknown"}
    assert 0 < states["unknown"] <= len(kills) * progress.STEP
    arrived = {subject for number, subject in enumerate(people) if address(number) in set(received)}
    assert set(Dispatch.objects.filter(state="sent").values_list("subject_id", flat=True)) <= arrived
    assert violations() == {}
