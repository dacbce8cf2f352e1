"""A form on another website: registered origins only, bound to what was shown, nothing before the mailbox is proved."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from consent import funnel, gate, ledger, notices
from consent.events import evidence
from consent.terms import EventType, OptInStep
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.privacy_center import website_forms
from governance.privacy_center.models import Errand
from governance.privacy_center.website_forms import FormInvalid
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind
from tests.integration.privacy_center.conftest import link_in, token_in
from tests.people import ALICE, BOB

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published", "shop")]
SHOP, STRANGER = "https://shop.example.com", "https://evil.example.net"


@pytest.fixture
def shop(published: None) -> None:
    website_forms.put("shop", purposes=["newsletter"], origins=[SHOP], actor=SYSTEM)


def ask(client: Client, language: str = "en", origin: str = SHOP, **headers: str) -> Any:
    return client.get(f"/forms/shop.json?language={language}", headers={"Origin": origin, **headers})


def answer(client: Client, origin: str = SHOP, **changes: Any) -> Any:
    body = {"email": ALICE.email, "answers": {"newsletter|email": "yes"}} | changes
    body.setdefault("presentation", ask(client).json()["presentation"])
    return client.post(
        "/forms/shop/answers", json.dumps(body), content_type="application/json", headers={"Origin": origin}
    )


def confirm(client: Client, letter: EmailMessage, **answers: str) -> Any:
    path = link_in(letter)
    shown = client.get(path).content.decode()
    return client.post(path, {"presentation": token_in(shown), **(answers or {"newsletter|email": "yes"})})


def test_the_form_asks_in_the_language_of_the_website(client: Client) -> None:
    english, polish = ask(client).json(), ask(client, "pl").json()
    assert [purpose["title"] for purpose in english["purposes"]] == ["Newsletter"]
    assert [choice["field"] for choice in polish["purposes"][0]["choices"]] == ["newsletter|email", "newsletter|sms"]
    assert english["words"]["sent"] != polish["words"]["sent"]
    assert polish["purposes"][0]["notice"]["title"] == "Jak używamy Twoich danych w marketingu"
    assert (
        client.get(polish["purposes"][0]["notice"]["url"].partition("testserver")[2] or "/pl/notices/").status_code
        == 200
    )


def test_an_answer_counts_once_the_mailbox_is_proved(client: Client, mailoutbox: list[EmailMessage]) -> None:
    sent = answer(client)
    assert (sent.status_code, sent.json()) == (202, {"status": "letter_sent"})
    drain()
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None
    assert confirm(client, mailoutbox[-1]).status_code == 302
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert gate.check(subject, "newsletter", "email").allowed
    given = [one for one in ledger.history(subject) if one.event_type is EventType.GIVEN][0]
    kept = evidence.reveal(given.event_id)
    assert kept is not None
    assert (kept["surface"], kept["form"], kept["gpc"]) == ("website", "shop", False)
    assert {"jti", "answered_at"} <= set(kept)


def test_the_confirmation_is_used_once(client: Client, mailoutbox: list[EmailMessage]) -> None:
    answer(client)
    drain()
    assert confirm(client, mailoutbox[-1]).status_code == 302
    assert client.get(link_in(mailoutbox[-1])).status_code == 404
    assert client.post(link_in(mailoutbox[-1]), {"newsletter|email": "yes"}).status_code == 404


def test_the_confirmation_expires_and_what_was_typed_goes(client: Client, mailoutbox: list[EmailMessage]) -> None:
    answer(client)
    drain()
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        assert client.get(link_in(mailoutbox[-1])).status_code == 404
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None


def test_following_the_link_alone_confirms_nothing(client: Client, mailoutbox: list[EmailMessage]) -> None:
    """Scanners of mail open every link."""
    answer(client)
    drain()
    for _ in range(3):
        assert client.get(link_in(mailoutbox[-1])).status_code == 200
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None


@pytest.mark.parametrize(
    "origin",
    [STRANGER, "null", "http://shop.example.com", "https://shop.example.com:8443", "https://shop.example.com.evil.net"],
)
def test_other_websites_neither_read_nor_write(client: Client, origin: str) -> None:
    token = ask(client).json()["presentation"]
    for refused in (ask(client, origin=origin), answer(client, origin=origin, presentation=token)):
        assert refused.status_code == 403
        assert refused.json()["code"] == "origin_not_registered"
        assert "Access-Control-Allow-Origin" not in refused.headers
    plain = client.post(
        "/en/forms/shop/", {"email": ALICE.email, "newsletter|email": "yes"}, headers={"Origin": origin}
    )
    assert plain.status_code == 403
    assert not Errand.objects.exists()


def test_a_registered_website_may_read_and_no_credentials_travel(client: Client) -> None:
    preflight = client.options("/forms/shop/answers", headers={"Origin": SHOP, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    for response in (preflight, ask(client), answer(client)):
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Origin" in response.headers["Vary"]
        assert not response.cookies


def test_a_known_and_an_unknown_address_get_the_same_answer(client: Client, mailoutbox: list[EmailMessage]) -> None:
    vault.enrol([vault.Identity({IdentifierKind.EMAIL: BOB.email})], actor=SYSTEM, source="tests")
    known, unknown = answer(client, email=BOB.email), answer(client, email=ALICE.email)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    drain()
    assert mailoutbox[-1].body.count("\n") == mailoutbox[-2].body.count("\n")


@pytest.mark.slow  # six forms and their letters
def test_a_mailbox_gets_few_letters_and_the_page_does_not_tell(client: Client, mailoutbox: list[EmailMessage]) -> None:
    for _ in range(6):
        assert answer(client).status_code == 202
    drain()
    assert len(mailoutbox) == 4


def foreign_token(language: str = "en", **changes: Any) -> str:
    notice = notices.current("marketing", language)
    return notices.shown([notice.id], **({"purposes": ["newsletter"], "ui_variant": "form/shop"} | changes))


@pytest.mark.parametrize(
    "change",
    [
        {"answers": {}},
        {"answers": {"offers|profiling": "yes"}},
        {"answers": {"newsletter|email": "maybe"}},
        {"answers": ["newsletter|email"]},
        {"email": "not an address"},
        {"email": 5},
        {"presentation": "forged.token.here"},
        {"presentation": 7},
        {"more": "than is asked"},
        {"gpc": "yes"},
    ],
)
def test_what_does_not_belong_is_refused(client: Client, change: dict[str, Any]) -> None:
    assert answer(client, **change).status_code in (403, 422)
    assert not Errand.objects.exists()


def test_a_token_of_another_page_or_purpose_or_time_is_refused(client: Client) -> None:
    website_forms.put("other", purposes=["offers"], origins=[SHOP], actor=SYSTEM)
    other = client.get("/forms/other.json", headers={"Origin": SHOP}).json()["presentation"]
    for token in (other, foreign_token(ui_variant="privacy_center"), foreign_token(purposes=["offers"])):
        assert answer(client, presentation=token).status_code in (403, 422)
    token = ask(client).json()["presentation"]
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        assert answer(client, presentation=token).status_code == 403
    assert not Errand.objects.exists()


def test_without_javascript_the_form_posts_to_a_page(client: Client, mailoutbox: list[EmailMessage]) -> None:
    page = client.get("/pl/forms/shop/")
    assert "Newsletter" in page.content.decode()
    assert "offers|profiling" not in page.content.decode()
    posted = client.post("/pl/forms/shop/", {"email": ALICE.email, "newsletter|email": "yes"}, headers={"Origin": SHOP})
    assert posted.status_code == 200
    drain()
    assert "/pl/consent/" in link_in(mailoutbox[-1])
    assert client.post("/pl/forms/shop/", {"email": ALICE.email}, headers={"Origin": SHOP}).status_code == 422


def test_global_privacy_control_is_kept_with_the_answer(client: Client, mailoutbox: list[EmailMessage]) -> None:
    token = ask(client, **{"Sec-GPC": "1"}).json()["presentation"]
    answer(client, presentation=token)
    drain()
    confirm(client, mailoutbox[-1])
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    given = [one for one in ledger.history(subject) if one.event_type is EventType.GIVEN][0]
    assert (evidence.reveal(given.event_id) or {})["gpc"] is True


@pytest.mark.slow  # the whole way, with its letter
def test_every_step_is_counted_and_nobody_is(client: Client, mailoutbox: list[EmailMessage]) -> None:
    ask(client)
    answer(client)
    drain()
    confirm(client, mailoutbox[-1])
    found = {one.step: one.count for one in funnel.stages(since=clock.today(), surface="form/shop")}
    assert found == {
        OptInStep.SERVED: 2, OptInStep.ANSWERED: 1, OptInStep.SENT: 1, OptInStep.GIVEN: 1, OptInStep.CONFIRMED: 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purposes": []}, "/purposes"),
        ({"purposes": ["nothing"]}, "/purposes"),
        ({"purposes": ["statistics"]}, "/purposes"),
        ({"origins": ["https://shop.example.com/"]}, "/origins"),
        ({"origins": ["*"]}, "/origins"),
        ({"origins": ["null"]}, "/origins"),
        ({"origins": ["https://user@shop.example.com"]}, "/origins"),
    ],
)
def test_a_form_that_could_not_be_kept_is_not_registered(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FormInvalid) as refused:
        website_forms.put("new", **({"purposes": ["newsletter"], "origins": [SHOP]} | changes), actor=SYSTEM)
    assert field in str(refused.value.fields["errors"])


def test_the_command_prints_a_form_that_is_complete_without_its_script(client: Client) -> None:
    out = StringIO()
    call_command("website_form", "shop", purpose=["newsletter"], origin=[SHOP], language="pl", stdout=out)
    html = out.getvalue()
    assert 'integrity="sha384-' in html
    assert 'action="http' in html
    assert html.count('type="radio"') == 4
    assert "style=" not in html
    assert "onclick" not in html
    with pytest.raises(CommandError):
        call_command("website_form", "shop", purpose=["nothing"], origin=[SHOP], stdout=StringIO())


def test_the_script_is_small_and_has_nothing_that_a_strict_policy_forbids(client: Client) -> None:
    served = client.get("/forms/zgoda-form.js")
    assert served.headers["Content-Type"].startswith("text/javascript")
    assert served.headers["Access-Control-Allow-Origin"] == "*"
    code = served.content.decode()
    assert len(served.content) < 4096
    for forbidden in (
        "eval(",
        "new Function",
        "innerHTML",
        "document.write",
        "cookie",
        "localStorage",
        ".style",
        "setTimeout(",
    ):
        assert forbidden not in code.replace("no cookie", "")


@pytest.fixture
def young(published: None, settings: Any) -> None:
    """A form that children may come to, in Poland."""
    settings.ZGODA_CONTROLLER_COUNTRY = "PL"
    website_forms.put("shop", purposes=["newsletter"], origins=[SHOP], actor=SYSTEM, asks_age=True)


@pytest.mark.parametrize("said", [{}, {"of_age": None}, {"of_age": False}])
def test_a_form_that_asks_for_age_takes_a_yes_from_nobody_who_does_not_say_so(
    client: Client, young: None, said: dict[str, Any]
) -> None:
    refused = answer(client, **said)
    assert (refused.status_code, refused.json()["code"]) == (422, "guardian_needed")
    assert answer(client, answers={"newsletter|email": "no"}, **said).status_code == 202


@pytest.mark.parametrize("said", ["yes", 1, 16, ["yes"]])
def test_the_age_is_said_with_yes_or_no(client: Client, young: None, said: Any) -> None:
    assert answer(client, of_age=said).json()["code"] == "answers_invalid"


def test_what_was_said_of_the_age_is_evidence(client: Client, young: None, mailoutbox: list[EmailMessage]) -> None:
    assert ask(client, "pl").json()["age"] == 16
    assert answer(client, of_age=True).status_code == 202
    drain()
    confirm(client, mailoutbox[-1])
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    given = [one for one in ledger.history(subject) if one.event_type is EventType.GIVEN][0]
    assert (evidence.reveal(given.event_id) or {})["of_age"] is True


def test_a_child_s_no_does_not_become_a_yes_in_the_mailbox(
    client: Client, young: None, mailoutbox: list[EmailMessage]
) -> None:
    answer(client, answers={"newsletter|email": "no"}, of_age=False)
    drain()
    confirm(client, mailoutbox[-1], **{"newsletter|email": "yes"})
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is None or not gate.check(subject, "newsletter", "email").allowed


@pytest.mark.parametrize(("said", "status"), [({}, 422), ({"of_age": "no"}, 422), ({"of_age": "yes"}, 200)])
def test_the_age_is_asked_without_javascript_too(
    client: Client, young: None, said: dict[str, str], status: int
) -> None:
    for language, words in (("en", "Are you 16 or older?"), ("pl", "Czy masz ukończone 16 lat?")):
        path = f"/{language}/forms/shop/"
        assert words in client.get(path).content.decode()
        sent = client.post(path, {"email": ALICE.email, "newsletter|email": "yes", **said}, headers={"Origin": SHOP})
        assert sent.status_code == status


def test_where_the_law_has_no_such_age_nobody_is_asked(client: Client, young: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(website_forms, "age_of_consent", lambda: 0)
    assert ask(client).json()["age"] is None
    assert answer(client).status_code == 202
