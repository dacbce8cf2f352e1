"""A parent or guardian answers for a child (Art. 8(1)); what a visitor said is shown once we know who it was."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from consent import gate, ledger, linking
from consent.terms import EventType
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.privacy_center.models import Errand
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind
from tests.integration.consent import arrange
from tests.integration.privacy_center.conftest import link_in, token_in
from tests.integration.privacy_center.test_choices import choices_of, enrol, states
from tests.people import BOB, DAVE, ERIN, GRACE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


def of_age() -> date:
    return clock.today() + timedelta(days=900)


def answer(client: Client, language: str = "en", **changes: str) -> int:
    said = {
        "child_email": DAVE.email, "email": GRACE.email, "of_age_on": of_age().isoformat(),
        "newsletter|email": "yes", "newsletter|sms": "no", **changes,
    }  # fmt: skip
    return client.post(f"/{language}/consent/child/", said).status_code


def confirm(client: Client, letter: EmailMessage, **answers: str) -> str:
    path = link_in(letter)
    page = client.get(path).content.decode()
    client.post(path, {"presentation": token_in(page), **answers})
    drain()
    return page


def found(email: str) -> SubjectId:
    subject = vault.find_subject(IdentifierKind.EMAIL, email)
    assert subject is not None
    return subject


YES = {"newsletter|email": "yes", "newsletter|sms": "no"}


@pytest.mark.parametrize("language", ["en", "pl"])
def test_a_guardian_answers_for_a_child_and_both_mailboxes_are_asked(
    client: Client, mailoutbox: list[EmailMessage], language: str
) -> None:
    assert answer(client, language) == 200
    drain()
    assert [letter.to for letter in mailoutbox] == [[GRACE.email]]
    page = confirm(client, mailoutbox[-1], **YES)
    assert {"en": "as the parent or guardian", "pl": "jako rodzic albo opiekun"}[language] in page
    assert vault.find_subject(IdentifierKind.EMAIL, DAVE.email) is None, "the child's mailbox has not answered yet"
    assert mailoutbox[-1].to == [DAVE.email]
    page = confirm(client, mailoutbox[-1], **YES)
    assert {"en": "guardian answered for you", "pl": "rodzic albo opiekun"}[language] in page
    child, guardian = found(DAVE.email), found(GRACE.email)
    verdict = gate.check(child, "newsletter", "email")
    assert verdict.allowed
    assert verdict.valid_until is not None
    assert verdict.valid_until.date() <= of_age(), "from that day on the child is asked itself"
    assert {event.actor for event in ledger.history(child)} == {f"guardian:{guardian}"}
    assert not gate.check(guardian, "newsletter", "email").allowed, "nobody asked the guardian about themselves"
    history = client.get(f"{choices_of(child, language)}history/").content.decode()
    assert {"en": "your guardian", "pl": "opiekun"}[language] in history
    assert Errand.objects.count() == 0


def test_a_child_withdraws_itself_at_any_age(client: Client, mailoutbox: list[EmailMessage]) -> None:
    answer(client)
    drain()
    confirm(client, mailoutbox[-1], **YES)
    confirm(client, mailoutbox[-1], **YES)
    child = found(DAVE.email)
    client.post(choices_of(child), {"newsletter|email": "no"})
    assert states(child)["newsletter|email"] == "withdrawn"


def test_in_the_childs_mailbox_a_yes_can_be_taken_back_and_none_added(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    answer(client)
    drain()
    confirm(client, mailoutbox[-1], **YES)
    confirm(client, mailoutbox[-1], **{"newsletter|email": "no", "newsletter|sms": "yes", "offers|profiling": "yes"})
    assert states(found(DAVE.email)) == {"newsletter|email": "refused"}


def test_a_stranger_does_not_answer_for_somebody_by_calling_them_a_child(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    """Bob is a grown man. Erin confirms what she likes in her own mailbox: without his, nothing is recorded."""
    bob = enrol(BOB.email)
    answer(client, child_email=BOB.email, email=ERIN.email, **{"offers|profiling": "yes"})
    drain()
    confirm(client, mailoutbox[-1], **YES, **{"offers|profiling": "yes"})
    assert ledger.history(bob) == []
    assert mailoutbox[-1].to == [BOB.email]


@pytest.mark.parametrize(
    "wrong",
    [
        {"of_age_on": ""},
        {"of_age_on": "tomorrow"},
        {"of_age_on": "2020-01-01"},
        {"of_age_on": "2999-01-01"},
        {"child_email": ""},
        {"child_email": GRACE.email},
        {"child_email": GRACE.email.upper()},
        {"newsletter|email": "", "newsletter|sms": ""},
    ],
    ids=str,
)
def test_what_does_not_add_up_is_asked_again(client: Client, wrong: dict[str, str]) -> None:
    assert answer(client, **wrong) == 422
    assert Errand.objects.count() == 0


def test_what_a_visitor_said_is_in_the_history_of_the_person_they_turned_out_to_be(client: Client) -> None:
    visitor, bob = arrange.person(), enrol(BOB.email)
    arrange.withdraw(visitor)
    linking.link(visitor, bob, actor=Actor(ActorKind.SUBJECT, str(bob)), evidence={"how": "login"})
    assert [event.event_type for event in ledger.history(bob)] == [EventType.WITHDRAWN]
    html = client.get(f"{choices_of(bob)}history/").content.decode()
    assert "before we knew that it was you" in html
    assert "before we knew" not in client.get(f"{choices_of(enrol(ERIN.email))}history/").content.decode()
