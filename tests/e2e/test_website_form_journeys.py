"""A consent form inside a website of another origin, in a real Chromium: under a strict policy, with scripts and without."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage

from consent import gate, ledger
from consent.events import evidence
from consent.terms import EventType
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM
from governance.privacy_center import website_forms
from governance.privacy_center.management.commands.website_form import integrity, snippet
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind
from tests.e2e import browser
from tests.integration.privacy_center.conftest import link_in, publish
from tests.people import ALICE

pytestmark = browser.pytestmark


@dataclass
class Website:
    """A website of somebody else: one page, under the strictest policy that lets it embed the form."""

    origin: str
    html: str = ""
    policy: str = ""


@pytest.fixture
def website() -> Iterator[Website]:
    site = Website("")

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.html.encode() if self.path == "/" else b""
            self.send_response(200 if body else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    site.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def house(live_server: Any, website: Website, settings: Any) -> str:
    """The service, and the website with the form as the command prints it."""
    cache.clear()
    publish()
    settings.ZGODA_PUBLIC_URL = live_server.url
    form = website_forms.put("shop", purposes=["newsletter", "offers"], origins=[website.origin], actor=SYSTEM)
    base = live_server.url
    website.policy = (
        f"default-src 'none'; script-src {base}/forms/zgoda-form.js; connect-src {base}; form-action {base}; "
        "base-uri 'none'; require-trusted-types-for 'script'"
    )
    html = snippet(form, "en")
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>'
    website.html = f"{head}<body><main><h1>Shop</h1>\n{html}\n</main></body></html>"
    return str(base)


def open_site(seen: browser.Visit, website: Website, *, ready: bool = True) -> None:
    seen.page.goto(website.origin + "/")
    if ready:
        seen.page.wait_for_selector("form[data-zgoda-ready]", state="attached")


def only_two_origins(seen: browser.Visit, house: str, website: Website) -> None:
    assert seen.asked <= {urlsplit(house).netloc, urlsplit(website.origin).netloc}
    assert seen.complaints == []
    assert seen.page.context.cookies() == []
    assert seen.page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


def confirm(seen: browser.Visit, letter: EmailMessage, house: str) -> None:
    seen.page.goto(house + link_in(letter))
    seen.press("form button")


def pushed(seen: browser.Visit) -> list[list[Any]]:
    calls: list[list[Any]] = seen.page.evaluate("window.dataLayer.map(one => Array.from(one))")
    return calls


def test_a_website_asks_and_the_person_confirms_by_mail(
    chromium: Any, house: str, website: Website, mailoutbox: list[EmailMessage]
) -> None:
    seen = browser.visit(chromium, house, scripts=True)
    open_site(seen, website)
    assert pushed(seen)[0][:2] == ["consent", "default"]
    assert set(pushed(seen)[0][2].values()) == {"denied"}
    seen.choose("newsletter|email", "yes")
    seen.choose("offers|profiling", "yes")
    seen.tab_to('input[name="email"]')
    seen.page.keyboard.type(ALICE.email)
    seen.tab_to("form button")
    seen.page.keyboard.press("Enter")
    seen.page.locator("[data-zgoda-status]:not(:empty)").wait_for()
    assert "mailbox" in seen.page.locator("[data-zgoda-status]").inner_text()
    assert seen.page.url == website.origin + "/", "the person stays on the website"
    command, state = pushed(seen)[-1][1:]
    assert (command, state["personalization_storage"], state["ad_storage"]) == ("update", "granted", "denied")
    only_two_origins(seen, house, website)

    drain()
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) is None
    confirm(seen, mailoutbox[-1], house)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert gate.check(subject, "newsletter", "email").allowed
    assert not gate.check(subject, "newsletter", "sms").allowed
    given = next(one for one in ledger.history(subject) if one.event_type is EventType.GIVEN)
    assert (evidence.reveal(given.event_id) or {})["form"] == "shop"


def test_without_javascript_the_same_form_posts_to_the_privacy_centre(
    chromium: Any, house: str, website: Website, mailoutbox: list[EmailMessage]
) -> None:
    seen = browser.visit(chromium, house, scripts=False)
    open_site(seen, website, ready=False)
    seen.choose("newsletter|email", "yes")
    seen.tab_to('input[name="email"]')
    seen.page.keyboard.type(ALICE.email)
    seen.press("form button")
    assert seen.page.url.startswith(house)
    drain()
    confirm(seen, mailoutbox[-1], house)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert gate.check(subject, "newsletter", "email").allowed
    seen.press('button[name="withdraw_everything"]')
    assert not gate.check(subject, "newsletter", "email").allowed
    assert seen.asked <= {urlsplit(house).netloc, urlsplit(website.origin).netloc}
    assert seen.complaints == []


def test_a_changed_script_does_not_run(chromium: Any, house: str, website: Website) -> None:
    """Subresource Integrity: whoever changes the script on its way changes nothing on the website."""
    website.html = website.html.replace(integrity(), "sha384-" + "A" * 64)
    seen = browser.visit(chromium, house, scripts=True)
    open_site(seen, website, ready=False)
    seen.page.wait_for_load_state("load")
    assert seen.page.evaluate("typeof window.dataLayer") == "undefined"
    assert any("integrity" in one for one in seen.complaints)


def test_a_website_that_is_not_registered_gets_nothing(chromium: Any, house: str, website: Website) -> None:
    website_forms.put("shop", purposes=["newsletter"], origins=["https://other.example.com"], actor=SYSTEM)
    seen = browser.visit(chromium, house, scripts=True)
    open_site(seen, website, ready=False)
    seen.page.wait_for_load_state("networkidle")
    assert seen.page.locator("form[data-zgoda-ready]").count() == 0
    assert any("CORS" in one or "403" in one for one in seen.complaints)


def test_global_privacy_control_answers_no_to_ads(
    chromium: Any, house: str, website: Website, mailoutbox: list[EmailMessage]
) -> None:
    from governance import purposes
    from tests.integration.consent import arrange

    arrange.purpose("banners", channels=["ads"])
    arrange.notice("banners", key="ads")
    assert purposes.current("banners").channels == ("ads",)
    form = website_forms.put("shop", purposes=["banners", "newsletter"], origins=[website.origin], actor=SYSTEM)
    website.html = re.sub(r"<script.*</form>", lambda _: snippet(form, "en"), website.html, flags=re.DOTALL)
    seen = browser.visit(chromium, house, scripts=True, extra_http_headers={"Sec-GPC": "1"})
    seen.page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    open_site(seen, website)
    assert seen.page.locator('input[name="banners|ads"][value="no"]').is_checked()
    assert not seen.page.locator('input[name="newsletter|email"][value="no"]').is_checked()
    seen.page.locator('input[name="newsletter|email"][value="yes"]').check()
    seen.page.locator('input[name="email"]').fill(ALICE.email)
    seen.page.locator("form button").click()
    seen.page.locator("[data-zgoda-status]:not(:empty)").wait_for()
    assert pushed(seen)[-1][2]["ad_storage"] == "denied"
    drain()
    confirm(seen, mailoutbox[-1], house)
    subject = vault.find_subject(IdentifierKind.EMAIL, ALICE.email)
    assert subject is not None
    assert not gate.check(subject, "banners", "ads").allowed
    assert gate.check(subject, "newsletter", "email").allowed


def test_the_form_violates_no_rule_of_accessibility(
    chromium: Any, house: str, website: Website, tmp_path: Path
) -> None:
    website.policy = website.policy.replace("require-trusted-types-for 'script'", "").replace(
        "script-src", "script-src 'unsafe-eval'"
    )
    form = website_forms.put("shop", purposes=["newsletter"], origins=[website.origin], actor=SYSTEM, asks_age=True)
    website.html = re.sub(r"<script.*</form>", lambda _: snippet(form, "en"), website.html, flags=re.DOTALL)
    seen = browser.visit(chromium, house, scripts=True, viewport={"width": 360, "height": 740})
    open_site(seen, website)
    seen.look(styled=False)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_that_asks_for_age_by_keyboard_with_scripts_and_without(
    chromium: Any, house: str, website: Website, mailoutbox: list[EmailMessage], settings: Any, scripts: bool
) -> None:
    settings.ZGODA_CONTROLLER_COUNTRY = "PL"
    form = website_forms.put("shop", purposes=["newsletter"], origins=[website.origin], actor=SYSTEM, asks_age=True)
    website.html = re.sub(r"<script.*</form>", lambda _: snippet(form, "pl"), website.html, flags=re.DOTALL)
    website.html = website.html.replace('lang="en"', 'lang="pl"')
    seen = browser.visit(chromium, house, scripts=scripts)
    open_site(seen, website, ready=scripts)
    assert "Czy masz ukończone 16 lat?" in seen.page.locator("main").inner_text()
    seen.choose("newsletter|email", "yes")
    seen.choose("of_age", "no")
    seen.type("email", ALICE.email)
    if scripts:
        seen.tab_to("form button")
        seen.page.keyboard.press("Enter")
        seen.page.locator("[data-zgoda-status]:not(:empty)").wait_for()
        assert "rodzic lub opiekun" in seen.page.locator("[data-zgoda-status]").inner_text()
        only_two_origins(seen, house, website)
    else:
        seen.press("form button")
        assert "rodzic lub opiekun" in seen.text()
    drain()
    assert mailoutbox == []


def test_the_page_for_who_has_no_javascript_violates_no_rule_when_it_refuses(
    chromium: Any, house: str, website: Website
) -> None:
    website_forms.put("shop", purposes=["newsletter"], origins=[website.origin], actor=SYSTEM, asks_age=True)
    seen = browser.visit(chromium, house, scripts=True, bypass_csp=True, viewport={"width": 360, "height": 740})
    for language in ("en", "pl"):
        seen.open(f"/{language}/forms/shop/")
        seen.look()
        seen.choose("newsletter|email", "yes")
        seen.press("form button")
        seen.look()
