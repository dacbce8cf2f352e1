"""The console in a real Chromium: the officer logs in, sees today's numbers, verifies the log; the marketer sees less."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from audit import sequencer
from consent import notices
from dsar import requests
from dsar.states import IntakeChannel, RequestType
from governance import purposes
from governance.accounts import staff
from governance.accounts.roles import Role
from governance.demo import setting
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import opaque
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.e2e import browser
from tests.integration.consent import arrange
from tests.people import DANA, ERIN, MARKO

pytestmark = browser.pytestmark
PASSWORD = "a long enough pass phrase"


@pytest.fixture
def house(live_server: object) -> str:
    cache.clear()
    setting.define_purposes()
    setting.publish_notices()
    for person, role in ((DANA, Role.DPO), (MARKO, Role.MARKETER)):
        staff.enlist(person.email, roles_held=[role], password=PASSWORD, display_name=person.name, actor=SYSTEM)
    vault.enrol([Identity({IdentifierKind.EMAIL: ERIN.email})], actor=SYSTEM, source="tests")
    requests.open(
        RequestType.ERASURE, {IdentifierKind.EMAIL: ERIN.email}, language="en", channel=IntakeChannel.WEB, actor=SYSTEM
    )
    sequencer.sequence()
    return live_server.url


def _log_in(seen: browser.Visit, email: str) -> None:
    seen.open("/console/")
    seen.page.fill('input[name="login"]', email)
    seen.page.fill('input[name="password"]', PASSWORD)
    seen.click('form[method="post"] button[type="submit"]')


def test_the_officer_sees_what_waits_and_verifies_the_log(chromium: object, house: str) -> None:
    seen = browser.visit(chromium, house, scripts=True)
    _log_in(seen, DANA.email)
    page = seen.page
    assert page.url.rstrip("/").endswith("/console")
    assert page.locator('[data-figure="open-requests"] [data-value]').inner_text() == "1"
    assert page.get_by_role("link", name="erasure request").count() == 1
    assert "Art. 12(3)" in page.locator("main, #content").first.inner_text()
    seen.open("/console/log/")
    page.get_by_role("button", name="Verify now").click()
    page.wait_for_selector('#progress[data-verified="true"]')
    assert "Verified" in page.locator("#progress").inner_text()
    assert seen.asked == {house.partition("//")[2]}, "no other host is asked"
    assert seen.complaints == []


def test_who_sells_sees_no_requests_of_people(chromium: object, house: str) -> None:
    seen = browser.visit(chromium, house, scripts=True)
    _log_in(seen, MARKO.email)
    assert seen.page.locator('[data-figure="open-requests"]').count() == 0
    response = seen.page.goto(f"{house}/console/dsar/subjectrequest/")
    assert response.status == 403


def test_a_stranger_is_sent_to_the_login_and_sees_nothing(chromium: object, house: str) -> None:
    seen = browser.visit(chromium, house, scripts=True)
    seen.open("/console/log/")
    assert "/staff/login" in seen.page.url
    assert ERIN.email not in seen.page.content()


def test_the_officer_explores_consent_and_publishes_a_notice(chromium: object, house: str) -> None:
    seen = browser.visit(chromium, house, scripts=True)
    _log_in(seen, DANA.email)
    subject = arrange.person()
    purpose = next(one for one in purposes.all_current() if one.legal_basis == "consent")
    arrange.give(subject, notices.for_purpose(purpose.key, "en").id, purpose=purpose.key, channel=purpose.channels[0])
    seen.open("/console/consent/")
    page = seen.page
    assert page.locator("#trend polyline").count() == 4
    assert page.locator("#trend .marker").count() >= 1
    assert page.locator("#standings tbody tr").count() >= 1
    page.fill('input[name="subject"]', opaque("sub", subject))
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    assert page.locator("#proof").get_attribute("data-unchanged") == "true"
    seen.open("/console/consent/notices/new/")
    page.fill('textarea[name="title"]', "A notice without anything")
    page.fill('input[name="key"]', "empty")
    with page.expect_navigation():
        page.get_by_role("button", name="Preview and check").click()
    assert page.locator("#lint").get_attribute("data-complete") == "false"
    assert seen.asked == {house.partition("//")[2]}, "no other host is asked"
    assert seen.complaints == []
