"""Cases that a careless ledger gets wrong: each asked of one person and of a set, now and as of an instant, and of a rebuild."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from consent import gate, importing, ledger, notices
from consent.errors import IdempotencyMismatch, InvalidDraft, NoticeSuperseded
from consent.events import fold
from consent.ledger import ANY
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import FILE, STAFF, draft, give, person, withdraw

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(T0, tick=False) as traveller:
        yield traveller


@pytest.fixture
def shown(clock: Any) -> Any:
    arrange.purpose(effective_from=T0 - timedelta(days=30))
    arrange.purpose("interest", legal_basis="legitimate_interest", effective_from=T0 - timedelta(days=30))
    arrange.purpose("contract", legal_basis="contract", effective_from=T0 - timedelta(days=30))
    return arrange.notice()


def reason(subject: SubjectId, purpose: str = "newsletter", channel: str = "email", at: datetime | None = None) -> str:
    """What `check` says; `filter`, the question about this instant, and a rebuilt state have to say the same."""
    one = gate.check(subject, purpose, channel, at=at)
    assert gate.filter([subject], purpose, channel, at=at).verdict_of(subject) == one
    if at is None:
        then = gate.check(subject, purpose, channel, at=datetime.now(UTC))
        assert replace(then, historical=False) == one
        fold.rebuild()
        assert gate.check(subject, purpose, channel) == one
    return one.reason.value


def test_a_withdrawal_of_what_was_never_given_stands(shown: Any, clock: Any) -> None:
    subject = person()
    withdraw(subject)
    assert reason(subject) == "consent_withdrawn"
    give(subject, shown, occurred_at=T0)
    assert reason(subject) == "consent_withdrawn", "equal instants go to the withdrawal"
    clock.shift(MINUTE)
    give(subject, shown)
    assert reason(subject) == "consent_given"


def test_all_at_one_instant_and_in_one_batch_comes_to_the_no(shown: Any, clock: Any) -> None:
    for order in (("given", "withdrawn"), ("withdrawn", "given")):
        subject = person()
        drafts = [draft(subject, kind, notice_version_id=shown if kind == "given" else None) for kind in order]
        ledger.record(drafts, actor=STAFF)
        clock.shift(MINUTE)
        assert reason(subject) == "consent_withdrawn"


@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(days=36_500)])
def test_a_withdrawal_from_a_clock_that_runs_ahead_does_not_outlive_the_next_consent(
    shown: Any, clock: Any, ahead: timedelta
) -> None:
    subject = person()
    give(subject, shown, occurred_at=T0 - MINUTE)
    withdraw(subject, occurred_at=T0 + ahead)
    clock.shift(MINUTE)
    assert reason(subject) == "consent_withdrawn"
    clock.shift(MINUTE)
    give(subject, shown)
    assert reason(subject) == "consent_given"


def test_a_consent_from_the_far_future_or_past_is_no_way_around_a_withdrawal(shown: Any, clock: Any) -> None:
    subject = person()
    withdraw(subject)
    with pytest.raises(InvalidDraft):
        give(subject, shown, occurred_at=T0 + timedelta(days=1))
    for at in (T0, T0 - timedelta(days=9_000)):
        give(subject, shown, occurred_at=at)
        clock.shift(MINUTE)
        assert reason(subject) == "consent_withdrawn"


@pytest.mark.parametrize(
    "changes",
    [{"channel": "sms"}, {"event_type": "refused"}, {"method": "phone_call"}, {"jurisdiction": "US-CA"}, {"purpose": "interest"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("together", [True, False])
def test_a_key_with_other_content_is_refused_and_records_nothing(
    shown: Any, changes: dict[str, Any], together: bool
) -> None:
    first = draft(person(), "withdrawn")
    if not together:
        ledger.record(first, actor=STAFF)
    other = replace(first, **changes)
    with pytest.raises(IdempotencyMismatch):
        ledger.record([first, other] if together else other, actor=STAFF)
    assert len(ledger.history(first.subject)) == (0 if together else 1)
    assert ledger.record([first, first], actor=STAFF)[1].duplicate


def test_a_key_with_another_notice_is_refused(shown: Any) -> None:
    other = arrange.notice(key="other")
    first = draft(person(), "given", notice_version_id=shown)
    ledger.record(first, actor=STAFF)
    with pytest.raises(IdempotencyMismatch):
        ledger.record(replace(first, notice_version_id=other), actor=STAFF)


def test_as_of_is_exact_to_the_instant(shown: Any, clock: Any) -> None:
    subject = person()
    given = ledger.event(give(subject, shown, valid_until=T0 + 2 * MINUTE).event_id).received_at
    assert reason(subject, at=given - TICK) == "never_asked"
    assert reason(subject, at=given) == "consent_given"
    clock.shift(MINUTE)
    withdrawn = ledger.event(withdraw(subject).event_id).received_at
    assert reason(subject, at=withdrawn - TICK) == "consent_given"
    assert reason(subject, at=withdrawn) == "consent_withdrawn"
    other = person()
    give(other, shown, valid_until=T0 + 2 * MINUTE)
    clock.shift(MINUTE - TICK)
    assert reason(other) == "consent_given"
    clock.shift(TICK)
    assert reason(other) == "consent_expired"


def test_a_restriction_outlasts_a_consent_and_a_lift_brings_it_back(shown: Any, clock: Any) -> None:
    subject = person()
    ledger.record(draft(subject, "restricted", purpose=ANY, channel=ANY), actor=STAFF)
    clock.shift(MINUTE)
    give(subject, shown)
    assert [reason(subject, one) for one in ("newsletter", "interest", "contract")] == ["restricted"] * 3
    clock.shift(MINUTE)
    ledger.record(draft(subject, "restriction_lifted", purpose=ANY, channel=ANY), actor=STAFF)
    assert [reason(subject, one) for one in ("newsletter", "interest", "contract")] == [
        "consent_given", "legitimate_interest", "contract",
    ]  # fmt: skip


def test_an_objection_stops_an_interest_and_a_new_consent_does_not_lift_it(shown: Any, clock: Any) -> None:
    subject = person()
    ledger.record(draft(subject, "objected", purpose=ANY, channel=ANY), actor=STAFF)
    clock.shift(MINUTE)
    give(subject, shown)
    assert (reason(subject, "interest"), reason(subject, "contract"), reason(subject)) == (
        "objected",
        "contract",
        "objected",
    )
    clock.shift(MINUTE)
    ledger.record(draft(subject, "objection_lifted", purpose="interest", channel=ANY), actor=STAFF)
    assert (reason(subject, "interest"), reason(subject)) == ("legitimate_interest", "objected")


def test_an_imported_withdrawal_older_than_a_consent_asks_again(shown: Any, clock: Any) -> None:
    """The file arrived after the consent: nobody knows which was the last word, so the person is asked."""
    subject = person()
    give(subject, shown, occurred_at=T0 - MINUTE)
    clock.shift(MINUTE)
    row = {
        "subject": opaque("sub", subject), "purpose": "newsletter", "channel": "email", "event": "withdrawn",
        "occurred_at": (T0 - timedelta(days=400)).isoformat(),
    }  # fmt: skip
    for _ in range(2):
        importing.take([(1, row)], source_sha256="0" * 64, actor=STAFF)
    assert reason(subject) == "consent_withdrawn"
    assert [one.event_type.value for one in ledger.history(subject)] == ["given", "withdrawn"]


def test_an_import_grants_nothing_over_a_withdrawal_whatever_it_says(shown: Any, clock: Any) -> None:
    subject = person()
    withdraw(subject)
    clock.shift(MINUTE)
    late = draft(subject, "imported", occurred_at=T0 - MINUTE, source_sha256="0" * 64, notice_version_id=shown)
    ledger.record(late, actor=FILE)
    assert reason(subject) == "consent_withdrawn"


def test_a_consent_to_another_version_holds_unless_it_asked_again(shown: Any, clock: Any) -> None:
    subject = person()
    give(subject, shown)
    clock.shift(MINUTE)
    arrange.purpose(description_en="More offers.")
    assert reason(subject) == "consent_given"
    clock.shift(MINUTE)
    arrange.purpose(description_en="Offers of partners.", reconsent=True)
    assert reason(subject) == "consent_superseded"
    clock.shift(MINUTE)
    withdraw(subject)
    assert reason(subject) == "consent_withdrawn"


def test_a_notice_that_changed_between_being_shown_and_the_answer_is_shown_again(shown: Any, clock: Any) -> None:
    subject = person()
    token = notices.shown([shown], subject=subject)
    clock.shift(MINUTE)
    arrange.notice(body="We sell what we know.", material_change=True)
    answer = draft(subject, "given", presentation=token)
    with pytest.raises(NoticeSuperseded):
        ledger.record(answer, actor=Actor(ActorKind.SUBJECT, str(subject)))
    assert reason(subject) == "never_asked"
    ledger.record(draft(subject, "refused", presentation=token), actor=Actor(ActorKind.SUBJECT, str(subject)))
    assert reason(subject) == "consent_refused", "a no needs no current notice"
