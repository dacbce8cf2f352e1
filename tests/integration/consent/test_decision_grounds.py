"""A decision of another system cannot rest on somebody else's consent, on one for something else, or on one that permits nothing."""

from __future__ import annotations

from uuid import UUID

import pytest

from audit.decision_records.grounds import Cited, contradictions
from consent import gate
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.consent import arrange

pytestmark = pytest.mark.django_db


def judged(
    subject: SubjectId,
    *,
    event: UUID | None = None,
    verdict: UUID | None = None,
    purpose: str = "newsletter",
    acted: bool = True,
) -> list[tuple[int, str, str]]:
    """What is said of the second of two decisions; the first cites nothing."""
    cited = Cited(purpose, [arrange.person(), subject], [None, verdict], [None, event], [True, acted])
    return [(one.place, one.field, one.detail) for one in contradictions(cited)]


def test_a_consent_is_the_subjects_own_for_this_purpose_and_gives_it() -> None:
    arrange.purpose()
    arrange.purpose("profiling")
    shown = arrange.notice()
    alice, bob = arrange.people(2)
    given = arrange.give(alice, shown).event_id
    withdrawn = arrange.withdraw(alice).event_id
    assert judged(alice, event=given) == [], "it was the ground then, whatever came after"
    assert judged(bob, event=given) == [(1, "consent_event", "The event is not this subject's.")]
    assert judged(alice, event=given, purpose="profiling") == [
        (1, "consent_event", "The event is about another purpose.")
    ]
    assert judged(alice, event=withdrawn) == [(1, "consent_event", "The event gives no consent.")]
    assert judged(alice, event=uuid7()) == [], "another system may have a ledger of its own"


def test_a_verdict_is_about_the_subject_and_what_it_forbids_is_not_done() -> None:
    arrange.purpose()
    alice, bob = arrange.people(2)
    verdict = gate.check(alice, "newsletter", "email")
    assert not verdict.allowed
    kept = gate.cite(verdict)
    assert judged(alice, verdict=kept) == [(1, "verdict", "The verdict forbids it.")]
    assert judged(alice, verdict=kept, acted=False) == [], "the non-offer is a decision too"
    assert judged(bob, verdict=kept, acted=False) == [(1, "verdict", "The verdict is not about this subject.")]
    whole = gate.cite_set(gate.filter([alice, bob], "newsletter", "email"))
    assert judged(bob, verdict=whole) == []
    assert judged(bob, verdict=whole, purpose="other") == [(1, "verdict", "The verdict is about another purpose.")]
