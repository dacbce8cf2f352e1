"""Give, see and withdraw consent on the public pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.test import Client

from consent import gate, ledger, notices, receipts, signing
from consent.terms import Channel, EventType, State
from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId
from governance.privacy_center import links, words
from governance.privacy_center.links import LinkKind
from governance.privacy_center.models import Errand
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.privacy_center.conftest import link_in, publish, token_in
from tests.people import ALICE, BOB

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
YES = {"newsletter|email": "yes", "newsletter|sms": "no", "offers|profiling": "yes"}


def enrol(email: str = BOB.email) -> SubjectId:
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    return subject


def choices_of(subject: SubjectId, language: str = "en") -> str:
    return f"/{language}/choices/{links.make(LinkKind.CHOICES, subject, links.CHOICES_LIFETIME)}/"


def states(subject: SubjectId) -> dict[str, str]:
    return {f"{one.purpose}|{one.channel}": one.status.value for one in ledger.current(subject)}


def give(
    client: Client, mailoutbox: list[EmailMessage], email: str = ALICE.email, answers: dict[str, str] = YES
) -> str:
    """Fill in the form, follow the link, confirm; returns where the browser lands."""
    page = client.get("/en/consent/").content.decode()
    sent = client.post("/en/consent/", {"email": email, "presentation": token_in(page), **answers})
    assert sent.status_code == 200
    drain()
    path = link_in(mailoutbox[-1])
    confirm = client.get(path).content.decode()
    answer = client.post(path, {"presentation": token_in(confirm), **answers})
    assert answer.status_code == 302
    return answer["Location"]


def test_a_new_visitor_gives_consent_and_the_gate_lets_pass(client: Client, mailoutbox: list[EmailMessage]) -> None:
    landed = give(client, mailoutbox)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert states(subject) == {"newsletter|email": "given", "newsletter|sms": "refused", "offers|profiling": "given"}
    verdict = gate.check(subject, "newsletter", "email")
    assert verdict.allowed
    assert verdict.notice_version_id is not None
    assert "Saved" in client.get(landed).content.decode()


def test_nothing_is_recorded_before_the_mailbox_is_proved(client: Client, mailoutbox: list[EmailMessage]) -> None:
    client.post("/en/consent/", {"email": ALICE.email, **YES})
    drain()
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None
    errand = Errand.objects.get()
    assert ALICE.email.encode() not in bytes(errand.ciphertext)
    assert not any(ALICE.email in str(args) for args in Job.objects.values_list("args", flat=True))
    assert mailoutbox[-1].to == [ALICE.email]


def test_looking_at_the_confirmation_page_confirms_nothing(client: Client, mailoutbox: list[EmailMessage]) -> None:
    """Mail scanners open every link."""
    client.post("/en/consent/", {"email": ALICE.email, **YES})
    drain()
    client.get(link_in(mailoutbox[-1]))
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None


def test_a_confirmation_works_once_and_for_a_week(client: Client, mailoutbox: list[EmailMessage]) -> None:
    give(client, mailoutbox)
    assert client.get(link_in(mailoutbox[0])).status_code == 404
    client.post("/en/consent/", {"email": BOB.email, **YES})
    drain()
    with time_machine.travel(clock.now() + timedelta(days=8)):
        assert client.get(link_in(mailoutbox[-1])).status_code == 404


def test_a_stranger_cannot_give_consent_again_for_somebody_who_withdrew(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    give(client, mailoutbox)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    client.post(choices_of(subject), {"withdraw_everything": "1"})
    client.post("/en/consent/", {"email": ALICE.email, **YES})
    drain()
    assert not gate.check(subject, "newsletter", "email").allowed


def test_one_click_withdraws_everything_and_takes_no_more_steps_than_giving(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    landed = give(client, mailoutbox)
    answer = client.post(landed.partition("?")[0], {"withdraw_everything": "1"})
    assert answer.status_code == 302
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert set(states(subject).values()) <= {"withdrawn", "refused"}
    assert not gate.check(subject, "newsletter", "email").allowed


def test_single_choices_go_on_and_off_with_the_same_post(client: Client) -> None:
    subject = enrol()
    path = choices_of(subject)
    for answer, state in (("yes", "given"), ("no", "withdrawn"), ("yes", "given"), ("no", "withdrawn")):
        token = token_in(client.get(path).content.decode())
        assert client.post(path, {"presentation": token, "newsletter|email": answer}).status_code == 302
        assert states(subject)["newsletter|email"] == state


def test_a_no_needs_no_token_but_a_yes_does(client: Client) -> None:
    subject = enrol()
    path = choices_of(subject)
    assert client.post(path, {"newsletter|email": "no"}).status_code == 302
    assert states(subject)["newsletter|email"] == "refused"
    assert client.post(path, {"newsletter|email": "yes", "presentation": ""}).status_code == 403
    assert states(subject)["newsletter|email"] == "refused"


def test_a_token_made_for_somebody_else_gives_nothing(client: Client) -> None:
    subject, other = enrol(), enrol(ALICE.email)
    token = token_in(client.get(choices_of(other)).content.decode())
    answer = client.post(choices_of(subject), {"presentation": token, "newsletter|email": "yes"})
    assert answer.status_code == 403
    assert states(subject) == {}


def test_a_page_that_was_open_too_long_gives_nothing_but_still_withdraws(client: Client) -> None:
    subject = enrol()
    path = choices_of(subject)
    token = token_in(client.get(path).content.decode())
    client.post(path, {"presentation": token, "newsletter|email": "yes"})
    with time_machine.travel(clock.now() + timedelta(days=2)):
        assert client.post(path, {"presentation": token, "offers|profiling": "yes"}).status_code == 403
        assert client.post(path, {"presentation": token, "newsletter|email": "no"}).status_code == 302
    assert states(subject)["newsletter|email"] == "withdrawn"


def test_an_objection_to_a_legitimate_interest_is_one_no(client: Client) -> None:
    subject = enrol()
    path = choices_of(subject)
    assert gate.check(subject, "statistics", "analytics").allowed
    client.post(path, {"statistics|analytics": "no"})
    assert not gate.check(subject, "statistics", "analytics").allowed
    client.post(path, {"statistics|analytics": "yes"})
    assert gate.check(subject, "statistics", "analytics").allowed


def test_saying_nothing_changes_nothing(client: Client) -> None:
    subject = enrol()
    client.post(choices_of(subject), {"presentation": "x", "newsletter|email": "maybe", "unknown|email": "yes"})
    assert ledger.history(subject) == []


def test_nothing_is_ticked_in_advance_and_both_answers_are_alike(client: Client) -> None:
    html = client.get("/en/consent/").content.decode()
    assert " checked" not in html
    assert html.count('value="yes"') == html.count('value="no"') == 3
    assert "Statistics" not in html  # nothing is done with a visitor yet that they could object to


def test_a_material_change_of_the_notice_asks_again(client: Client) -> None:
    subject = enrol()
    path = choices_of(subject)
    old = token_in(client.get(path).content.decode())
    client.post(path, {"presentation": old, "newsletter|email": "yes"})
    publish(retention="Ten years.", material_change=True)
    assert states(subject)["newsletter|email"] == "superseded"
    assert client.post(path, {"presentation": old, "newsletter|email": "yes"}).status_code in (403, 409)
    assert "Please answer again" in client.get(path).content.decode()


def test_the_link_to_ones_choices_comes_by_mail_and_the_page_tells_nobody_who_is_known(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    enrol()
    pages, work = [], []
    for address in (BOB.email, ALICE.email):
        answer = client.post("/en/choices/", {"email": address})
        pages.append((answer.status_code, answer.content))
        work.append((Errand.objects.count(), Job.objects.filter(state="ready").count()))
        drain()
    assert pages[0] == pages[1]
    assert work[0] == work[1] == (1, 1)
    assert [letter.to for letter in mailoutbox] == [[BOB.email]]
    assert client.get(link_in(mailoutbox[0])).status_code == 200
    assert Errand.objects.count() == 0


def test_an_erased_person_is_not_stored_again_by_the_form(client: Client, mailoutbox: list[EmailMessage]) -> None:
    subject = enrol(ALICE.email)
    old_link = choices_of(subject)
    vault.forget(subject, actor=SYSTEM, reason="erasure")
    client.post("/en/consent/", {"email": ALICE.email, **YES})
    drain()
    path = link_in(mailoutbox[-1])
    token = token_in(client.get(path).content.decode())
    assert client.post(path, {"presentation": token, **YES}).status_code == 403
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None
    assert client.get(old_link).status_code == 404
    assert client.post(old_link, {"newsletter|email": "yes"}).status_code == 404


def test_forms_nobody_confirms_are_forgotten(client: Client) -> None:
    from governance.privacy_center import errands

    client.post("/en/consent/", {"email": ALICE.email, **YES})
    assert errands.forget_expired() == 0
    with time_machine.travel(clock.now() + timedelta(days=8)):
        assert errands.forget_expired() == 1


def test_a_receipt_is_downloaded_by_its_owner_alone_and_checks_out(client: Client) -> None:
    subject, other = enrol(), enrol(ALICE.email)
    path = choices_of(subject)
    token = token_in(client.get(path).content.decode())
    client.post(path, {"presentation": token, "offers|profiling": "yes"})
    html = client.get(path).content.decode()
    link = re.search(r'href="([^"]+/receipt/[^"]+)"', html)
    assert link is not None
    receipt = client.get(link.group(1))
    assert "attachment" in receipt["Content-Disposition"]
    proof = client.post("/pl/proof/", {"token": receipt.content.decode()}).content.decode()
    assert "Autentyczne i niezmienione" in proof
    assert "przez tworzenie Twojego profilu" in proof
    forged = receipt.content.decode()[:-12]
    assert "Nie potwierdzono" in client.post("/pl/proof/", {"token": forged}).content.decode()
    event = link.group(1).rstrip("/").rpartition("/")[2]
    assert client.get(f"{choices_of(other)}receipt/{event}/").status_code == 404


def test_the_history_shows_everything_in_words_with_receipts(client: Client, mailoutbox: list[EmailMessage]) -> None:
    landed = give(client, mailoutbox)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    client.post(landed.partition("?")[0], {"withdraw_everything": "1"})
    path = f"{choices_of(subject, 'pl')}history/"
    html = client.get(path).content.decode()
    assert html.count("/receipt/") == len(ledger.history(subject)) >= 5
    assert html.index("Twoje „tak”" if "Twoje „tak”" in html else "Newsletter") > 0
    assert "wszystko" in html, "the withdrawal of everything"
    receipt = re.findall(r'href="([^"]+/receipt/[^"]+)"', html)[0]
    assert receipts.verify(client.get(receipt).content.decode(), signing.public_key())
    other = enrol(BOB.email)
    assert "Newsletter" not in client.get(f"{choices_of(other)}history/").content.decode()
    assert client.get("/en/choices/nobody/history/").status_code == 404


def test_every_kind_of_event_actor_and_channel_has_words() -> None:
    assert set(words.EVENTS) == {kind.value for kind in EventType}
    assert set(words.CHANNELS) == {channel.value for channel in Channel}
    assert set(words.STATES) == {state.value for state in State}


def test_asked_and_not_answered_is_recorded_once(client: Client) -> None:
    subject = enrol(BOB.email)
    for _ in range(2):
        client.get(choices_of(subject))
    assert states(subject) == {
        "newsletter|email": "requested",
        "newsletter|sms": "requested",
        "offers|profiling": "requested",
    }
    assert len(ledger.history(subject)) == 3
    assert not gate.check(subject, "newsletter", "email").allowed
    assert gate.check(subject, "newsletter", "email").reason == "not_answered"


def test_a_yes_that_was_never_confirmed_is_not_ticked_and_can_be_confirmed_or_withdrawn_here(client: Client) -> None:
    """Who comes by the link from their mailbox has proved it: their yes on this page needs no second letter."""
    confirmed, withdrawn = enrol(ALICE.email), enrol(BOB.email)
    for subject in (confirmed, withdrawn):
        arrange.give(subject, notices.current("marketing", "en").id)
        assert states(subject)["newsletter|email"] == "pending_confirmation"
        html = client.get(choices_of(subject)).content.decode()
        assert re.findall(r'name="newsletter\|email"[^>]*checked', html) == []
        assert "have not confirmed it yet" in html
    token = token_in(client.get(choices_of(confirmed)).content.decode())
    client.post(choices_of(confirmed), {"presentation": token, "newsletter|email": "yes"})
    assert gate.check(confirmed, "newsletter", "email").allowed
    client.post(choices_of(withdrawn), {"newsletter|email": "no"})
    assert states(withdrawn)["newsletter|email"] == "withdrawn"


def test_what_rests_on_a_legitimate_interest_never_looks_like_a_consent(client: Client) -> None:
    html = client.get(choices_of(enrol())).content.decode()
    statistics = html[html.index("Statistics about our shops") :]
    labels = re.findall(r'name="statistics\|analytics"[^>]*>([^<]+)</label>', statistics)
    assert labels == ["No objection", "I object"]


def test_a_notice_leads_to_itself_in_the_other_language(client: Client) -> None:
    english, polish = (notices.current("marketing", language).id for language in ("en", "pl"))
    html = client.get(f"/en/notices/{english}/").content.decode()
    assert f'href="/pl/notices/{polish}/"' in html
    assert f'href="/en/notices/{english}/"' in client.get(f"/pl/notices/{polish}/").content.decode()


def test_an_address_that_is_none_of_ours_is_answered_in_its_language(client: Client) -> None:
    answer = client.get("/pl/nie-ma-takiej/")
    assert answer.status_code == 404
    assert 'lang="pl"' in answer.content.decode()


@pytest.mark.parametrize("said", [ledger.ANY, ledger.MARKETING])
def test_the_page_shows_what_was_objected_to_as_a_whole(client: Client, said: str) -> None:
    """What the page says and what the gate answers are one, also where nobody ever named the purpose."""
    arrange.purpose("catalogue", legal_basis="legitimate_interest", direct_marketing=True)
    arrange.notice("catalogue", key="post")
    subject = enrol()
    assert not chosen_no(client, subject, "catalogue|email")
    ledger.record(arrange.draft(subject, "objected", purpose=said, channel=ledger.ANY), actor=SYSTEM)
    assert gate.check(subject, "catalogue", "email").reason == "objected"
    assert chosen_no(client, subject, "catalogue|email")
    history = client.get(f"{choices_of(subject, 'pl')}history/").content.decode()
    assert ("cały marketing bezpośredni" if said == ledger.MARKETING else "wszystko") in history


def chosen_no(client: Client, subject: SubjectId, field: str) -> bool:
    page = client.get(choices_of(subject)).content.decode()
    return f'name="{field}" value="no" checked' in page
