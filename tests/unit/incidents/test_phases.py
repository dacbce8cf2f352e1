"""The phases of a breach, decided without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.incidents.errors import BreachIncomplete, DelayNeedsReasons, StepNotAllowed, TextNamesSomebody
from governance.incidents.phases import (
    PAIRS,
    TRANSITIONS,
    Phase,
    Risk,
    Step,
    allowed,
    check_notice,
    check_text,
    next_phase,
)

AWARE = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)  # a Friday evening
DUE = AWARE + timedelta(hours=72)


EVERYWHERE = [(step, phase, risk) for step in Step for phase in Phase for risk in Risk]


@pytest.mark.parametrize(("step", "phase", "risk"), [case for case in EVERYWHERE if case[0] in allowed(*case[1:])])
def test_a_step_that_is_offered_leads_where_the_table_says(step, phase, risk):
    after = next_phase(step, phase, risk)
    assert TRANSITIONS[step][phase] is after
    assert (phase, after) in PAIRS


@pytest.mark.parametrize(("step", "phase", "risk"), [case for case in EVERYWHERE if case[0] not in allowed(*case[1:])])
def test_a_step_that_is_not_offered_is_refused(step, phase, risk):
    with pytest.raises(StepNotAllowed) as refusal:
        next_phase(step, phase, risk)
    assert refusal.value.fields["allowed"] == list(allowed(phase, risk))


def test_nothing_leads_out_of_closed_and_everything_can_get_there():
    assert allowed(Phase.CLOSED, Risk.HIGH) == ()
    reached = {Phase.CLOSED}
    while more := {before for before, after in PAIRS if after in reached} - reached:
        reached |= more
    assert reached == set(Phase)


def test_a_breach_with_a_risk_is_notified_before_it_is_closed():
    for risk in (Risk.RISK, Risk.HIGH):
        with pytest.raises(StepNotAllowed, match="Art. 33"):
            next_phase(Step.CLOSE, Phase.ASSESSED, risk)
    assert next_phase(Step.CLOSE, Phase.ASSESSED, Risk.NONE) is Phase.CLOSED


def test_at_high_risk_people_are_told_or_an_exemption_applies():
    with pytest.raises(StepNotAllowed, match="Art. 34"):
        next_phase(Step.CLOSE, Phase.NOTIFIED, Risk.HIGH)
    assert next_phase(Step.CLOSE, Phase.NOTIFIED, Risk.RISK) is Phase.CLOSED
    assert next_phase(Step.CLOSE, Phase.INFORMED, Risk.HIGH) is Phase.CLOSED
    assert next_phase(Step.CLOSE, Phase.EXEMPT, Risk.HIGH) is Phase.CLOSED
    with pytest.raises(StepNotAllowed):
        next_phase(Step.EXEMPT, Phase.NOTIFIED, Risk.RISK)


def test_nothing_is_closed_without_an_assessment():
    for phase in (Phase.NOTIFIED, Phase.INFORMED):
        with pytest.raises(StepNotAllowed):
            next_phase(Step.CLOSE, phase, Risk.UNKNOWN)


def test_a_notice_on_the_last_second_needs_no_reasons_and_one_second_later_does():
    check_notice(DUE, AWARE, DUE, due_at=DUE, reasons="")
    late = DUE + timedelta(seconds=1)
    with pytest.raises(DelayNeedsReasons) as refusal:
        check_notice(late, AWARE, late, due_at=DUE, reasons="")
    assert refusal.value.fields["due_at"] == DUE.isoformat()
    check_notice(late, AWARE, late, due_at=DUE, reasons="The system was down.")
    check_notice(late, AWARE, late, due_at=None, reasons="")  # a later phase


@pytest.mark.parametrize("at", [AWARE - timedelta(seconds=1), DUE])
def test_a_notice_is_neither_before_we_knew_nor_in_the_future(at):
    with pytest.raises(BreachIncomplete):
        check_notice(at, AWARE, AWARE + timedelta(hours=1), due_at=DUE, reasons="")


@pytest.mark.parametrize(
    "text",
    [
        "Sent to alice@example.com instead.",
        "PESEL 84030212345 was shown.",
        "Call +48601000103",
        "card 4111-1111-1111-1111",
    ],
)
def test_a_text_that_names_somebody_is_refused_and_not_repeated(text):
    with pytest.raises(TextNamesSomebody) as refusal:
        check_text("/facts", text)
    assert not any(word in str(refusal.value) + repr(refusal.value.fields) for word in text.split()[-2:])


@pytest.mark.parametrize(
    "text", ["1,200,000 records on 2026-11-21 at 10:15:00", "Ticket 12345678", "A list with e-mail addresses"]
)
def test_counts_dates_and_references_pass(text):
    assert check_text("/facts", f"  {text} ") == text


def test_a_hostile_text_is_checked_quickly():
    check_text("/facts", "a." * 50_000)
    check_text("/facts", ("1" * 8 + " ") * 10_000)
