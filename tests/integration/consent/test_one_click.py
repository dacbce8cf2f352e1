"""RFC 8058 through a real mail server: what mail programs and scanners of links send, and what it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from consent import gate, ledger
from consent.ledger import ConsentDraft
from consent.terms import EventType
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from tests.integration.consent import arrange
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import PURPOSE
from tests.integration.engine.test_channels_withdrawal import ONE_CLICK, link

own_keys = campaigning.own_keys
__all__ = ["link", "own_keys"]
# Each sends a message to a mail server of its own.
pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def allowed(subject: SubjectId) -> bool:
    return gate.check(subject, PURPOSE, "email").allowed


def test_who_only_follows_links_withdraws_nothing(link: tuple[SubjectId, str]) -> None:
    """Scanners of mail open every link, some with HEAD, some with what stands in the other header."""
    subject, path = link
    client = Client()
    for ask in (client.get, client.head, client.options):
        ask(path)
        ask(f"{path}?List-Unsubscribe=One-Click")
        ask(f"{path}?scope=everything")
    for method in (client.put, client.patch, client.delete):
        assert method(path, ONE_CLICK, content_type="application/x-www-form-urlencoded").status_code == 405
    assert allowed(subject)


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mail_program_may_send_either_form_of_body_and_is_not_sent_elsewhere(
    link: tuple[SubjectId, str], form: str
) -> None:
    """RFC 8058, section 3.2: a POST without cookies or any other context; section 3.1: no redirect."""
    subject, path = link
    arrange.purpose("other_news", channels=["email"])
    notice = arrange.notice("other_news", key="other")
    arrange.give(subject, notice, purpose="other_news")
    client = Client(enforce_csrf_checks=True)
    if form == "multipart/form-data":
        answer = client.post(path, ONE_CLICK)  # the test client's own form of body
    else:
        answer = client.post(path, "List-Unsubscribe=One-Click", content_type=form)
    assert (answer.status_code, dict(answer.cookies), answer.headers.get("Location")) == (200, {}, None)
    assert not allowed(subject)
    assert gate.check(subject, "other_news", "email").allowed, "one click is about one purpose"


def test_a_replayed_click_does_not_undo_a_later_consent_twice(link: tuple[SubjectId, str]) -> None:
    """Whoever has the link can withdraw again, which is the person's right; nobody can give anything with it."""
    subject, path = link
    Client().post(path, ONE_CLICK)
    before = len(ledger.history(subject))
    for body in (ONE_CLICK, {"List-Unsubscribe": "No"}, {"scope": "nothing"}, {}):
        Client().post(path, body)
    assert len(ledger.history(subject)) == before
    ledger.record(
        ConsentDraft(
            subject=subject, purpose=PURPOSE, channel="email", event_type=EventType.OBJECTED, occurred_at=now(), method="phone_call",
            idempotency_key="objection",
        ),
        actor=Actor(ActorKind.SUBJECT, str(subject)),
    )  # fmt: skip
    Client().post(path, ONE_CLICK)
    assert not allowed(subject)
    assert len(ledger.history(subject)) == before + 1


def test_a_damaged_link_changes_nothing_whatever_bit_it_is(link: tuple[SubjectId, str]) -> None:
    subject, path = link
    for place in range(len("/u/"), len(path) - 1, 3):  # the last character has spare bits that mean nothing
        other = "A" if path[place] != "A" else "B"
        assert Client().post(f"{path[:place]}{other}{path[place + 1 :]}", ONE_CLICK).status_code == 404
    assert allowed(subject)


def test_a_staff_member_who_is_logged_in_is_taken_for_the_person_of_the_link_alone(
    link: tuple[SubjectId, str], admin_client: Any
) -> None:
    subject, path = link
    admin_client.post(path, ONE_CLICK)
    event = ledger.history(subject)[-1]
    assert (event.event_type, event.actor) == (EventType.WITHDRAWN, f"subject:{subject}")
