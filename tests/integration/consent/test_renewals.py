"""Consents that are about to end: asked again once, in time, and only whom it still concerns."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.management import call_command

from consent import gate, ledger, renewals
from consent.events import fold
from governance.jobs import worker
from governance.jobs.models import Job
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.people import ALICE, BOB

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shown() -> Any:
    arrange.purpose(effective_from=T0 - 100 * DAY)
    return arrange.notice()


def enrol(address: str, language: str) -> SubjectId:
    named = Identity({IdentifierKind.EMAIL: address, IdentifierKind.LANGUAGE: language})
    subject = vault.enrol([named], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    return subject


@pytest.mark.parametrize(("language", "subject_line"), [("en", "Your consent ends on"), ("pl", "Twoja zgoda wygasa")])
def test_people_are_asked_once_and_in_their_language(
    language: str, subject_line: str, mailoutbox: list[EmailMessage]
) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        arrange.purpose(effective_from=T0 - 100 * DAY)
        shown = arrange.notice()
        alice = enrol(ALICE.email, language)
        give(alice, shown, valid_until=T0 + 40 * DAY)
        assert renewals.ask() == 0
        clock.shift(10 * DAY)
        assert [renewals.ask(), renewals.ask()] == [1, 0]
        worker.drain(kinds=[renewals.KIND])
        (letter,) = mailoutbox
        assert letter.subject.startswith(subject_line)
        assert "2026-04-10" in letter.body
        assert f"/{language}/choices/" in letter.body
        assert letter.to == [ALICE.email]
        assert gate.check(alice, "newsletter", "email").allowed
        assert [one.event_type for one in ledger.history(alice)] == ["given", "requested"]
        assert fold.difference() == []
        clock.shift(30 * DAY)
        assert renewals.expire_due() == 1
        assert renewals.ask() == 0


def test_who_answered_meanwhile_gets_no_letter(shown: Any, mailoutbox: list[EmailMessage]) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        gone, renewed = enrol(ALICE.email, "en"), enrol(BOB.email, "en")
        nowhere = person()
        for subject in (gone, renewed, nowhere):
            give(subject, shown, valid_until=T0 + 9 * DAY)
        assert renewals.ask() == 3
        clock.shift(timedelta(minutes=1))
        withdraw(gone)
        ledger.record(draft(renewed, "reaffirmed", notice_version_id=shown, valid_until=T0 + 99 * DAY), actor=STAFF)
        clock.shift(timedelta(minutes=1))
        assert worker.drain(kinds=[renewals.KIND]).done == 3
        assert mailoutbox == []
        clock.shift(80 * DAY)
        assert renewals.ask() == 1, "the renewed consent ends too"


def test_who_objected_is_not_asked(shown: Any) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        for stop in ("objected", "restricted", "withdrawn"):
            subject = person()
            give(subject, shown, valid_until=T0 + 9 * DAY)
            clock.shift(timedelta(seconds=1))
            ledger.record(draft(subject, stop), actor=STAFF)
        assert renewals.ask() == 0
        assert renewals.plan() == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(shown: Any) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        soon, ended = people(2)
        give(ended, shown, valid_until=T0 + DAY)
        give(soon, shown, valid_until=T0 + 20 * DAY)
        clock.shift(2 * DAY)
        out = io.StringIO()
        call_command("renew_consents", "--dry-run", "--within", "30", stdout=out)
        assert "newsletter email: 1 to ask again, 1 ended" in out.getvalue()
        assert not Job.objects.filter(kind=renewals.KIND).exists()
        assert [len(ledger.history(one)) for one in (soon, ended)] == [1, 1]
        call_command("renew_consents", stdout=out)
        assert "1 asked again, 1 written down as ended." in out.getvalue()
        assert [ledger.history(one)[-1].event_type for one in (soon, ended)] == ["requested", "expired"]
        call_command("renew_consents", stdout=out)
        assert out.getvalue().endswith("0 asked again, 0 written down as ended.\n")
