"""The one way in: password, second factor, lock-out on guessing, whichever process answers."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.db import connection
from django.test import Client

from governance.accounts import staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from tests.integration.accounts.log_reading import actions, facts_of, text_of_the_log
from tests.people import ADA, DANA, ELI

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
WRONG = "incorrect horse battery"
A_PAGE = "/console/accounts/serviceclient/"


@pytest.fixture(autouse=True)
def fresh_counters() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana() -> User:
    user_id = staff.enlist(DANA.email, roles_held=[Role.DPO], password=PASSWORD, display_name=DANA.name, actor=SYSTEM)
    return User.objects.get(pk=user_id)


def try_to_log_in(
    password: str, email: str = DANA.email, address: str = "192.0.2.1", host: str = "127.0.0.1"
) -> Client | None:
    """A browser that is logged in, or None when the service refused."""
    browser = Client(REMOTE_ADDR=address, HTTP_HOST=host)
    answer = browser.post("/staff/login/", {"login": email, "password": password})
    if answer.status_code == 302:
        return browser
    assert answer.status_code == 200
    return None


def test_the_right_password_opens_the_console(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    assert browser.get(A_PAGE).status_code == 200


def test_case_and_spaces_in_the_address_do_not_matter(dana: User) -> None:
    assert try_to_log_in(PASSWORD, email=f"  {DANA.email.upper()} ") is not None


def test_the_console_has_no_login_form_of_its_own(dana: User) -> None:
    answer = Client().get("/console/login/?next=/console/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/staff/login/?next=")
    assert Client().post("/console/login/", {"username": DANA.email, "password": PASSWORD}).status_code == 302
    assert Client().get("/console/").headers["Location"].startswith("/console/login/")


def test_there_is_no_sign_up_and_no_reset_by_mail() -> None:
    for path in ("/staff/signup/", "/staff/password/reset/", "/staff/social/login/"):
        assert Client().get(path).status_code == 404


def test_after_five_wrong_passwords_the_right_one_is_refused(dana: User) -> None:
    for attempt in range(5):
        assert try_to_log_in(WRONG, address=f"192.0.2.{attempt}") is None
    assert try_to_log_in(PASSWORD, address="192.0.2.99") is None
    assert try_to_log_in(PASSWORD, address="192.0.2.98", host="localhost") is None, "another host name bought a new try"
    assert actions("accounts.login_locked") == 1
    assert actions("accounts.login_failed") == 5


def test_one_account_under_attack_locks_no_other(dana: User) -> None:
    staff.enlist(ELI.email, roles_held=[Role.ENGINEER], password=PASSWORD, actor=SYSTEM)
    for attempt in range(6):
        try_to_log_in(WRONG, address=f"192.0.2.{attempt}")
    assert try_to_log_in(PASSWORD, email=ELI.email, address="198.51.100.1") is not None


def test_a_right_password_in_between_does_not_reset_the_count(dana: User) -> None:
    for attempt in range(4):
        assert try_to_log_in(WRONG, address=f"192.0.2.{attempt}") is None
    assert try_to_log_in(PASSWORD, address="198.51.100.1") is not None
    assert try_to_log_in(WRONG, address="192.0.2.7") is None
    assert try_to_log_in(PASSWORD, address="198.51.100.1") is None


def test_one_address_guessing_at_many_accounts_is_stopped(dana: User) -> None:
    for attempt in range(20):
        assert try_to_log_in(WRONG, email=f"nobody{attempt}@example.com") is None
    assert try_to_log_in(PASSWORD) is None
    assert try_to_log_in(PASSWORD, address="198.51.100.1") is not None


# Threads with connections of their own, as web processes have them; the count is in the database.
@pytest.mark.django_db(transaction=True)
def test_guesses_that_arrive_at_once_are_counted_all(dana: User) -> None:
    start, passed = threading.Barrier(12), []

    def guess(number: int) -> None:
        try:
            start.wait()
            try_to_log_in(WRONG, address=f"192.0.2.{number}")
            passed.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 12
    assert actions("accounts.login_failed") <= 5
    assert try_to_log_in(PASSWORD, address="198.51.100.1") is None


def test_an_unknown_address_and_a_wrong_password_look_the_same(dana: User) -> None:
    def page(email: str) -> str:
        body = Client().post("/staff/login/", {"login": email, "password": WRONG}).content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|value="[^"]*@[^"]*"', "", body)

    assert page(DANA.email) == page("nobody@example.com")


def test_logins_and_failures_are_entries_without_name_or_address(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    browser.post("/staff/logout/")
    try_to_log_in(WRONG)
    try_to_log_in(WRONG, email="nobody@example.com")
    assert [actions(f"accounts.{kind}") for kind in ("login", "logout", "login_failed")] == [1, 1, 2]
    assert facts_of("accounts.login") == {"factors": ["password"]}
    assert not re.search(r"dana|nobody|horse|@", text_of_the_log(), re.IGNORECASE)


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def with_second_factor(browser: Client) -> str:
    assert browser.post("/staff/reauthenticate/", {"password": PASSWORD}).status_code == 302
    page = browser.get("/staff/second-factor/app/").content.decode()
    found = re.search(r"into the app: <code>(\w+)</code>", page)
    assert found
    assert "<svg" in page
    assert browser.post("/staff/second-factor/app/", {"code": code_for(found[1])}).status_code == 302
    return found[1]


def test_with_a_second_factor_the_password_alone_opens_nothing(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    secret = with_second_factor(browser)
    stored = Authenticator.objects.get(user=dana, type=Authenticator.Type.TOTP).data["secret"]
    assert secret not in stored, "the secret lies in the database as it is"

    second = Client()
    answer = second.post("/staff/login/", {"login": DANA.email, "password": PASSWORD})
    assert answer.headers["Location"].endswith("/staff/second-factor/code/")
    assert second.get("/console/").status_code == 302
    assert second.post("/staff/second-factor/code/", {"code": "000000"}).status_code == 200
    assert second.get("/console/").status_code == 302
    cache.clear()  # the code that turned the factor on counts as used; time is what a person would wait for
    assert second.post("/staff/second-factor/code/", {"code": code_for(secret)}).status_code == 302
    assert second.get(A_PAGE).status_code == 200
    assert actions("accounts.factor_added") == 1
    assert facts_of("accounts.login") == {"factors": ["mfa", "password"]}


def test_guessing_the_code_locks_too(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    secret = with_second_factor(browser)
    cache.clear()
    second = Client()
    second.post("/staff/login/", {"login": DANA.email, "password": PASSWORD})
    for _ in range(5):
        second.post("/staff/second-factor/code/", {"code": "000000"})
    assert second.post("/staff/second-factor/code/", {"code": code_for(secret)}).status_code == 200
    assert second.get("/console/").status_code == 302


def test_setting_up_or_turning_off_a_second_factor_asks_for_the_password_again(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    assert browser.get("/staff/second-factor/app/").headers["Location"].startswith("/staff/reauthenticate/")
    assert browser.post("/staff/reauthenticate/", {"password": WRONG}).status_code == 200
    assert browser.get("/staff/second-factor/app/").status_code == 302
    with_second_factor(browser)
    with time_machine.travel(now() + timedelta(minutes=6), tick=False):
        assert browser.get("/staff/second-factor/app/off/").status_code == 302
        assert Authenticator.objects.filter(user=dana, type=Authenticator.Type.TOTP).exists()
        assert browser.post("/staff/reauthenticate/", {"password": PASSWORD}).status_code == 302
        assert browser.post("/staff/second-factor/app/off/").status_code == 302
    assert not Authenticator.objects.filter(user=dana).exists()
    assert actions("accounts.factor_removed") == 1


def test_recovery_codes_open_the_account_once_each(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    with_second_factor(browser)
    codes = re.findall(r"<li><code>(\w+)</code>", browser.get("/staff/second-factor/recovery/").content.decode())
    assert len(codes) == 10
    for expected in (302, 200):
        second = Client()
        second.post("/staff/login/", {"login": DANA.email, "password": PASSWORD})
        assert second.post("/staff/second-factor/code/", {"code": codes[0]}).status_code == expected


def test_somebody_dismissed_is_out_at_once_and_leaves_no_name(dana: User) -> None:
    browser = try_to_log_in(PASSWORD)
    assert browser is not None
    staff.dismiss(dana.pk, actor=SYSTEM)
    assert browser.get("/console/").status_code == 302
    assert try_to_log_in(PASSWORD) is None
    dana.refresh_from_db()
    assert (dana.display_name, dana.email) == ("", f"{dana.pk}@dismissed.invalid")
    assert not dana.groups.exists()


def test_a_dpo_session_at_the_api_reads_and_the_auditor_changes_nothing(dana: User) -> None:
    staff.enlist(ADA.email, roles_held=[Role.AUDITOR], password=PASSWORD, actor=SYSTEM)
    ada = try_to_log_in(PASSWORD, email=ADA.email)
    assert ada is not None
    assert ada.get("/api/v1/accounts/clients").status_code == 200
    answer = ada.post(
        "/api/v1/accounts/clients", {"name": "x", "scopes": ["audit:read"]}, content_type="application/json"
    )
    assert answer.status_code == 403


def test_somebody_without_a_role_sees_nothing() -> None:
    staff.enlist("newcomer@example.com", password=PASSWORD, actor=SYSTEM)
    browser = try_to_log_in(PASSWORD, email="newcomer@example.com")
    assert browser is not None
    assert browser.get("/api/v1/accounts/clients").status_code == 403
    for page in ("accounts/user/", "accounts/serviceclient/", "auditlog/logentry/"):
        assert browser.get(f"/console/{page}").status_code in {403, 404}
