"""Double opt-in by mail: one letter, one link, once; what is not confirmed permits nothing."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client

from consent import confirmation, gate, ledger
from consent.errors import ConfirmationInvalid, NothingToConfirm
from consent.events import evidence
from consent.terms import EventType, State
from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import TooManyRequests
from governance.kernel.ids import SubjectId, opaque, uuid7
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.arrange import give, person, withdraw
from tests.integration.consent.test_api import pipeline
from tests.people import ALICE

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(db: None) -> Any:
    arrange.purpose(double_opt_in=True, title_pl="Biuletyn")
    return arrange.notice()


@pytest.fixture
def alice(db: None) -> SubjectId:
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    return subject


def token_in(letter: EmailMessage) -> str:
    found = re.search(r"/confirm/([^/\s]+)/", letter.body)
    assert found is not None
    return found.group(1)


def asked(subject: SubjectId, shown: Any, language: str = "en") -> Any:
    event = give(subject, shown).event_id
    confirmation.ask(event, language=language)
    drain(kinds=["consent.confirmation"])
    return event


def test_a_consent_counts_once_it_is_confirmed(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    event = asked(alice, shown)
    assert mailoutbox[-1].to == [ALICE.email]
    assert "Data protection officer" in mailoutbox[-1].body
    assert not gate.check(alice, "newsletter", "email").allowed
    assert confirmation.confirm(token_in(mailoutbox[-1])).status is State.GIVEN
    verdict = gate.check(alice, "newsletter", "email")
    assert verdict.allowed
    assert verdict.notice_version_id == shown
    kinds = [one.event_type for one in ledger.history(alice)]
    assert kinds == [EventType.GIVEN, EventType.CONFIRMATION_SENT, EventType.CONFIRMED]
    sent = ledger.history(alice)[1]
    assert token_in(mailoutbox[-1]) not in str(evidence.reveal(sent.event_id)), "the digest, not the key to it"
    assert ledger.history(alice)[2].actor == f"subject:{alice}"
    assert event == ledger.history(alice)[0].event_id


def test_the_letter_speaks_the_language_of_the_person(
    alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]
) -> None:
    asked(alice, shown, "pl")
    assert mailoutbox[-1].subject == "Prosimy o potwierdzenie zgody"
    assert "Biuletyn" in mailoutbox[-1].body
    assert "/pl/confirm/" in mailoutbox[-1].body
    assert not any(ALICE.email in str(args) for args in Job.objects.values_list("args", flat=True))


def test_the_link_works_once(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(alice, shown)
    confirmation.confirm(token_in(mailoutbox[-1]))
    with pytest.raises(ConfirmationInvalid):
        confirmation.confirm(token_in(mailoutbox[-1]))


def test_the_link_expires(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(alice, shown)
    with (
        time_machine.travel(now() + confirmation.LIFETIME + timedelta(seconds=1), tick=False),
        pytest.raises(ConfirmationInvalid),
    ):
        confirmation.look_up(token_in(mailoutbox[-1]))


def test_a_changed_link_is_nobodys(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(alice, shown)
    token = token_in(mailoutbox[-1])
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(ConfirmationInvalid):
            confirmation.look_up(other)
    for other in ("", "A", token + "AAAA", token[:-4], "ä", token.swapcase()):
        with pytest.raises(ConfirmationInvalid):
            confirmation.look_up(other)


def test_a_withdrawal_leaves_nothing_to_confirm(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(alice, shown)
    withdraw(alice)
    with pytest.raises(ConfirmationInvalid):
        confirmation.confirm(token_in(mailoutbox[-1]))
    assert not gate.check(alice, "newsletter", "email").allowed


def test_a_new_consent_needs_a_new_confirmation(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(alice, shown)
    old = token_in(mailoutbox[-1])
    withdraw(alice)
    asked(alice, shown)
    with pytest.raises(ConfirmationInvalid):
        confirmation.confirm(old)
    confirmation.confirm(token_in(mailoutbox[-1]))
    assert gate.check(alice, "newsletter", "email").allowed


def test_letters_are_few_and_far_between(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    event = asked(alice, shown)
    with pytest.raises(TooManyRequests):
        confirmation.ask(event, language="en")
    for count in (2, 3):
        with time_machine.travel(now() + count * timedelta(minutes=11)):
            confirmation.ask(event, language="en")
            drain(kinds=["consent.confirmation"])
    with time_machine.travel(now() + timedelta(days=1)), pytest.raises(TooManyRequests):
        confirmation.ask(event, language="en")
    assert len(mailoutbox) == 3


def test_what_does_not_wait_gets_no_letter(alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage]) -> None:
    arrange.purpose("simple")
    simple = give(alice, arrange.notice("simple", key="simple"), purpose="simple").event_id
    withdrawn = withdraw(alice).event_id
    for event in (simple, withdrawn):
        with pytest.raises(NothingToConfirm):
            confirmation.ask(event, language="en")
    pending = give(alice, shown).event_id
    confirmation.ask(pending, language="en")
    withdraw(alice)
    drain(kinds=["consent.confirmation"])
    assert mailoutbox == [], "withdrawn before the letter left"


def test_somebody_without_a_mailbox_gets_none(shown: Any, mailoutbox: list[EmailMessage]) -> None:
    asked(person(), shown)
    assert mailoutbox == []


@pytest.mark.slow  # real connections, and the tables emptied after
@pytest.mark.django_db(transaction=True)
def test_many_clicks_at_once_are_one_confirmation(mailoutbox: list[EmailMessage]) -> None:
    arrange.purpose(double_opt_in=True)
    shown = arrange.notice()
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    asked(subject, shown)
    token, done = token_in(mailoutbox[-1]), []

    def click() -> None:
        try:
            done.append(confirmation.confirm(token).duplicate)
        except ConfirmationInvalid:
            done.append(True)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert done.count(False) == 1
    assert [one.event_type for one in ledger.history(subject)].count(EventType.CONFIRMED) == 1


def test_over_rest_and_in_the_browser(
    alice: SubjectId, shown: Any, mailoutbox: list[EmailMessage], client: Client
) -> None:
    call = pipeline("consent:write")
    body = {
        "subject": opaque("sub", alice), "purpose": "newsletter", "channel": "email", "event_type": "given",
        "method": "web_form", "notice_version": opaque("ntc", shown), "confirm_by_mail": "pl",
    }  # fmt: skip
    status, recorded = call("POST", "events", body, **{"Idempotency-Key": "one"})
    assert (status, recorded["status"]) == (201, "pending_confirmation")
    assert call("POST", "events", body, **{"Idempotency-Key": "one"})[0] == 200
    drain(kinds=["consent.confirmation"])
    assert len(mailoutbox) == 1
    assert call("POST", "confirmations", {"event": recorded["event"]})[0] == 429
    assert call("POST", "confirmations", {"event": opaque("cev", uuid7())})[0] == 404
    path = f"/pl/confirm/{token_in(mailoutbox[-1])}/"
    for _ in range(2):
        assert "Biuletyn" in client.get(path).content.decode()
    assert not gate.check(alice, "newsletter", "email").allowed, "opening the link confirms nothing"
    assert "Potwierdzono" in client.post(path).content.decode()
    assert gate.check(alice, "newsletter", "email").allowed
    assert client.post(path).status_code == client.get("/pl/confirm/AAAA/").status_code == 404
