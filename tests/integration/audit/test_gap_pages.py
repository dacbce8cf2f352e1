"""The officer accounts for a gap in the console; whoever may only read cannot, and whoever may not read sees nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from audit import models, sequencer
from audit.rereading import gaps
from audit.verification import verify_log
from governance.accounts import staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import uuid7
from tests.integration.audit.arrange import write, write_log
from tests.integration.audit.test_missing_entries import LOST, take_away

pytestmark = pytest.mark.django_db


def signed_in(email: str, role: Role) -> Client:
    staff.enlist(email, roles_held=[role], password="a long enough pass-phrase", display_name="", actor=SYSTEM)
    client = Client()
    client.force_login(User.objects.get(email=email))
    return client


@pytest.fixture
def gap() -> str:
    write_log(4)
    take_away(write(3)[1])
    sequencer.sequence()
    return f"/console/log/gaps/{models.Entry.objects.get(action=LOST).id}/"


def test_the_officer_sees_what_surrounds_a_gap_and_accounts_for_it(gap: str):
    dana = signed_in("dana@example.com", Role.DPO)
    listed = dana.get("/console/log/gaps/").content.decode()
    assert 'data-known="false"' in listed
    assert gap in listed
    page = dana.get(gap).content.decode()
    assert "1 entry is missing" in page
    assert page.partition('id="around"')[2].count("consent.given") >= 5
    assert not verify_log().verified
    assert dana.post(gap, {"cause": "restored", "case": "INC-12"}).status_code == 302
    (known,) = gaps.gaps()
    officer = User.objects.get(email="dana@example.com")
    assert (known.acknowledged_by, known.cause, known.case) == (f"staff:{officer.pk}", "restored", "INC-12")
    assert 'data-known="true"' in dana.get("/console/log/gaps/").content.decode()
    assert 'id="known"' in dana.get(gap).content.decode()
    assert 'id="acknowledge"' not in dana.get(gap).content.decode()
    sequencer.sequence()
    assert verify_log().verified


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"cause": "restored", "case": ""},
        {"cause": "restored", "case": "   "},
        {"cause": "boredom", "case": "INC-12"},
        {"cause": "restored", "case": "x" * 201},
        {"cause": "restored", "case": "ask erin@example.com"},  # what the log says is never erased
    ],
)
def test_what_is_no_account_is_refused_on_the_page_and_logs_nothing(gap: str, said: dict[str, str]):
    dana = signed_in("dana@example.com", Role.DPO)
    answer = dana.post(gap, said)
    assert answer.status_code == 200
    assert 'id="acknowledge"' in answer.content.decode()
    assert [one.acknowledged_by for one in gaps.gaps()] == [""]


def test_a_gap_is_accounted_for_once(gap: str):
    dana = signed_in("dana@example.com", Role.DPO)
    dana.post(gap, {"cause": "restored", "case": "INC-12"})
    answer = dana.post(gap, {"cause": "incident", "case": "INC-13"})
    assert answer.status_code == 200
    assert [one.case for one in gaps.gaps()] == ["INC-12"]


def test_an_auditor_reads_and_does_not_write(gap: str):
    auditor = signed_in("olga@example.com", Role.AUDITOR)
    assert "Nobody has looked into it" in auditor.get(gap).content.decode()
    assert auditor.post(gap, {"cause": "restored", "case": "INC-12"}).status_code == 403
    assert [one.acknowledged_by for one in gaps.gaps()] == [""]


def test_others_see_nothing(gap: str):
    marko = signed_in("marko@example.com", Role.MARKETER)
    for path in ("/console/log/gaps/", gap):
        assert marko.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert marko.post(gap, {"cause": "restored", "case": "INC-12"}).status_code == 403


def test_what_is_not_there_is_not_found_and_no_gap_is_said_so(db: None):
    (entry,) = write_log(1)
    dana = signed_in("dana@example.com", Role.DPO)
    assert "No entry is missing" in dana.get("/console/log/gaps/").content.decode()
    nothing = uuid7()
    decision = f"/console/decisions/{nothing}/"
    pages = [f"/console/log/gaps/{entry}/", f"/console/log/gaps/{nothing}/", f"/console/log/entries/{nothing}/"]
    for path in (*pages, decision, f"{decision}receipt/", f"{decision}paper/dpo/"):
        assert dana.get(path).status_code == 404
