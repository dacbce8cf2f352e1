"""Why me? The person reads why, has somebody look at it, and hears by mail what came of it; nobody else sees anything."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from audit import decisions, reviews, sealing, sources
from audit.explanations import reasons
from audit.models import Entry, Review
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId, uuid7
from governance.privacy_center import decisions_shown, links, review_letters
from governance.privacy_center.decision_words import WORDS
from governance.privacy_center.links import LinkKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.audit.arrange import DANA
from tests.integration.audit.deciding import batch, register_words
from tests.integration.engine.campaigning import mail_server
from tests.people import ALICE, CAROL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "_families", {})
    register_words()


@pytest.fixture
def people(db: None) -> list[SubjectId]:
    identities = [Identity({IdentifierKind.EMAIL: one.email}) for one in (ALICE, CAROL)]
    enrolled = vault.enrol(identities, actor=SYSTEM, source="test").subjects
    return [subject for subject in enrolled if subject is not None]


@pytest.fixture
def decided(people: list[SubjectId]) -> list[decisions.Decision]:
    made = batch(2, subjects=people, chosen=["coupon_10", "coupon_10"], random_draw=[None, 0.25])
    return decisions.many(decisions.record(replace(made, consent_event_ids=[uuid7(), uuid7()])).decision_ids)


def address_of(decision: decisions.Decision, language: str = "en") -> str:
    token = links.make(LinkKind.CHOICES, decision.subject, links.CHOICES_LIFETIME)
    return f"/{language}/choices/{token}/decisions/{decision.id}/"


def test_the_person_reads_why_in_their_language_without_numbers(
    client: Client, decided: list[decisions.Decision]
) -> None:
    english = client.get(address_of(decided[0])).content.decode()
    polish = client.get(address_of(decided[1], "pl")).content.decode()

    assert "A computer chose “a coupon of 10 %” for you." in english
    assert "Komputer wybrał dla Ciebie: „kupon na 10%”." in polish
    assert "Udział miał też przypadek" in polish
    assert "Chance had a part" not in english
    for page in (english, polish):
        main = page[page.index("<main") : page.index("</main>")]
        assert "weeks_since_visit" not in main
        assert not re.search(r"\d\.\d\d", main), "no score, no contribution"
        assert "<script" not in page
    assert "Set-Cookie" not in client.get(address_of(decided[0])).headers


def test_the_list_leads_to_each_decision(client: Client, decided: list[decisions.Decision]) -> None:
    token = links.make(LinkKind.CHOICES, decided[0].subject, links.CHOICES_LIFETIME)
    listed = client.get(f"/en/choices/{token}/decisions/").content.decode()
    assert f"/en/choices/{token}/decisions/{decided[0].id}/" in listed
    assert str(decided[1].id) not in listed


def test_nobody_sees_or_contests_somebody_elses_decision(client: Client, decided: list[decisions.Decision]) -> None:
    token = links.make(LinkKind.CHOICES, decided[0].subject, links.CHOICES_LIFETIME)
    others = f"/en/choices/{token}/decisions/{decided[1].id}/"
    assert client.get(others).status_code == client.get(f"{others}paper/").status_code == 404
    assert client.post(others, {"statement": "Mine?"}).status_code == 404
    forged = f"/en/choices/{'A' * 20}{token[20:]}/decisions/{decided[0].id}/"
    assert client.get(forged).status_code == 404
    assert not Review.objects.exists()


def test_a_decision_without_words_is_still_contestable(
    client: Client, decided: list[decisions.Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons, "_families", {})
    assert WORDS["en"]["no_words"] in client.get(address_of(decided[0])).content.decode()
    assert client.post(address_of(decided[0]), {"statement": ""}).status_code == 302


def test_the_person_asks_somebody_decides_and_a_letter_tells_them(
    client: Client, decided: list[decisions.Decision], settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    page = address_of(decided[1], "pl")
    asked = client.post(page, {"statement": "To nie jestem ja."})
    assert asked.status_code == 302
    assert WORDS["pl"]["asked"] in client.get(page).content.decode()
    row = Review.objects.get()
    assert "nie jestem" not in bytes(row.sealed_statement).decode("latin-1")
    assert (
        sealing.open_one(decided[1].subject, sealing.STATEMENT, bytes(row.sealed_statement)).decode()
        == "To nie jestem ja."
    )
    assert client.post(page, {"statement": "Again"}).status_code == 409

    reviews.assign(row.pk, assignee=DANA, actor=DANA)
    (reason,) = sealing.seal_many([decided[1].subject], sealing.REASON, ["Dane były błędne.".encode()])
    reviews.decide(row.pk, outcome="reversed", ground="data_was_wrong", sealed_reason=reason, actor=DANA)
    with mail_server(settings) as sink:
        assert drain(kinds=[review_letters.KIND]).done == 1
        review_letters.run(row.pk)  # a second worker says nothing new
        (letter,) = [message.parsed() for message in sink.received()]

    assert letter["To"] == CAROL.email
    text = letter.get_content()
    assert WORDS["pl"]["reversed"] in text
    assert "Dane były błędne" not in text, "the reason is behind the link"
    link = re.search(r"https?://[^/\s]+(/\S+)", text)
    assert link is not None
    shown = client.get(link.group(1)).content.decode()
    assert "Dane były błędne." in shown
    assert reviews.get(row.pk).answered_at is not None
    assert Entry.objects.filter(action="decision.review_answered").count() == 1


def test_a_statement_that_is_too_long_is_refused(client: Client, decided: list[decisions.Decision]) -> None:
    assert client.post(address_of(decided[0]), {"statement": "x" * 4001}).status_code == 422


# A typeface is read for the paper.
@pytest.mark.slow
def test_the_person_takes_a_signed_paper_with_them(client: Client, decided: list[decisions.Decision]) -> None:
    paper = client.get(f"{address_of(decided[1], 'pl')}paper/")
    assert paper.headers["Content-Type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    assert b"/ETSI.CAdES.detached" in paper.content or b"/adbe.pkcs7.detached" in paper.content


def test_the_letter_is_not_written_to_somebody_who_was_erased_before_it_left(
    decided: list[decisions.Decision], settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    decision = decided[0]
    asked = decisions_shown.ask(decision.subject, decision.id, "", "en")
    reviews.assign(asked.id, assignee=DANA, actor=DANA)
    (reason,) = sealing.seal_many([decision.subject], sealing.REASON, [b"It stands."])
    reviews.decide(asked.id, outcome="upheld", ground="as_it_should_be", sealed_reason=reason, actor=DANA)
    sources.DecisionRecords().erase(decision.subject)
    with mail_server(settings) as sink:
        assert drain(kinds=[review_letters.KIND]).done == 1
        assert sink.received() == []
