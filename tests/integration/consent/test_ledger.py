"""Recording: insert-only, in order, idempotent, logged, sealed; and what events come to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from audit.models import Entry
from consent import gate, ledger
from consent.errors import IdempotencyMismatch, InvalidDraft, NothingToReaffirm, PresentationRequired, SubjectErased
from consent.events import evidence
from consent.events.packing import DIGEST_SQL
from consent.ledger import ANY, EventType, State
from consent.models import ConsentEvent, ConsentEvidence
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.purposes.errors import UnknownPurpose
from pseudonymize import vault
from pseudonymize.errors import SubjectUnknown
from tests.integration.consent import arrange
from tests.integration.consent.arrange import FILE, STAFF, draft, give, person, withdraw
from tests.people import ALICE

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def shown() -> Any:
    arrange.purpose(effective_from=datetime(2026, 1, 1, tzinfo=UTC))
    return arrange.notice()


def alice() -> SubjectId:
    identity = vault.Identity({vault.IdentifierKind(kind): value for kind, value in ALICE.values().items()})
    (subject,) = vault.enrol([identity], actor=STAFF, source="test").subjects
    assert subject is not None
    return subject


def test_given_withdrawn_given_again(shown: Any) -> None:
    subject = person()
    assert give(subject, shown).status is State.GIVEN
    assert withdraw(subject).status is State.WITHDRAWN
    assert give(subject, shown).status is State.GIVEN
    assert [one.event_type for one in ledger.history(subject)] == ["given", "withdrawn", "given"]
    (state,) = ledger.current(subject)
    assert (state.purpose, state.channel, state.status, state.notice_version_id) == (
        "newsletter",
        "email",
        State.GIVEN,
        shown,
    )


def test_every_event_leaves_an_entry_that_commits_to_it(shown: Any) -> None:
    subject = person()
    event_id = give(subject, shown).event_id
    row = ConsentEvent.objects.get(id=event_id)
    entry = Entry.objects.get(id=row.entry_id)
    assert entry.action == "consent.given"
    assert entry.object == f"consent_event:{event_id}"
    assert row.event_sha256 in entry.header
    assert str(subject) not in entry.header


def test_the_digest_is_the_same_in_python_and_in_sql(shown: Any) -> None:
    give(
        person(),
        shown,
        valid_until=datetime(2030, 1, 1, 1, 2, 3, 4, tzinfo=UTC),
        occurred_at=T0 + timedelta(microseconds=1),
    )
    withdraw(person(), jurisdiction="US-CA", purpose=ANY, channel=ANY)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT e.event_sha256, {DIGEST_SQL} FROM consent_event e")
        pairs = cursor.fetchall()
    assert len(pairs) == 2
    assert all(ours == theirs for ours, theirs in pairs)


@pytest.mark.parametrize(
    ("table", "column"),
    [("consent_event", "method"), ("consent_evidence", "ciphertext_sha256"), ("consent_notice_version", "title")],
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_tables_are_append_only(shown: Any, table: str, column: str, statement: str) -> None:
    give(alice(), shown, evidence={"form": "a"})
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column))


def test_the_same_key_is_the_same_event(shown: Any) -> None:
    one = draft(person(), EventType.GIVEN, notice_version_id=shown)
    first = ledger.record(one, actor=STAFF)[0]
    again = ledger.record(one, actor=STAFF)[0]
    assert (again.event_id, again.duplicate, again.status) == (first.event_id, True, State.GIVEN)
    assert ConsentEvent.objects.count() == 1


def test_a_batch_may_say_a_thing_twice(shown: Any) -> None:
    one = draft(person(), EventType.GIVEN, notice_version_id=shown)
    first, second = ledger.record([one, one], actor=STAFF)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.event_id == second.event_id


def test_a_key_cannot_be_used_for_something_else(shown: Any) -> None:
    subject = person()
    give(subject, shown, idempotency_key="k-1")
    for other in (
        draft(subject, "withdrawn", idempotency_key="k-1"),
        draft(person(), "given", notice_version_id=shown, idempotency_key="k-1"),
    ):
        with pytest.raises(IdempotencyMismatch):
            ledger.record(other, actor=STAFF)
    with pytest.raises(IdempotencyMismatch):
        ledger.record(
            [draft(subject, "withdrawn", idempotency_key="k-2"), draft(subject, "refused", idempotency_key="k-2")],
            actor=STAFF,
        )
    assert ConsentEvent.objects.count() == 1


def test_all_or_none_of_a_batch_is_recorded(shown: Any) -> None:
    with pytest.raises(InvalidDraft):
        ledger.record([draft(person(), "withdrawn"), draft(person(), "given")], actor=STAFF)
    assert not ConsentEvent.objects.exists()
    assert ledger.record([], actor=STAFF) == []


def test_an_unknown_purpose_is_an_error_also_for_a_withdrawal(shown: Any) -> None:
    with pytest.raises(UnknownPurpose):
        ledger.record(draft(person(), "withdrawn", purpose="newsleter"), actor=STAFF)


def test_a_late_grant_never_overrules_a_withdrawal_that_happened_after_it(shown: Any) -> None:
    subject = person()
    withdraw(subject, occurred_at=T0)
    assert give(subject, shown, occurred_at=T0 - timedelta(days=1)).status is State.WITHDRAWN


def test_equal_instants_go_to_the_withdrawal_in_either_order(shown: Any) -> None:
    first, second = person(), person()
    give(first, shown, occurred_at=T0)
    assert withdraw(first, occurred_at=T0).status is State.WITHDRAWN
    withdraw(second, occurred_at=T0)
    assert give(second, shown, occurred_at=T0).status is State.WITHDRAWN


def test_a_late_withdrawal_overrules_what_was_given_meanwhile(shown: Any) -> None:
    subject = person()
    give(subject, shown, occurred_at=T0)
    assert withdraw(subject, occurred_at=T0 - timedelta(days=3)).status is State.WITHDRAWN


def test_a_clock_that_runs_ahead_cannot_outlive_a_withdrawal(shown: Any) -> None:
    subject = person()
    with time_machine.travel(T0, tick=False) as clock:
        give(subject, shown, occurred_at=T0 + timedelta(minutes=4))
        clock.shift(timedelta(minutes=1))
        assert withdraw(subject).status is State.WITHDRAWN


def test_a_server_clock_that_is_set_back_keeps_the_order(shown: Any) -> None:
    subject = person()
    with time_machine.travel(T0, tick=False) as clock:
        give(subject, shown)
        clock.shift(-timedelta(hours=1))
        assert withdraw(subject).status is State.WITHDRAWN
        assert [one.event_type for one in ledger.history(subject)] == ["given", "withdrawn"]


def test_one_withdrawal_of_everything_stops_every_purpose_and_channel(shown: Any) -> None:
    arrange.purpose("profiling", channels=["profiling"])
    notice = arrange.notice("profiling", key="profiling")
    subject = person()
    give(subject, shown)
    give(subject, shown, channel="sms")
    give(subject, notice, purpose="profiling", channel="profiling")
    withdraw(subject, purpose=ANY, channel=ANY)
    assert {one.status for one in ledger.current(subject)} == {State.WITHDRAWN}
    assert not gate.check(subject, "profiling", "profiling").allowed
    assert give(subject, shown, channel="sms").status is State.GIVEN
    assert not gate.check(subject, "newsletter", "email").allowed


def test_double_opt_in_waits_for_the_confirmation() -> None:
    arrange.purpose(double_opt_in=True)
    shown = arrange.notice()
    subject = person()
    assert give(subject, shown).status is State.PENDING_CONFIRMATION
    assert gate.check(subject, "newsletter", "email").reason == "confirmation_pending"
    ledger.record(draft(subject, EventType.CONFIRMATION_SENT), actor=STAFF)
    confirmed = ledger.record(draft(subject, EventType.CONFIRMED), actor=Actor(ActorKind.SUBJECT, str(subject)))[0]
    assert confirmed.status is State.GIVEN
    verdict = gate.check(subject, "newsletter", "email")
    assert (verdict.allowed, verdict.event_id, verdict.notice_version_id) == (True, confirmed.event_id, shown)


def test_a_confirmation_after_a_withdrawal_confirms_nothing() -> None:
    arrange.purpose(double_opt_in=True)
    shown = arrange.notice()
    subject = person()
    give(subject, shown)
    withdraw(subject)
    assert ledger.record(draft(subject, EventType.CONFIRMED), actor=STAFF)[0].status is State.WITHDRAWN


def test_a_batch_with_grant_and_confirmation_is_one_story() -> None:
    arrange.purpose(double_opt_in=True)
    shown = arrange.notice()
    subject = person()
    given, confirmed = ledger.record(
        [draft(subject, "given", notice_version_id=shown), draft(subject, "confirmed")], actor=STAFF
    )
    assert confirmed.status is State.GIVEN
    event = ledger.event(confirmed.event_id)
    assert event.notice_version_id == shown
    assert ConsentEvent.objects.get(id=confirmed.event_id).parent_event_id == given.event_id


def test_an_import_gives_consent_only_where_none_has_to_be_confirmed(shown: Any) -> None:
    arrange.purpose("double", double_opt_in=True)
    subject = person()

    def imported(purpose: str) -> State:
        return ledger.record(draft(subject, "imported", purpose=purpose, source_sha256="0" * 64), actor=FILE)[0].status

    assert imported("newsletter") is State.GIVEN
    assert imported("double") is State.PENDING_CONFIRMATION
    with pytest.raises(InvalidDraft):
        ledger.record(draft(subject, "confirmed", purpose="double"), actor=FILE)


def test_only_a_consent_in_force_can_be_reaffirmed() -> None:
    arrange.purpose(validity_days=10, effective_from=T0 - timedelta(days=1))
    with time_machine.travel(T0, tick=False) as clock:
        shown = arrange.notice()
        subject = person()
        renewal = {"notice_version_id": shown}
        with pytest.raises(NothingToReaffirm):
            ledger.record(draft(subject, "reaffirmed", **renewal), actor=STAFF)
        give(subject, shown)
        clock.shift(timedelta(days=9))
        assert ledger.record(draft(subject, "reaffirmed", **renewal), actor=STAFF)[0].status is State.GIVEN
        clock.shift(timedelta(days=9))
        assert gate.check(subject, "newsletter", "email").allowed
        clock.shift(timedelta(days=1))
        assert gate.check(subject, "newsletter", "email").reason == "consent_expired"
        assert ledger.current(subject)[0].status is State.EXPIRED
        with pytest.raises(NothingToReaffirm):
            ledger.record(draft(subject, "reaffirmed", **renewal), actor=STAFF)
        assert give(subject, shown).status is State.GIVEN


def test_a_person_s_own_consent_needs_the_token_but_never_their_withdrawal(shown: Any) -> None:
    subject = person()
    with pytest.raises(PresentationRequired):
        give(subject, shown, actor=Actor(ActorKind.SUBJECT, str(subject)))
    assert withdraw(subject).status is State.WITHDRAWN


def test_evidence_is_ciphertext_of_the_person_and_opens_again(shown: Any) -> None:
    subject = alice()
    event = give(subject, shown, evidence={"ip": "203.0.113.77", "form": ALICE.name}).event_id
    stored = ConsentEvidence.objects.get(event_id=event)
    assert stored.ciphertext is not None
    assert ALICE.name.encode() not in bytes(stored.ciphertext)
    assert evidence.reveal(event) == {"ip": "203.0.113.0/24", "form": ALICE.name}
    assert ledger.event(event).has_evidence


def test_a_grant_needs_its_evidence_sealed_and_a_withdrawal_goes_on_without(shown: Any) -> None:
    stranger = person()  # whom the vault has no key for
    with pytest.raises(SubjectUnknown):
        give(stranger, shown, evidence={"form": "a"})
    result = withdraw(stranger, evidence={"form": "a"})
    assert result.status is State.WITHDRAWN
    assert not ledger.event(result.event_id).has_evidence


def test_nothing_is_granted_for_an_erased_person_and_their_withdrawal_is_accepted(shown: Any) -> None:
    subject = alice()
    vault.forget(subject, actor=STAFF, reason="erasure")
    with pytest.raises(SubjectErased):
        give(subject, shown)
    withdraw(subject, evidence={"form": "a"})


def test_who_acted_is_part_of_the_event(shown: Any) -> None:
    with pytest.raises(InvalidDraft):
        ledger.record(draft(person(), "withdrawn"), actor=Actor(ActorKind.STAFF, ""))
    grace = Actor(ActorKind.GUARDIAN, str(person()))
    result = ledger.record(draft(person(), "withdrawn"), actor=grace)[0]
    assert ledger.event(result.event_id).actor == str(grace)


def test_a_consent_on_paper_that_arrives_late_is_one_to_the_version_of_its_day() -> None:
    with time_machine.travel(T0, tick=False) as clock:
        arrange.purpose(effective_from=T0 - timedelta(days=30))
        shown = arrange.notice()
        clock.shift(timedelta(days=1))
        arrange.purpose(title_en="Newsletter and more", reconsent=True)
        clock.shift(timedelta(days=1))
        late, fresh = person(), person()
        give(late, shown, occurred_at=T0)
        give(fresh, shown)
        assert gate.check(late, "newsletter", "email").reason == "consent_superseded"
        assert gate.check(fresh, "newsletter", "email").allowed
