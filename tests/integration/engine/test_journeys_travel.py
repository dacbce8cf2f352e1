"""People move through journeys by the clock: waits are rows, each step reaches each person once, the gate is asked at every message."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from engine.channels import campaigns
from engine.channels.models import Dispatch
from engine.journeys import audiences, travel
from engine.journeys.errors import AudienceUnknown, JourneyInvalid, JourneyNotOpen, JourneyUnknown
from engine.journeys.models import Place
from engine.journeys.travel import Send, Wait
from engine.profiles import segments
from governance.jobs.models import Job
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import address, at_once, campaign, consenting, mail_server, violations, work

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]
WEEK = timedelta(days=7)


def move() -> None:
    travel.start_due()
    while travel.advance():
        pass
    work()


def welcome(**options: Any) -> Any:
    return travel.define(
        "welcome", [Send(campaign("hello")), Wait(WEEK), Send(campaign("still there?"))], actor=STAFF, **options
    )


def test_a_message_a_wait_and_a_second_message(settings: Any) -> None:
    people = consenting(3)
    journey = welcome()
    assert travel.enter(journey, people, actor=STAFF) == 3
    with mail_server(settings) as sink:
        move()
        assert sink.count() == 3
        with time_machine.travel(now() + WEEK - timedelta(hours=1)):
            move()
            assert sink.count() == 3
        with time_machine.travel(now() + WEEK + timedelta(hours=1)):
            move()
            assert sorted(sink.recipients()) == sorted(2 * [address(number) for number in range(3)])
            move()
        assert sink.count() == 6
    assert set(Place.objects.values_list("state", flat=True)) == {"done"}
    assert violations() == {}


def test_whoever_withdraws_during_the_wait_gets_nothing_more(settings: Any) -> None:
    people = consenting(2)
    travel.enter(welcome(), people, actor=STAFF)
    with mail_server(settings) as sink:
        move()
        arrange.withdraw(people[0])
        with time_machine.travel(now() + WEEK + timedelta(hours=1)):
            move()
        assert sink.recipients().count(address(0)) == 1
        assert sink.recipients().count(address(1)) == 2


def test_entering_twice_is_entering_once_and_another_occasion_is_another_way(settings: Any) -> None:
    people = consenting(1)
    journey = welcome()
    assert travel.enter(journey, people, actor=STAFF) == 1
    assert travel.enter(journey, people, actor=STAFF) == 0
    assert travel.enter(journey, people, occasion="2026-12", actor=STAFF) == 1
    with mail_server(settings) as sink:
        move()
        move()
        assert sink.count() == 2
    assert set(Dispatch.objects.values_list("occasion", flat=True)) == {"", "2026-12"}


def test_a_journey_starts_at_its_time_with_its_audience_once(settings: Any) -> None:
    people = consenting(2)
    audiences.register("everybody", lambda: people)
    welcome(starts_at=now() + timedelta(hours=1), audience="everybody")
    with mail_server(settings) as sink:
        move()
        assert sink.count() == 0
        with time_machine.travel(now() + timedelta(hours=2)):
            move()
            move()
        assert sink.count() == 2


def test_a_segment_is_an_audience_and_an_unknown_one_is_none() -> None:
    segments.define("lapsed", title="Lapsed", rule={"field": "baskets", "op": ">=", "value": 0})
    assert audiences.known("segment:lapsed")
    assert audiences.members("segment:lapsed") == segments.members("lapsed")
    assert not audiences.known("segment:nobody")
    with pytest.raises(AudienceUnknown):
        audiences.members("segment:nobody")


def test_waits_are_rows_and_not_delayed_jobs(settings: Any) -> None:
    people = consenting(2)
    travel.enter(travel.define("later", [Wait(WEEK), Send(campaign())], actor=STAFF), people, actor=STAFF)
    move()
    assert Place.objects.filter(state="waiting", due_at__gt=now() + WEEK - timedelta(minutes=1)).count() == 2
    assert not Job.objects.filter(state="ready").exists()


def test_a_closed_journey_takes_nobody_and_moves_nobody(settings: Any) -> None:
    people = consenting(2)
    journey = welcome()
    travel.enter(journey, people, actor=STAFF)
    assert travel.close(journey, actor=STAFF) == 2
    with mail_server(settings) as sink:
        move()
        assert sink.count() == 0
    with pytest.raises(JourneyNotOpen):
        travel.enter(journey, people, occasion="again", actor=STAFF)
    with pytest.raises(JourneyUnknown):
        travel.enter(uuid7(), people, actor=STAFF)


def test_a_stopped_campaign_is_passed_by(settings: Any) -> None:
    people = consenting(1)
    first, second = campaign("first"), campaign("second")
    travel.enter(travel.define("two", [Send(first), Send(second)], actor=STAFF), people, actor=STAFF)
    campaigns.stop(first, actor=STAFF, reason="wrong_text")
    with mail_server(settings) as sink:
        move()
        assert sink.count() == 1
    assert violations() == {}


@pytest.mark.parametrize(
    "steps", [[], [Wait(WEEK)], [Wait(timedelta(0)), Send(uuid7())], [Wait(timedelta(days=500)), Send(uuid7())]]
)
def test_what_is_no_journey_is_refused(steps: list[Wait | Send]) -> None:
    with pytest.raises(JourneyInvalid):
        travel.define("x", steps, actor=STAFF)


def test_one_campaign_cannot_stand_at_two_steps_and_an_audience_must_exist() -> None:
    same = uuid7()
    with pytest.raises(JourneyInvalid):
        travel.define("x", [Send(same), Send(same)], actor=STAFF)
    with pytest.raises(JourneyInvalid):
        travel.define("x", [Send(same)], starts_at=now(), audience="nobody knows them", actor=STAFF)
    with pytest.raises(AudienceUnknown):
        audiences.members("nobody knows them")


# Threads with connections of their own: the movers share the people between them.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_movers_side_by_side_take_everybody_one_step_once(settings: Any) -> None:
    people = consenting(60)
    journey = welcome()
    travel.enter(journey, people, actor=STAFF)

    def mover() -> None:
        while travel.advance(limit=7):
            pass

    assert at_once(mover, mover, mover) == []
    assert Dispatch.objects.count() == 60
    assert violations() == {}
