"""Requests, notices and proofs on the public pages, and what must hold for every page."""

from __future__ import annotations

import re

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from consent import notices
from dsar.models import SubjectRequest
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM
from governance.privacy_center import limits
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.privacy_center.conftest import publish
from tests.people import ALICE, ERIN

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PAGES = ["", "choices/", "consent/", "requests/new/", "requests/", "notices/", "proof/", "requests/dsr_x/confirm/"]


def secrets_in(html: str) -> list[str]:
    return re.findall(r'<span class="secret">([^<]+)</span>', html)


def code_in(letter: EmailMessage) -> str:
    found = re.search(r"\b(\d{4} \d{4})\b", letter.body)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_the_house_rules(client: Client, language: str, path: str) -> None:
    answer = client.get(f"/{language}/{path}", headers={"accept-language": "de"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert not answer.cookies
    assert "script" not in html.lower()
    assert "style=" not in html
    assert " src=" not in html
    assert not re.findall(r'(?:href|action)="(?:https?:)?//', html)
    assert f'<html lang="{language}">' in html
    assert html.count("<h1") == 1
    assert "noindex" in html or 'content="index"' in html
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"]
    other = "pl" if language == "en" else "en"
    assert f'href="/{other}/{path}"' in html
    labels = set(re.findall(r'<label for="([^"]+)"', html))
    fields = set(re.findall(r'<(?:input type="(?:text|email)"|textarea)[^>]* id="([^"]+)"', html))
    assert fields <= labels


def test_the_root_speaks_the_browsers_language(client: Client) -> None:
    assert client.get("/", headers={"accept-language": "pl-PL,pl;q=0.9"})["Location"] == "/pl/"
    assert client.get("/", headers={"accept-language": "de"})["Location"] == "/en/"


def test_polish_pages_are_polish(client: Client) -> None:
    html = client.get("/pl/").content.decode()
    assert "Twoje dane, Twoja decyzja" in html
    assert "Your data" not in html


def test_an_erasure_is_asked_confirmed_and_tracked(client: Client, mailoutbox: list[EmailMessage]) -> None:
    identity = Identity({IdentifierKind.EMAIL: ERIN.email, IdentifierKind.CUSTOMER_ID: ERIN.customer_id})
    vault.enrol([identity], actor=SYSTEM, source="tests")
    opened = client.post("/en/requests/new/", {"type": "erasure", "email": ERIN.email}).content.decode()
    reference, first_code = secrets_in(opened)[:2]
    drain()
    assert client.post(f"/en/requests/{reference}/confirm/", {"code": "1234 5678"}).status_code == 403
    confirmed = client.post(f"/en/requests/{reference}/confirm/", {"code": code_in(mailoutbox[-1])})
    html = confirmed.content.decode()
    assert "that was the right code" in html
    second_code = secrets_in(html)[1]
    assert second_code != first_code
    assert client.post("/en/requests/", {"reference": reference, "code": first_code}).status_code == 404
    tracked = client.post("/pl/requests/", {"reference": reference, "code": second_code}).content.decode()
    assert "Rozpatrujemy Twój wniosek." in tracked
    revoked = client.post("/en/requests/revoke/", {"reference": reference, "code": second_code}).content.decode()
    assert "You took your request back" in revoked
    for page in (opened, html, tracked, revoked):
        assert ERIN.email not in page


def test_known_and_unknown_people_see_the_same_page(client: Client, mailoutbox: list[EmailMessage]) -> None:
    vault.enrol([Identity({IdentifierKind.EMAIL: ERIN.email})], actor=SYSTEM, source="tests")
    pages = []
    for address in (ERIN.email, ALICE.email):
        html = client.post("/en/requests/new/", {"type": "access", "email": address}).content.decode()
        reference, code = secrets_in(html)[:2]
        pages.append(html.replace(reference, "R").replace(code, "C"))
        drain()
    assert pages[0] == pages[1]
    assert [letter.to for letter in mailoutbox] == [[ERIN.email], [ALICE.email]]
    assert mailoutbox[0].subject[:20] == mailoutbox[1].subject[:20]


def test_an_access_package_is_downloaded_with_the_tracking_code(client: Client, mailoutbox: list[EmailMessage]) -> None:
    vault.enrol([Identity({IdentifierKind.EMAIL: ERIN.email})], actor=SYSTEM, source="tests")
    opened = client.post("/en/requests/new/", {"type": "access", "email": ERIN.email}).content.decode()
    reference, first_code = secrets_in(opened)[:2]
    drain()
    confirmed = client.post(f"/en/requests/{reference}/confirm/", {"code": code_in(mailoutbox[-1])}).content.decode()
    drain()
    code = secrets_in(confirmed)[1]
    archive = client.post("/en/requests/package/", {"reference": reference, "code": code})
    assert archive.content[:2] == b"PK"
    assert "attachment" in archive["Content-Disposition"]
    assert client.post("/en/requests/package/", {"reference": reference, "code": first_code}).status_code == 404


def test_wrong_input_is_explained_beside_the_field_and_in_a_list(client: Client) -> None:
    answer = client.post("/en/requests/new/", {"type": "", "email": "nonsense"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'role="alert"' in html
    assert 'aria-invalid="true"' in html
    assert 'href="#id_email"' in html
    assert not SubjectRequest.objects.exists()


def test_letters_to_one_mailbox_are_limited_without_saying_so(client: Client, mailoutbox: list[EmailMessage]) -> None:
    answers = []
    for _ in range(limits.LETTERS_TO_ONE.times + 2):
        html = client.post("/en/requests/new/", {"type": "access", "email": ERIN.email}).content.decode()
        reference, code = secrets_in(html)[:2]
        answers.append(html.replace(reference, "R").replace(code, "C"))
    drain()
    assert len(set(answers)) == 1
    assert len(mailoutbox) == limits.LETTERS_TO_ONE.times


def test_guessing_is_slowed_down_for_one_address(client: Client) -> None:
    for _ in range(limits.CODES.times):
        assert client.post("/en/requests/", {"reference": "dsr_x", "code": "x"}).status_code == 404
    slowed = client.post("/en/requests/", {"reference": "dsr_x", "code": "x"})
    assert slowed.status_code == 429
    assert int(slowed["Retry-After"]) > 0
    other = client.post("/en/requests/", {"reference": "dsr_x", "code": "x"}, REMOTE_ADDR="192.0.2.7")
    assert other.status_code == 404


def test_notices_show_every_version_and_what_changed(client: Client) -> None:
    first = notices.current("marketing", "en")
    publish(retention="Three years.", material_change=True)
    newest = notices.current("marketing", "en")
    assert f"/en/notices/{newest.id}/" in client.get("/en/notices/").content.decode()
    html = client.get(f"/en/notices/{newest.id}/").content.decode()
    assert "Three years." in html
    assert f"/en/notices/{first.id}/" in html
    assert "everybody was asked again" in html
    old = client.get(f"/en/notices/{first.id}/").content.decode()
    assert "This is an earlier version." in old
    assert "Two years after" in old
    assert client.get("/en/notices/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_a_pasted_text_is_verified_or_not_in_words(client: Client) -> None:
    assert "Not verified" in client.post("/en/proof/", {"token": "a.b.c"}).content.decode()
    assert "Nie potwierdzono" in client.post("/pl/proof/", {"token": "<script>alert(1)</script>"}).content.decode()
    assert client.post("/en/proof/", {"token": ""}).status_code == 422


def test_an_error_page_repeats_nothing_that_was_typed(client: Client) -> None:
    answer = client.post("/en/requests/", {"reference": ERIN.email, "code": ERIN.phone})
    html = answer.content.decode()
    assert answer.status_code == 404
    assert "We found no such request" in html
    for path in ("/en/choices/nonsense/", "/en/consent/nonsense/"):
        page = client.get(path)
        assert page.status_code == 404
        assert "does not work any more" in page.content.decode()
    assert client.post("/en/requests/revoke/", {"reference": "dsr_x", "code": ERIN.email}).status_code == 404
