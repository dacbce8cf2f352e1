"""Frequency caps are reservations: never overrun, also by campaigns at the same instant, and given back when nothing left."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from engine.channels import campaigns, caps, recovery, sending
from engine.channels.loopback_sink import Faults
from engine.channels.models import CapUse, FrequencyCap
from engine.channels.smtp import EmailAdapter
from governance.kernel.clock import now
from tests.integration.consent import arrange
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import (
    PURPOSE,
    at_once,
    consenting,
    counts,
    launched,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def cap(messages: int, hours: int, purpose: str = "*") -> caps.Cap:
    with transaction.atomic():  # configuration is captured, so it changes in a transaction
        row = FrequencyCap.objects.create(
            name=f"{messages} in {hours} h", channel="email", purpose_key=purpose, messages=messages, window_hours=hours
        )
    return caps.Cap(row.pk, messages, timedelta(hours=hours))


def test_the_third_message_of_the_week_is_withheld(settings: Any) -> None:
    cap(2, 24 * 7)
    people = consenting(2)
    with mail_server(settings) as sink:
        for name in ("one", "two", "three"):
            last = launched(people, name=name)
            work()
        assert sink.count() == 4
    assert campaigns.status(last).withheld_because == {"frequency_cap": 2}
    assert violations() == {}


def test_the_window_rolls(settings: Any) -> None:
    """Two at the end of one day and two at the start of the next are four in an hour: a calendar's window would let them pass."""
    two_a_day = cap(2, 24)
    people = arrange.people(1)
    start = now()
    assert caps.reserve([two_a_day], people, start)
    assert caps.reserve([two_a_day], people, start + timedelta(hours=23))
    assert not caps.reserve([two_a_day], people, start + timedelta(hours=23, minutes=59))
    assert caps.reserve([two_a_day], people, start + timedelta(hours=24, minutes=1))
    assert not caps.reserve([two_a_day], people, start + timedelta(hours=24, minutes=2))
    assert len(CapUse.objects.get().uses) == 2, "old uses are kept"


def test_whoever_finds_one_of_two_caps_full_takes_a_place_in_neither() -> None:
    wide, narrow = cap(10, 24), cap(1, 24, PURPOSE)
    people = arrange.people(3)
    caps.reserve([narrow], people[:1], now())
    assert caps.reserve([wide, narrow], people, now()) == frozenset(people[1:])
    used = dict(CapUse.objects.filter(cap_id=wide.id).values_list("subject_id", "uses"))
    assert used.get(people[0], []) == []
    assert len(used[people[1]]) == 1


def test_what_the_mail_server_refused_gives_its_place_back(settings: Any) -> None:
    cap(1, 24)
    people = consenting(1)
    with mail_server(settings, Faults(refuse_recipient=lambda one: 550)) as sink:
        first = launched(people, name="refused")
        work()
        sink.faults.refuse_recipient = lambda one: None
        second = launched(people, name="arrives")
        work()
        third = launched(people, name="one too many")
        work()
    assert [counts(one) for one in (first, second, third)] == [{"failed": 1}, {"sent": 1}, {"withheld": 1}]


def test_a_claim_that_ran_out_gives_its_place_back(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cap(1, 24)
    winter = launched(consenting(1))

    def killed(claim: Any, actor: Any) -> Any:
        raise KeyboardInterrupt

    with mail_server(settings) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(sending, "_begin", killed)
            with pytest.raises(KeyboardInterrupt):
                sending.send_due(winter, EmailAdapter())
        with time_machine.travel(now() + timedelta(minutes=2)):
            recovery.recover()
            work()
        assert sink.count() == 1
    assert counts(winter) == {"sent": 1}


def test_a_cap_of_another_purpose_or_switched_off_does_not_count() -> None:
    cap(1, 24, "surveys")
    FrequencyCap.objects.create(name="off", channel="email", messages=1, window_hours=24, active=False)
    assert caps.applying_to("email", PURPOSE) == []
    assert len(caps.applying_to("email", "surveys")) == 1


# Threads with connections of their own: the last place in a cap is given once.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_five_campaigns_at_once_stay_within_the_cap(settings: Any) -> None:
    cap(2, 24)
    people = consenting(30)
    five = [launched(people, name=f"campaign {number}") for number in range(5)]
    with mail_server(settings) as sink:
        assert at_once(*[lambda one=one: sending.send_due(one, EmailAdapter(), batch=10) for one in five]) == []
        received = sink.recipients()
    assert all(received.count(one) == 2 for one in set(received))
    assert len(set(received)) == 30
    assert sum(counts(one)["withheld"] for one in five) == 90
    assert violations() == {}
