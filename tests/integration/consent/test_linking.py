"""A visitor who turns out to be somebody known: nothing is rewritten, and a no of either binds both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from consent import gate, ledger, linking, links
from consent.errors import LinkRefused, SubjectErased
from consent.events import evidence, fold
from consent.ledger import ANY
from consent.models import ConsentEvent, ConsentLink
from consent.sources import ConsentLedgerSource
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, opaque
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.integration.consent.test_api import pipeline
from tests.integration.consent.test_claims import PATIENCE, in_threads
from tests.people import ALICE

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    arrange.purpose("interest", legal_basis="legitimate_interest")
    return arrange.notice()


def link(visitor: SubjectId, subject: SubjectId) -> linking.Linked:
    return linking.link(visitor, subject, actor=STAFF)


def allowed(subject: SubjectId, purpose: str = "newsletter", channel: str = "email") -> bool:
    one = gate.check(subject, purpose, channel)
    assert one.allowed == (gate.filter([subject], purpose, channel).allowed == [subject])
    return one.allowed


def kinds(subject: SubjectId) -> list[str]:
    return [one.event_type.value for one in ledger.history(subject)]


@pytest.mark.parametrize("said", ["withdrawn", "refused", "objected", "restricted"])
def test_what_a_visitor_says_against_it_later_binds_the_person_and_the_other_way_round(shown: Any, said: str) -> None:
    for first in (0, 1):
        visitor, other, known = people(3)
        give(known, shown)
        give(visitor, shown)
        link(visitor, known)
        link(other, known)
        assert allowed(known)
        recorded = ledger.record(draft((visitor, known)[first], said), actor=STAFF)
        assert len(recorded) == 1
        assert [allowed(one) for one in (visitor, other, known)] == [False] * 3
    assert fold.difference() == []


def test_what_stood_against_it_before_is_carried_over_both_ways(shown: Any) -> None:
    visitor, known = people(2)
    ledger.record(draft(visitor, "objected", purpose="interest"), actor=STAFF)
    withdraw(known, purpose=ANY, channel=ANY)
    assert allowed(visitor, "interest", "sms")
    linked = link(visitor, known)
    assert (linked.carried, linked.duplicate) == (2, False)
    assert not allowed(known, "interest")
    assert not allowed(visitor, "interest", "sms")
    event = ConsentEvent.objects.get(subject_id=known, event_type="objected")
    assert (event.method, ledger.event(event.parent_event_id or event.id).subject) == ("linked", visitor)
    assert link(visitor, known) == linking.Linked(linked.entry_id, 0, duplicate=True)


def test_a_consent_is_carried_only_where_the_person_never_said_anything(shown: Any) -> None:
    until = now() + timedelta(days=9)
    visitor, silent = people(2)
    give(visitor, shown, valid_until=until)
    link(visitor, silent)
    assert gate.check(silent, "newsletter", "email").valid_until == until
    assert gate.check(silent, "newsletter", "email").notice_version_id == shown
    for before in ("requested", "withdrawn", "objected"):
        visitor, known = people(2)
        give(visitor, shown)
        ledger.record(draft(known, before, **({} if before == "requested" else {"purpose": ANY})), actor=STAFF)
        link(visitor, known)
        assert not allowed(known)


def test_a_consent_under_a_notice_that_changed_is_asked_for_again(shown: Any) -> None:
    visitor, known = people(2)
    give(visitor, shown)
    arrange.notice(body="We would like to send you offers of others.", material_change=True)
    assert link(visitor, known).carried == 0
    assert not allowed(known)


def test_the_ledgers_stay_as_they_were(shown: Any) -> None:
    visitor, known = people(2)
    give(visitor, shown)
    withdraw(known, channel="sms")
    before = {one: ledger.history(one) for one in (visitor, known)}
    link(visitor, known)
    withdraw(visitor)
    for one, events in before.items():
        assert ledger.history(one)[: len(events)] == events
    assert kinds(known) == ["withdrawn", "given", "withdrawn"]


def test_what_permits_is_never_repeated_and_the_end_of_one_consent_ends_no_other(shown: Any) -> None:
    visitor, known = people(2)
    give(known, shown)
    link(visitor, known)
    give(visitor, shown)
    ledger.record([draft(visitor, "expired"), draft(visitor, "objection_lifted")], actor=STAFF)
    assert kinds(known) == ["given"]
    assert (allowed(known), allowed(visitor)) == (True, False)


def test_a_repetition_is_recorded_once_for_both(shown: Any) -> None:
    visitor, known = people(2)
    link(visitor, known)
    no = draft(visitor, "withdrawn")
    assert [one.duplicate for one in ledger.record([no, no], actor=STAFF)] == [False, True]
    assert ledger.record(no, actor=STAFF)[0].duplicate
    assert (kinds(visitor), kinds(known)) == (["withdrawn"], ["withdrawn"])


def test_who_cannot_be_one_person_is_not_linked(shown: Any) -> None:
    visitor, known, third = people(3)
    link(visitor, known)
    for one, other in ((visitor, third), (known, third), (third, visitor), (third, third)):
        with pytest.raises(LinkRefused):
            link(one, other)
    ConsentLedgerSource().erase(third)
    for one, other in ((third, known), (person(), third)):
        with pytest.raises(SubjectErased):
            link(one, other)
    ConsentLedgerSource().erase(visitor)
    assert not ConsentLink.objects.exists()


def test_over_rest(shown: Any) -> None:
    call = pipeline("consent:read", "consent:write")
    visitor = person()
    known = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=STAFF, source="shop").subjects[0]
    assert known is not None
    give(visitor, shown)
    body = {"visitor": opaque("sub", visitor), "subject": opaque("sub", known), "evidence": {"login": "form"}}
    status, answer = call("POST", "links", body)
    assert (status, answer["carried"], answer["duplicate"]) == (201, 1, False)
    assert evidence.reveal(ledger.history(known)[-1].event_id) == {"login": "form"}
    assert call("POST", "links", body)[0] == 200
    assert call("POST", "links", body | {"subject": opaque("sub", person())})[0] == 409
    assert call("POST", "withdraw", {"subject": body["visitor"]})[0] == 201
    assert not allowed(known)
    assert pipeline("consent:read")("POST", "links", body)[0] == 403


@pytest.mark.slow  # real connections, and the tables emptied after
@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_and_a_link_at_the_same_time_bind_the_person() -> None:
    arrange.purpose()
    shown = arrange.notice()
    for _ in range(12):
        visitor, known = people(2)
        give(known, shown)
        both = threading.Barrier(2, timeout=PATIENCE)

        def at_once(work: Callable[[], Any], both: threading.Barrier = both) -> Callable[[], None]:
            def run() -> None:
                both.wait()
                work()
                connections.close_all()

            return run

        in_threads(
            at_once(lambda visitor=visitor: withdraw(visitor)),
            at_once(lambda visitor=visitor, known=known: link(visitor, known)),
        )
        assert not allowed(known)


@pytest.mark.slow  # real connections, and the tables emptied after
@pytest.mark.django_db(transaction=True)
def test_a_link_between_the_look_and_the_lock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    arrange.purpose()
    visitor, known = people(2)
    give(known, arrange.notice())
    bound, looks = links.bound, []

    def late(drafts: Any) -> Any:
        found = bound(drafts)
        if not looks:
            looks.append(1)
            in_threads(lambda: ledger_link(visitor, known))
        return found

    def ledger_link(one: SubjectId, other: SubjectId) -> None:
        with transaction.atomic():
            ConsentLink.objects.create(visitor_subject_id=one, subject_id=other, linked_at=now(), entry_id=other)

    monkeypatch.setattr(links, "bound", late)
    withdraw(visitor)
    assert not allowed(known)
    assert kinds(visitor) == ["withdrawn"]
