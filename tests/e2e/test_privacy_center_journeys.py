"""The privacy centre in a real Chromium: by keyboard, with scripts on and off, in both languages, without a glance elsewhere."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage

from consent import gate
from dsar import certificates, planning
from dsar.models import SubjectRequest
from dsar.states import Status
from governance.accounts import staff
from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.e2e import browser
from tests.integration.privacy_center.conftest import publish
from tests.people import ALICE, DANA, ERIN

pytestmark = browser.pytestmark


@pytest.fixture
def mailbox(mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    return mailoutbox


@pytest.fixture
def house(live_server: object) -> str:
    cache.clear()
    publish()
    return live_server.url


def link_in(letter: EmailMessage) -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", letter.body)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_consent_is_given_and_withdrawn_by_keyboard(
    chromium: object, house: str, mailbox: list[EmailMessage], language: str, scripts: bool
) -> None:
    seen = browser.visit(chromium, house, scripts=scripts)
    seen.open(f"/{language}/")
    seen.press(f'a[href="/{language}/consent/"]')
    seen.choose("newsletter|email", "yes")
    seen.type("email", ALICE.email)
    seen.press("form button")
    drain()
    seen.follow(link_in(mailbox[-1]))
    seen.press("form button")
    to_give = seen.counted()
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert gate.check(subject, "newsletter", "email").allowed
    assert not gate.check(subject, "newsletter", "sms").allowed
    assert {"en": "Saved", "pl": "Zapisano"}[language] in seen.text()

    seen.press('button[name="withdraw_everything"]')
    assert seen.counted() == 1, "who has the page before them withdraws by one button"
    assert not gate.check(subject, "newsletter", "email").allowed
    assert {"en": "You said no", "pl": "Twoja odpowiedź: nie"}[language] in seen.text()

    seen.choose("newsletter|email", "yes")
    seen.press("form button")
    again = seen.counted()
    assert gate.check(subject, "newsletter", "email").allowed
    seen.choose("newsletter|email", "no")
    seen.press("form button")
    assert seen.counted() == again == 2, "one choice is given and withdrawn by the same two steps"
    assert not gate.check(subject, "newsletter", "email").allowed
    to_withdraw = _withdraw_from_the_start(seen, language, mailbox)
    assert to_withdraw <= to_give, (
        "with nothing at hand but one's address, withdrawing is no longer way than giving was"
    )
    seen.check()


def _withdraw_from_the_start(seen: browser.Visit, language: str, mailbox: list[EmailMessage]) -> int:
    seen.open(f"/{language}/")
    seen.press(f'main a[href="/{language}/choices/"]')
    seen.type("email", ALICE.email)
    seen.press("form button")
    drain()
    seen.follow(link_in(mailbox[-1]))
    seen.press('button[name="withdraw_everything"]')
    return seen.counted()


def test_what_was_typed_wrongly_is_said_where_the_keyboard_is(chromium: object, house: str) -> None:
    """The title and the first words say that there is an error, the focus stands there, and its links lead to the fields (3.3.1)."""
    seen = browser.visit(chromium, house, scripts=False)
    seen.open("/en/consent/")
    seen.press("form button")
    assert seen.page.title().startswith("Error: ")
    assert seen.page.locator("#errors:focus").count() == 1
    seen.page.locator('#errors a[href="#id_email"]').click()
    assert seen.page.locator("#id_email:focus").count() == 1
    assert seen.page.locator("#id_email").get_attribute("aria-invalid") == "true"
    assert seen.page.locator("#id_email").get_attribute("autocomplete") == "email"
    seen.page.locator('#errors a[href="#first-answer"]').click()
    assert seen.page.locator("#first-answer:focus").count() == 1


def test_the_focus_goes_down_the_page_and_is_always_seen(chromium: object, house: str) -> None:
    """By Tab alone: in the order of the page (2.4.3), with an outline around each stop (2.4.7), nothing in the way of it (2.4.11)."""
    seen = browser.visit(chromium, house, scripts=True, viewport={"width": 360, "height": 800})
    seen.open("/en/consent/")
    stops = []
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        stop = seen.page.evaluate(_FOCUSED)
        if stop is None or (stops and stop["place"] == stops[0]["place"]):
            break
        stops.append(stop)
    assert [one["place"] for one in stops] == sorted(one["place"] for one in stops)
    assert stops[0]["text"] == "Skip to the content"
    assert [one["html"] for one in stops if not one["outlined"] or not one["visible"]] == []
    assert len(stops) >= 15


_FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) { return null; }
    const shown = one.matches('input[type=radio]') ? one.closest('label') : one.closest('.card') || one;
    const box = shown.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
        place: [...document.querySelectorAll('*')].indexOf(one), text: one.textContent.trim(), html: one.outerHTML.slice(0, 90),
        outlined: getComputedStyle(shown).outlineStyle === 'solid' && parseFloat(getComputedStyle(shown).outlineWidth) >= 2,
        visible: box.top >= 0 && box.bottom <= innerHeight && !!top && (shown.contains(top) || top.contains(shown)),
    };
}"""


