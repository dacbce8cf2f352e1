"""Children: a guardian consents for them, until they are of age, and everybody may withdraw (Art. 8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from consent import gate, ledger, notices
from consent.errors import InvalidDraft, PresentationRequired
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import draft, person, withdraw
from tests.integration.consent.test_api import pipeline

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
OF_AGE = date(2026, 6, 1)


def guardian() -> Actor:
    return Actor(ActorKind.GUARDIAN, str(person()))


def given_for(child: SubjectId, shown: Any, **changes: Any) -> Any:
    token = notices.shown([shown], subject=child)
    content: dict[str, Any] = {"presentation": token, "of_age_on": OF_AGE} | changes
    return ledger.record(draft(child, "given", **content), actor=guardian())[0]


def said_of(child: SubjectId, shown: Any, **changes: Any) -> set[str]:
    with pytest.raises(InvalidDraft) as refused:
        given_for(child, shown, **changes)
    return {str(one["pointer"]) for one in refused.value.fields["errors"]}


@pytest.mark.parametrize("double_opt_in", [False, True])
def test_a_guardian_s_consent_ends_when_the_child_is_of_age_and_the_child_is_asked(double_opt_in: bool) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        arrange.purpose(double_opt_in=double_opt_in, validity_days=400)
        shown, child = arrange.notice(), person()
        given_for(child, shown)
        if double_opt_in:
            ledger.record(draft(child, "confirmed"), actor=arrange.STAFF)
        end = datetime(2026, 6, 1, tzinfo=UTC)
        assert gate.check(child, "newsletter", "email").valid_until == end
        clock.move_to(end - timedelta(microseconds=1))
        assert gate.check(child, "newsletter", "email").allowed
        clock.move_to(end)
        assert gate.check(child, "newsletter", "email").reason == "consent_expired"
        assert gate.filter([child], "newsletter", "email").allowed == []
        assert said_of(child, shown) == {"/0/of_age_on"}
        own = draft(child, "given", presentation=notices.shown([shown], subject=child), age=16)
        ledger.record(own, actor=Actor(ActorKind.SUBJECT, str(child)))
        assert gate.check(child, "newsletter", "email").allowed or double_opt_in


def test_a_guardian_says_when_the_child_is_of_age_and_saw_the_notice() -> None:
    arrange.purpose()
    shown, child = arrange.notice(), person()
    assert said_of(child, shown, of_age_on=None) == {"/0/of_age_on"}
    with pytest.raises(PresentationRequired):
        ledger.record(
            draft(child, "given", notice_version_id=shown, of_age_on=OF_AGE.replace(year=2099)), actor=guardian()
        )


@pytest.mark.parametrize(
    ("where", "age", "counts"), [("PL", 15, False), ("PL", 16, True), ("BE", 13, True), ("FR", 14, False)]
)
def test_from_what_age_one_consents_depends_on_the_place(where: str, age: int, counts: bool) -> None:
    arrange.purpose()
    shown, child = arrange.notice(), person()
    own = draft(child, "given", presentation=notices.shown([shown], subject=child), age=age, jurisdiction=where)
    if counts:
        ledger.record(own, actor=Actor(ActorKind.SUBJECT, str(child)))
    else:
        with pytest.raises(InvalidDraft):
            ledger.record(own, actor=Actor(ActorKind.SUBJECT, str(child)))
    assert gate.check(child, "newsletter", "email").allowed is counts


@pytest.mark.parametrize("by_child", [True, False])
def test_the_child_and_the_guardian_may_each_withdraw(by_child: bool) -> None:
    with time_machine.travel(T0, tick=False):
        arrange.purpose()
        shown, child = arrange.notice(), person()
        given_for(child, shown)
        if by_child:
            withdraw(child)
        else:
            ledger.record(draft(child, "withdrawn"), actor=guardian())
        assert not gate.check(child, "newsletter", "email").allowed


def test_over_rest_a_guardian_is_named_and_an_age_decides() -> None:
    arrange.purpose()
    shown, child, parent = arrange.notice(), person(), person()
    call = pipeline("consent:read", "consent:write")
    body = {
        "subject": opaque("sub", child), "purpose": "newsletter", "channel": "email", "event_type": "given", "method": "web_form",
        "presentation": notices.shown([shown], subject=child), "guardian": opaque("sub", parent),
    }  # fmt: skip
    status, problem = call("POST", "events", body, **{"Idempotency-Key": "g-1"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/0/of_age_on")
    status, answer = call("POST", "events", body | {"of_age_on": "2099-01-01"}, **{"Idempotency-Key": "g-1"})
    assert (status, answer["status"]) == (201, "given")
    event = ledger.history(child)[0]
    assert (event.actor, event.valid_until) == (f"guardian:{parent}", datetime(2099, 1, 1, tzinfo=UTC))
    assert call("POST", "events", body | {"guardian": "mum"}, **{"Idempotency-Key": "g-2"})[0] == 422


def test_a_confirmation_holds_no_longer_than_the_consent_that_it_confirms() -> None:
    with time_machine.travel(T0, tick=False):
        arrange.purpose(double_opt_in=True)
        shown, subject = arrange.notice(), person()
        arrange.give(subject, shown, valid_until=T0 + timedelta(days=3))
        ledger.record(draft(subject, "confirmed"), actor=arrange.STAFF)
        assert gate.check(subject, "newsletter", "email").valid_until == T0 + timedelta(days=3)
