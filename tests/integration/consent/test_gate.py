"""The gate: reasons, the past, sets, citations; it fails closed."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.models import Entry
from consent import gate, ledger
from consent.errors import (
    ChannelNotCovered,
    HistoricalVerdict,
    InvalidDraft,
    NotCovered,
    UnknownChannel,
    UnknownVerdict,
)
from consent.events import fold
from consent.ledger import ANY, MARKETING
from consent.models import ConsentVerdict, ConsentVerdictSet
from consent.permission import citations
from consent.terms import Reason
from governance.kernel import prepared
from governance.kernel.ids import uuid7
from governance.purposes.errors import UnknownPurpose
from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.people import BOB

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


@pytest.fixture
def shown() -> Any:
    arrange.purpose(effective_from=T0 - timedelta(days=60))
    return arrange.notice()


def reason(subject: Any, purpose: str = "newsletter", channel: str = "email", **at: Any) -> str:
    return gate.check(subject, purpose, channel, **at).reason


def test_whoever_was_never_asked_is_refused(shown: Any) -> None:
    verdict = gate.check(person(), "newsletter", "email")
    assert (verdict.allowed, verdict.reason, verdict.event_id) == (False, Reason.NEVER_ASKED, None)


def test_an_unknown_purpose_or_channel_is_an_error_and_not_an_answer(shown: Any) -> None:
    for ask in (gate.check, lambda subject, *rest: gate.filter([subject], *rest)):
        with pytest.raises(UnknownPurpose):
            ask(person(), "newsleter", "email")
        with pytest.raises(UnknownChannel):
            ask(person(), "newsletter", "fax")
        with pytest.raises(ChannelNotCovered):
            ask(person(), "newsletter", "phone")
        with pytest.raises(UnknownPurpose):
            ask(person(), "newsletter", "email", T0 - timedelta(days=61))


def test_a_verdict_cites_event_notice_purpose_and_end(shown: Any) -> None:
    subject = person()
    until = datetime(2030, 1, 1, tzinfo=UTC)
    event = give(subject, shown, valid_until=until).event_id
    verdict = gate.check(subject, "newsletter", "email")
    assert (verdict.allowed, verdict.reason, verdict.basis) == (True, Reason.CONSENT_GIVEN, "consent")
    assert (verdict.event_id, verdict.notice_version_id, verdict.purpose_version, verdict.valid_until) == (
        event,
        shown,
        1,
        until,
    )


def test_consent_is_per_channel(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    assert gate.check(subject, "newsletter", "email").allowed
    assert reason(subject, channel="sms") == "never_asked"


@pytest.mark.parametrize("basis", ["contract", "legitimate_interest"])
def test_another_legal_basis_goes_through_the_same_gate(basis: str) -> None:
    arrange.purpose("service", legal_basis=basis)
    subject = person()
    assert reason(subject, "service") == basis
    ledger.record(draft(subject, "objected", purpose="service"), actor=STAFF)
    assert gate.check(subject, "service", "email").allowed is (basis == "contract")
    ledger.record(draft(subject, "restricted", purpose=ANY, channel=ANY), actor=STAFF)
    assert not gate.check(subject, "service", "email").allowed


def test_an_objection_to_direct_marketing_stops_it_on_a_contract_too() -> None:
    arrange.purpose("offers", legal_basis="contract", direct_marketing=True)
    subject = person()
    ledger.record(draft(subject, "objected", purpose=ANY, channel=ANY), actor=STAFF)
    assert reason(subject, "offers") == "objected"
    ledger.record(draft(subject, "objection_lifted", purpose="offers", channel=ANY), actor=STAFF)
    assert reason(subject, "offers") == "contract"


def test_the_gravest_reason_is_given_first(shown: Any) -> None:
    subject = person()
    steps = [
        ("signal_optout", {"jurisdiction": "US-CA"}, "opt_out_signal"),
        ("withdrawn", {}, "consent_withdrawn"),
        ("restricted", {"purpose": ANY, "channel": ANY}, "restricted"),
        ("objected", {"purpose": ANY, "channel": ANY}, "objected"),
    ]
    give(subject, shown)
    for kind, changes, expected in steps:
        ledger.record(draft(subject, kind, **changes), actor=STAFF)
        assert reason(subject) == expected


def test_an_opt_out_signal_binds_where_the_law_says_so(shown: Any) -> None:
    here, there = person(), person()
    for subject, jurisdiction in ((here, "EU"), (there, "US-CA")):
        give(subject, shown)
        ledger.record(draft(subject, "signal_optout", purpose=ANY, channel=ANY, jurisdiction=jurisdiction), actor=STAFF)
    assert gate.check(here, "newsletter", "email").allowed
    assert reason(there) == "opt_out_signal"
    give(there, shown)
    assert gate.check(there, "newsletter", "email").allowed


def test_an_erased_person_is_refused_whatever_the_basis(shown: Any) -> None:
    arrange.purpose("service", legal_basis="contract")
    identity = vault.Identity({vault.IdentifierKind(kind): value for kind, value in BOB.values().items()})
    (subject,) = vault.enrol([identity], actor=STAFF, source="test").subjects
    assert subject is not None
    give(subject, shown)
    vault.forget(subject, actor=STAFF, reason="erasure")
    assert reason(subject) == "erased"
    assert reason(subject, "service") == "erased"
    assert gate.filter([subject], "service", "email").refused == {Reason.ERASED: 1}


def test_the_past_is_answered_by_what_was_known_then() -> None:
    with time_machine.travel(T0 - timedelta(days=1), tick=False) as clock:
        arrange.purpose(validity_days=2)
        shown = arrange.notice()
        subject = person()
        give(subject, shown)
        clock.move_to(T0 + timedelta(hours=1))
        withdraw(subject, occurred_at=T0 - timedelta(hours=1))  # on paper, arrives two hours later
        clock.move_to(T0 + timedelta(days=30))
        assert gate.check(subject, "newsletter", "email", at=T0).allowed
        assert reason(subject, at=T0 + timedelta(hours=1)) == "consent_withdrawn"
        assert reason(subject, at=T0 - timedelta(days=1, microseconds=-1)) == "consent_given"
        assert reason(subject) == "consent_withdrawn"


def test_the_past_permits_nothing_now(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    then = datetime.now(UTC)
    withdraw(subject)
    assert gate.check(subject, "newsletter", "email", at=then).allowed
    with pytest.raises(HistoricalVerdict):
        gate.cite(gate.check(subject, "newsletter", "email", at=then))
    with pytest.raises(HistoricalVerdict):
        gate.cite_set(gate.filter([subject], "newsletter", "email", at=then))


def test_two_hundred_of_whom_one_withdrew_are_exactly_199(shown: Any) -> None:
    crowd = people(200)
    ledger.record([draft(subject, "given", notice_version_id=shown) for subject in crowd], actor=STAFF)
    withdraw(crowd[77])
    verdicts = gate.filter([*crowd, *crowd[:5]], "newsletter", "email")
    assert verdicts.allowed == crowd[:77] + crowd[78:]
    assert verdicts.refused == {Reason.WITHDRAWN: 1}
    assert len(verdicts) == 200
    assert verdicts.verdict_of(crowd[77]).reason is Reason.WITHDRAWN
    with pytest.raises(KeyError):
        verdicts.verdict_of(person())


def test_nobody_at_all_is_asked_about(shown: Any) -> None:
    verdicts = gate.filter([], "newsletter", "email")
    assert (verdicts.allowed, dict(verdicts.refused), len(verdicts)) == ([], {}, 0)
    assert citations.cited_set(gate.cite_set(verdicts)).asked == 0


def test_a_filter_is_one_statement_beside_the_register_whatever_the_size(
    shown: Any, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = prepared.fetch_binary
    monkeypatch.setattr(
        prepared, "fetch_binary", lambda statement, values: asked.append(statement) or fetch(statement, values)
    )
    for size in (2, 500):
        with django_assert_num_queries(1):
            gate.filter(people(size), "newsletter", "email")
    assert len(asked) == 2


def test_a_check_is_one_prepared_statement_and_sees_a_new_purpose_at_once(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch_all = prepared.fetch_all
    monkeypatch.setattr(
        prepared, "fetch_all", lambda statement, values: asked.append(statement) or fetch_all(statement, values)
    )
    subject = person()
    give(subject, shown)
    for _ in range(12):
        assert gate.check(subject, "newsletter", "email").allowed
    assert len(asked) == 12
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%consent_state%'")
        assert cursor.fetchone() == (1,)
    arrange.purpose(description_en="Offers of our partners.", reconsent=True)
    assert reason(subject) == "consent_superseded"


def test_the_gate_is_shut_when_the_database_does_not_answer(shown: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        gate.check(person(), "newsletter", "email")


def test_a_cited_verdict_is_kept_with_its_entry(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    verdict = gate.check(subject, "newsletter", "email")
    kept = citations.cited(gate.cite(verdict, actor=STAFF, cited_for="test"))
    assert (kept.subject, kept.allowed, kept.event_id, kept.decided_at) == (subject, True, verdict.event_id, verdict.at)
    assert Entry.objects.get(id=kept.entry_id).action == "consent.verdicts_cited"
    with pytest.raises(UnknownVerdict):
        citations.cited(uuid7())


def test_a_set_says_exactly_whom_it_allowed(shown: Any) -> None:
    crowd = people(20)
    ledger.record([draft(subject, "given", notice_version_id=shown) for subject in crowd[:10]], actor=STAFF)
    set_id = gate.cite_set(gate.filter(crowd, "newsletter", "email"), actor=STAFF, cited_for="training_run:1")
    kept = citations.covers(set_id, reversed(crowd[:10]))
    assert (kept.asked, kept.allowed, kept.refused, kept.purpose_version) == (20, 10, {"never_asked": 10}, 1)
    assert kept.allowed_sha256 in Entry.objects.get(id=kept.entry_id).header
    for others in (crowd[:9], crowd[:11], crowd[1:11]):
        with pytest.raises(NotCovered):
            citations.covers(set_id, others)


@pytest.mark.parametrize("model", [ConsentVerdict, ConsentVerdictSet])
def test_citations_are_append_only(shown: Any, model: Any) -> None:
    subject = person()
    gate.cite(gate.check(subject, "newsletter", "email"))
    gate.cite_set(gate.filter([subject], "newsletter", "email"))
    for change in ("UPDATE {} SET channel = 'sms'", "DELETE FROM {}", "TRUNCATE {}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change.format(model._meta.db_table))


def test_a_new_version_of_a_purpose_asks_again_only_when_it_says_so(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    arrange.purpose(description_en="Offers, more often.")
    assert gate.check(subject, "newsletter", "email").purpose_version == 2
    assert gate.check(subject, "newsletter", "email").allowed
    arrange.purpose(description_en="Offers of our partners.", reconsent=True)
    assert reason(subject) == "consent_superseded"
    assert gate.filter([subject], "newsletter", "email").refused == {Reason.SUPERSEDED: 1}
    assert [one.status for one in ledger.current(subject)] == ["superseded"]
    give(subject, shown)
    assert gate.check(subject, "newsletter", "email").allowed


def test_nobody_who_wants_no_marketing_is_used_for_any_and_everything_else_goes_on() -> None:
    """Art. 21(2) and (3): on whatever basis, over every channel, from that instant, until the person lifts it."""
    arrange.purpose("offers", direct_marketing=True, effective_from=T0 - timedelta(days=60))
    arrange.purpose("magazine", direct_marketing=True, legal_basis="contract", effective_from=T0 - timedelta(days=60))
    arrange.purpose("service", legal_basis="contract", effective_from=T0 - timedelta(days=60))
    shown = arrange.notice("offers", "magazine", "service")
    subject, other = people(2)
    with time_machine.travel(T0, tick=False):
        for one in (subject, other):
            give(one, shown, purpose="offers")
    with time_machine.travel(T0 + timedelta(hours=1), tick=False):
        said = ledger.record(draft(subject, "objected", purpose=MARKETING, channel=ANY), actor=STAFF)[0]
    with time_machine.travel(T0 + timedelta(hours=2), tick=False):
        for purpose in ("offers", "magazine"):
            for channel in ("email", "sms"):
                verdict = gate.check(subject, purpose, channel)
                assert (verdict.reason, verdict.event_id) == (Reason.OBJECTED, said.event_id)
                assert gate.filter([subject, other], purpose, channel).verdict_of(subject) == verdict
        assert gate.filter([subject, other], "offers", "email").allowed == [other]
        assert gate.check(subject, "service", "email").allowed
        assert gate.check(subject, "offers", "email", at=T0 + timedelta(minutes=30)).allowed, "the past stays"
        with transaction.atomic():
            assert gate.claim([subject, other], "offers", "email").allowed == [other]
    with time_machine.travel(T0 + timedelta(hours=3), tick=False):
        ledger.record(draft(subject, "objection_lifted", purpose=MARKETING, channel=ANY), actor=STAFF)
        assert gate.check(subject, "offers", "email").allowed
        assert not gate.check(subject, "offers", "email", at=T0 + timedelta(hours=2)).allowed
    assert fold.difference() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": "withdrawn"},
        {"event_type": "restricted"},
        {"event_type": "given"},
        {"event_type": "objected", "channel": "email"},
    ],
)
def test_of_marketing_as_such_only_an_objection_is_said(shown: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidDraft):
        ledger.record(draft(person(), **({"purpose": MARKETING, "channel": ANY} | wrong)), actor=STAFF)


def test_who_is_suppressed_for_marketing_alone_is_refused_for_marketing_alone() -> None:
    """The list of the vault and the gate agree, from one transaction on; lifting needs no more than the address."""
    arrange.purpose("offers", direct_marketing=True)
    arrange.purpose("service", legal_basis="contract")
    shown = arrange.notice("offers", "service")
    (bob,) = vault.enrol(
        [vault.Identity({vault.IdentifierKind.EMAIL: BOB.email})], actor=STAFF, source="tests"
    ).subjects
    assert bob is not None
    give(bob, shown, purpose="offers")
    assert vault.suppress(bob, vault.SuppressionScope.MARKETING, "robinson_list", STAFF) == 1
    assert vault.suppress(bob, vault.SuppressionScope.MARKETING, "robinson_list", STAFF) == 0
    assert reason(bob, "offers") == Reason.OBJECTED
    assert gate.filter([bob], "offers", "sms").allowed == []
    assert gate.check(bob, "service", "email").allowed
    assert [one.event_type for one in ledger.history(bob)] == ["given", "objected"]
    who = vault.Identity({vault.IdentifierKind.EMAIL: BOB.email})
    assert vault.lift_suppression(who, vault.SuppressionScope.MARKETING, "own_wish", STAFF) == 1
    assert gate.check(bob, "offers", "email").allowed