@pytest.mark.parametrize("language", ["en", "pl"])
def test_an_erasure_is_asked_on_the_page_and_ends_in_a_checked_certificate(
    chromium: object, house: str, mailbox: list[EmailMessage], language: str
) -> None:
    vault.enrol(
        [Identity({IdentifierKind.EMAIL: ERIN.email, IdentifierKind.NAME: ERIN.name})], actor=SYSTEM, source="tests"
    )
    dana = Actor(ActorKind.STAFF, str(staff.enlist(DANA.email, roles_held=[Role.DPO], actor=SYSTEM)))
    seen = browser.visit(chromium, house, scripts=False)
    seen.open(f"/{language}/")
    seen.click(f'a[href="/{language}/requests/new/?type=erasure"]')
    assert seen.page.locator('input[value="erasure"]').is_checked()
    seen.page.locator('input[name="email"]').fill(ERIN.email)
    seen.click("form button")
    drain()
    code = re.search(r"\b(\d{4} \d{4})\b", mailbox[-1].body)
    assert code is not None
    seen.page.locator('input[name="code"]').fill(code.group(1))
    seen.click("form button")
    reference, tracking_code = (seen.page.locator(".secret").nth(place).inner_text() for place in (0, 1))

    request_id = SubjectRequest.objects.get().pk
    planning.plan(request_id, dana)
    planning.approve(request_id, dana, reason="Checked in the test.")
    drain()
    assert Status(SubjectRequest.objects.get().status) is Status.RESPONDED

    seen.open(f"/{language}/requests/")
    seen.page.locator('input[name="reference"]').fill(reference)
    seen.page.locator('input[name="code"]').fill(tracking_code)
    seen.click("form button")
    seen.click(f'form[action="/{language}/proof/"] button')
    assert {"en": "Genuine and unchanged", "pl": "Autentyczne i niezmienione"}[language] in seen.text()
    assert certificates.of(request_id).key_id in seen.text()
    seen.check()


# Each takes some fifteen pages through axe; both languages, schemes and widths appear in two, all four combinations on request.
# 320 CSS pixels is the width at which nothing may need scrolling in two directions (1.4.10).
COMBINATIONS = [("pl", "light", 320), ("en", "dark", 1100), ("en", "light", 320), ("pl", "dark", 1100)]


@pytest.mark.parametrize(
    ("language", "scheme", "width"), COMBINATIONS[: 4 if os.environ.get("ZGODA_EVERY_COMBINATION") else 2]
)
def test_no_page_violates_wcag(
    chromium: object, house: str, language: str, scheme: str, width: int, mailbox: list[EmailMessage]
) -> None:
    """Nothing is found on any page, in both languages and colour schemes, wide or narrow."""
    seen = browser.visit(chromium, house, scripts=True, color_scheme=scheme, viewport={"width": width, "height": 800})
    for path in pages_of_a_person():
        seen.open(f"/{language}/{path}")
        assert seen.page.locator("h1").count() == 1, path
        assert seen.page.locator('footer a[href^="mailto:"]').count() == 1, (
            "help stands at the same place everywhere (3.2.6)"
        )
        seen.look()
        if path.startswith("confirm/"):
            seen.click("form button")  # the page that follows
            seen.look()
    for path in ("requests/new/", "consent/"):
        seen.open(f"/{language}/{path}")
        seen.click("form button")  # the page with errors
        seen.look()
    assert seen.asked == {urlsplit(house).netloc}


def pages_of_a_person() -> list[str]:
    """Every page there is to look at, for somebody who answered, with one consent that waits for its confirmation."""
    from consent import confirmation, notices
    from governance.privacy_center import links, website_forms
    from tests.integration.consent import arrange

    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    waiting = arrange.give(subject, notices.current("marketing", "en").id)
    arrange.withdraw(subject, channel="sms")
    website_forms.put("shop", purposes=["newsletter"], origins=["https://shop.example.com"], actor=SYSTEM)
    choices = f"choices/{links.make(links.LinkKind.CHOICES, subject, links.CHOICES_LIFETIME)}/"
    notice = f"notices/{notices.current('marketing', 'pl').id}/"
    return [
        "", "choices/", choices, f"{choices}history/", "consent/", "consent/child/", "forms/shop/", "requests/new/", "requests/",
        "notices/", notice, "proof/", f"confirm/{confirmation.link_token(waiting.event_id)}/", "no-such-page/",
    ]  # fmt: skip
