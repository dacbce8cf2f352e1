"""Notices in the database, and what a grant may cite of them."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from audit.models import Entry
from consent import gate, ledger, notices
from consent.errors import (
    InvalidDraft,
    NoticeIncomplete,
    NoticeSuperseded,
    PresentationInvalid,
    UnknownNotice,
)
from consent.ledger import State
from consent.models import ConsentEvent, NoticeVersion
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from governance.purposes.errors import UnknownPurpose
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, person, withdraw

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def herself(subject: SubjectId) -> Actor:
    return Actor(ActorKind.SUBJECT, str(subject))


def test_versions_go_up_by_language_and_the_same_words_are_the_same_version() -> None:
    arrange.purpose()
    english = arrange.notice()
    polish = arrange.notice(language="pl", title="Jak używamy Twoich danych")
    assert arrange.notice() == english
    second = arrange.notice(body="We would like to send you more offers.")
    assert [notices.version(one).version for one in (english, polish, second)] == [1, 1, 2]
    assert notices.current("marketing", "en").id == second
    assert notices.for_purpose("newsletter", "pl").id == polish
    assert [one.id for one in notices.all_current("en")] == [second]
    assert notices.version(english).content_sha256 != notices.version(second).content_sha256


def test_publishing_is_logged_with_the_digest_of_the_words() -> None:
    arrange.purpose()
    row = NoticeVersion.objects.get(id=arrange.notice())
    entry = Entry.objects.get(id=row.entry_id)
    assert entry.action == "consent.notice_published"
    assert row.content_sha256 in entry.header


def test_an_incomplete_notice_is_not_published() -> None:
    arrange.purpose()
    with pytest.raises(NoticeIncomplete) as caught:
        arrange.notice(retention="", withdrawal="")
    assert [wrong["pointer"] for wrong in caught.value.fields["errors"]] == ["/retention", "/withdrawal"]
    with pytest.raises(UnknownPurpose):
        arrange.notice("newsleter")
    assert not NoticeVersion.objects.exists()


def test_there_is_no_notice_that_was_never_published() -> None:
    arrange.purpose()
    for ask in (
        lambda: notices.current("marketing", "en"),
        lambda: notices.for_purpose("newsletter", "en"),
        lambda: notices.version(uuid7()),
        lambda: notices.shown([]),
        lambda: notices.shown([uuid7()]),
    ):
        with pytest.raises(UnknownNotice):
            ask()


def test_what_was_shown_is_bound_to_what_was_agreed() -> None:
    arrange.purpose()
    shown = arrange.notice()
    subject = person()
    token = notices.shown([shown], subject=subject)
    event = ledger.record(draft(subject, "given", presentation=token), actor=herself(subject))[0].event_id
    row = ConsentEvent.objects.get(id=event)
    assert row.notice_version_id == shown
    assert row.presentation_jti is not None


def test_a_token_of_somebody_else_or_of_another_purpose_or_notice_is_refused() -> None:
    arrange.purpose()
    arrange.purpose("profiling", channels=["profiling"])
    shown = arrange.notice()
    subject, other = person(), person()
    tokens = {
        "somebody else's": (notices.shown([shown], subject=other), {}),
        "for other purposes": (notices.shown([arrange.notice("profiling", key="profiling")]), {}),
        "for none": (notices.shown([shown], purposes=[]), {}),
        "for another notice": (notices.shown([shown]), {"notice_version_id": uuid7()}),
        "forged": ("a.b.c", {}),
    }
    for token, changes in tokens.values():
        with pytest.raises(PresentationInvalid):
            ledger.record(draft(subject, "given", presentation=token, **changes), actor=herself(subject))
    assert not ConsentEvent.objects.exists()


def test_an_old_page_cannot_consent_but_can_withdraw() -> None:
    with time_machine.travel(T0, tick=False) as clock:
        arrange.purpose()
        shown = arrange.notice()
        subject = person()
        token = notices.shown([shown])
        clock.shift(timedelta(days=2))
        with pytest.raises(PresentationInvalid):
            ledger.record(draft(subject, "given", presentation=token), actor=herself(subject))
        withdraw(subject, presentation=token)
        withdraw(subject, presentation="nonsense")
        assert ledger.current(subject)[0].status is State.WITHDRAWN


def test_a_grant_cites_a_notice_that_covers_its_purpose() -> None:
    arrange.purpose()
    arrange.purpose("profiling", channels=["profiling"])
    for wrong in (arrange.notice("profiling", key="profiling"), uuid7()):
        with pytest.raises(InvalidDraft):
            give(person(), wrong)
        withdraw(person(), notice_version_id=wrong)


def test_a_material_change_asks_everybody_again() -> None:
    arrange.purpose()
    arrange.purpose("service", legal_basis="contract")
    first = arrange.notice("newsletter", "service")
    said_yes, said_no = person(), person()
    give(said_yes, first)
    give(said_no, first)
    withdraw(said_no)
    small = arrange.notice("newsletter", "service", body="We would like to send you offers, sometimes.")
    assert gate.check(said_yes, "newsletter", "email").allowed
    stale = notices.shown([first])
    second = arrange.notice("newsletter", "service", body="Our partners send you offers.", material_change=True)
    assert gate.check(said_yes, "newsletter", "email").reason == "consent_superseded"
    assert gate.check(said_no, "newsletter", "email").reason == "consent_withdrawn"
    assert [one.event_type for one in ledger.history(said_no)] == ["given", "withdrawn"]
    for outdated in (first, small):
        with pytest.raises(NoticeSuperseded):
            give(said_yes, outdated)
    with pytest.raises(NoticeSuperseded):
        ledger.record(draft(said_yes, "given", presentation=stale), actor=herself(said_yes))
    assert give(said_yes, second).status is State.GIVEN


@pytest.mark.django_db(transaction=True)
def test_no_grant_slips_in_under_a_notice_that_is_being_superseded() -> None:
    arrange.purpose()
    shown = arrange.notice()
    crowd = arrange.people(30)
    problems: list[BaseException] = []

    def agree() -> None:
        try:
            for subject in crowd:
                give(subject, shown)
        except NoticeSuperseded:
            pass
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=agree)
    thread.start()
    while len(gate.filter(crowd, "newsletter", "email").allowed) < 3:
        assert thread.is_alive()
    arrange.notice(body="Everything is different.", material_change=True)
    thread.join(30)
    assert problems == []
    assert gate.filter(crowd, "newsletter", "email").allowed == []


def _shown(**changes: Any) -> str:
    """A page that was shown just now."""
    return notices.shown([arrange.notice()], **changes)


def _agree(subject: SubjectId, token: str, **changes: Any) -> Any:
    own = Actor(ActorKind.SUBJECT, str(subject))
    return ledger.record(draft(subject, "given", presentation=token, **changes), actor=own)[0]


def test_a_token_is_used_by_one_person_once() -> None:
    arrange.purpose()
    token, subject = _shown(), person()
    given = _agree(subject, token, idempotency_key="first")
    assert _agree(subject, token, idempotency_key="first").event_id == given.event_id, "a retry is no second answer"
    assert not _agree(subject, token, channel="sms").duplicate, "one page answers several questions"
    with pytest.raises(PresentationInvalid):
        _agree(person(), token)
    withdraw(subject)
    with pytest.raises(PresentationInvalid):
        _agree(subject, token)
    assert not gate.check(subject, "newsletter", "email").allowed
    _agree(subject, _shown())
    assert gate.check(subject, "newsletter", "email").allowed


def test_two_people_in_one_batch_do_not_share_a_token() -> None:
    arrange.purpose()
    token = _shown()
    with pytest.raises(PresentationInvalid):
        ledger.record([draft(person(), "given", presentation=token) for _ in range(2)], actor=STAFF)


@pytest.mark.slow  # real connections, and the tables emptied after
@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_with_one_token_at_once_one_is_heard() -> None:
    arrange.purpose()
    token, people = _shown(), arrange.people(6)
    heard: list[bool] = []

    def come(subject: SubjectId) -> None:
        try:
            _agree(subject, token)
            heard.append(True)
        except PresentationInvalid:
            heard.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=[subject]) for subject in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(heard) == [False] * 5 + [True]


def test_a_token_of_one_language_does_not_carry_a_consent_to_another() -> None:
    arrange.purpose()
    english, polish = arrange.notice(), arrange.notice(language="pl", title="Jak używamy danych")
    token = notices.shown([english])
    with pytest.raises(PresentationInvalid):
        _agree(person(), token, notice_version_id=polish)
