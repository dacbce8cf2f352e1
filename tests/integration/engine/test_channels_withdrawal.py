"""Withdrawal is immediate: one click without login, and nothing is claimed after it was acknowledged, however busy the senders are."""

import random
import re
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from consent import gate, ledger
from consent.models import ConsentEvent
from consent.terms import EventType
from engine.channels import campaigns, links, recovery, sending
from engine.channels.errors import LinkInvalid
from engine.channels.models import Dispatch
from engine.channels.smtp import EmailAdapter
from engine.channels.sources import MessagesSource
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import (
    PURPOSE,
    address,
    at_once,
    campaign,
    consenting,
    launched,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(settings: Any) -> tuple[SubjectId, str]:
    """Somebody, and the path of the link in the message that they got."""
    people = consenting(1)
    launched(people)
    with mail_server(settings) as sink:
        work()
        header = sink.received()[0].parsed()["List-Unsubscribe"]
    found = re.fullmatch(r"<https?://[^/]+(/u/[\w-]+)>", header)
    assert found
    return people[0], found[1]


def allowed(subject: SubjectId) -> bool:
    return gate.check(subject, PURPOSE, "email").allowed


def test_one_click_withdraws_without_login_cookie_or_token_of_ours(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    answer = Client(enforce_csrf_checks=True).post(path, ONE_CLICK)
    assert answer.status_code == 200
    assert not answer.cookies
    assert not allowed(subject)
    event = ConsentEvent.objects.get(event_type=EventType.WITHDRAWN)
    assert (event.method, event.actor_kind, event.purpose_key, event.channel) == (
        "one_click",
        "subject",
        PURPOSE,
        "email",
    )


def test_opening_the_link_only_asks(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    page = Client().get(path)
    assert page.status_code == 200
    assert '<button type="submit"' in page.content.decode()
    assert "@" not in page.content.decode()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    assert "<script" not in page.content.decode()
    assert allowed(subject), "a mail scanner that follows links withdrew for the person"


def test_the_button_withdraws_in_one_step(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    assert Client(enforce_csrf_checks=True).post(path, {"scope": "purpose"}).status_code == 200
    assert not allowed(subject)


def test_everything_means_every_purpose_on_the_channel(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    arrange.purpose("surveys")
    arrange.give(subject, arrange.notice("surveys", key="surveys"), purpose="surveys")
    assert gate.check(subject, "surveys", "email").allowed
    Client().post(path, {"scope": "everything"})
    assert not gate.check(subject, "surveys", "email").allowed
    assert not allowed(subject)


def test_the_page_speaks_the_language_of_the_message_or_the_one_asked_for(settings: Any) -> None:
    launched(consenting(1, language="pl"))
    with mail_server(settings) as sink:
        work()
        path = re.search(r"/u/[\w-]+", sink.received()[0].parsed()["List-Unsubscribe"])
    assert path
    polish = Client().get(path[0]).content.decode()
    assert '<html lang="pl">' in polish
    assert "Nie chcesz tych wiadomości?" in polish
    assert "Stop these messages?" in Client().get(path[0], {"lang": "en"}).content.decode()
    assert "Gotowe" in Client().post(path[0]).content.decode()


def test_a_second_click_records_nothing_and_a_click_after_a_new_consent_withdraws_again(
    link: tuple[SubjectId, str],
) -> None:
    subject, path = link
    Client().post(path, ONE_CLICK)
    Client().post(path, ONE_CLICK)
    assert ConsentEvent.objects.filter(event_type=EventType.WITHDRAWN).count() == 1
    arrange.give(subject, arrange.notice())
    assert allowed(subject)
    Client().post(path, ONE_CLICK)
    assert not allowed(subject)


def test_for_a_purpose_that_does_not_rest_on_consent_the_click_is_an_objection(settings: Any) -> None:
    person = campaigning.enrol(1)[0]
    arrange.purpose("service_news", legal_basis="legitimate_interest", direct_marketing=True)
    launched([person], purpose="service_news")
    with mail_server(settings) as sink:
        work()
        path = re.search(r"/u/[\w-]+", sink.received()[0].parsed()["List-Unsubscribe"])
    assert path
    Client().post(path[0], ONE_CLICK)
    assert ConsentEvent.objects.get().event_type == EventType.OBJECTED
    assert not gate.check(person, "service_news", "email").allowed


def test_a_link_of_an_erased_person_answers_as_if_it_had_worked(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    MessagesSource().erase(subject)
    assert Client().get(path).status_code == 200
    assert Client().post(path, ONE_CLICK).status_code == 200
    assert not ConsentEvent.objects.filter(event_type=EventType.WITHDRAWN).exists()


def test_a_forged_or_damaged_link_does_nothing() -> None:
    genuine = links.token_for(uuid7())
    forged = [
        genuine[:-1],
        genuine + "A",
        genuine[::-1],
        "A" * 43,
        "",
        "../",
        "ą" * 43,
        genuine.replace(genuine[0], "*", 1),
        genuine + "=",
    ]
    forged += [
        genuine[:place] + ("B" if genuine[place] != "B" else "C") + genuine[place + 1 :] for place in range(0, 42, 3)
    ]
    for token in forged:
        with pytest.raises(LinkInvalid):
            links.read_token(token)
    assert Client().post(f"/u/{genuine[::-1]}", ONE_CLICK).status_code == 404
    assert not ConsentEvent.objects.exists()


def test_a_link_names_nobody(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    assert str(subject) not in path
    assert subject.hex not in path


# --- Withdrawing while the senders work ---------------------------------------------------------------------------


# Threads with connections of their own against a real mail server; a few seconds, because a race needs many tries.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nobody_whose_withdrawal_was_acknowledged_is_claimed_afterwards(settings: Any) -> None:
    people = consenting(120)
    numbers = {subject: number for number, subject in enumerate(people)}
    leaving = random.Random(5).sample(people, 40)
    acknowledged: dict[SubjectId, float] = {}
    received: dict[str, float] = {}
    winter = launched(people)

    def leave(part: list[SubjectId]) -> None:
        for subject in part:
            arrange.withdraw(subject)
            acknowledged[subject] = time.monotonic()

    def send() -> None:
        sending.send_due(winter, EmailAdapter(), batch=7)

    with mail_server(settings) as sink:
        assert at_once(send, send, lambda: leave(leaving[:20]), lambda: leave(leaving[20:]), send) == []
        for one in sink.received():
            assert one.recipient not in received, "sent twice"
            received[one.recipient] = 1.0
    assert violations() == {}
    claimed_after = [
        numbers[subject]
        for subject in leaving
        for event in ConsentEvent.objects.filter(subject_id=subject, event_type=EventType.WITHDRAWN)
        if Dispatch.objects.filter(
            subject_id=subject, claimed_at__gt=event.received_at, state__in=["sent", "unknown"]
        ).exists()
    ]
    assert claimed_after == []
    withheld = set(Dispatch.objects.filter(state="withheld").values_list("subject_id", flat=True))
    assert withheld <= set(leaving)
    assert {address(numbers[one]) for one in people if one not in withheld} == set(received)
    states = campaigns.status(winter).counts
    assert states["sent"] + states.get("withheld", 0) == 120


# A withdrawal in one connection, the claim in another, in every order that locks allow.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_a_withdrawal_that_is_being_written(settings: Any) -> None:
    people = consenting(3)
    winter = launched(people)
    order: list[str] = []

    def withdraw_slowly() -> None:
        from django.db import transaction

        with transaction.atomic():
            arrange.withdraw(people[1])
            order.append("withdrawn")
            time.sleep(0.5)

    def send() -> None:
        time.sleep(0.2)
        sending.send_due(winter, EmailAdapter())
        order.append("sent")

    with mail_server(settings) as sink:
        assert at_once(withdraw_slowly, send) == []
        assert order == ["withdrawn", "sent"]
        assert sorted(sink.recipients()) == [address(0), address(2)]


# Two senders and the recovery at once over many small batches: the locks, not luck, keep them apart.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_senders_side_by_side_send_each_message_once(settings: Any) -> None:
    winter = launched(consenting(90))

    def send() -> None:
        sending.send_due(winter, EmailAdapter(), batch=5)

    def recover() -> None:
        for _ in range(20):
            recovery.recover()
            time.sleep(0.01)

    with mail_server(settings) as sink:
        assert at_once(send, send, recover, recover) == []
        assert sorted(sink.recipients()) == sorted(address(number) for number in range(90))
    assert campaigns.status(winter).counts == {"sent": 90}
    assert violations() == {}


def test_a_restriction_between_launch_and_sending_is_heard(settings: Any) -> None:
    people = consenting(2)
    winter = campaign()
    campaigns.launch(winter, people, actor=STAFF)
    ledger.record(arrange.draft(people[0], EventType.RESTRICTED, purpose="*", channel="*"), actor=STAFF)
    with mail_server(settings) as sink:
        work()
        assert sink.recipients() == [address(1)]
    assert connection.is_usable()
