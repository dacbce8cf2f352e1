"""The precedence of the gate, said again as a table."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from consent.permission.rules import RULES, Standing, decide, permitting, reason_of, sql
from consent.terms import Reason, State
from governance.purposes.terms import LegalBasis
from tests.unit.consent.test_drafts import purpose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIVEN = Standing(status=State.GIVEN, event_id=UUID(int=1), purpose_version=1)


def answer(
    standing: Standing, basis: LegalBasis = LegalBasis.CONSENT, *, direct: bool = False, oldest: int = 1
) -> Reason:
    return decide(purpose(legal_basis=basis, direct_marketing=direct), standing, NOW, oldest)[0]


def test_the_order_of_reasons_is_that_of_the_design() -> None:
    assert [rule.reason for rule in RULES] == [
        Reason.ERASED, Reason.OBJECTED, Reason.OBJECTED, Reason.RESTRICTED, Reason.WITHDRAWN, Reason.REFUSED, Reason.INVALIDATED,
        Reason.TERMINATED, Reason.OPT_OUT_SIGNAL, Reason.EXPIRED, Reason.SUPERSEDED, Reason.CONFIRMATION_PENDING,
        Reason.NOT_ANSWERED, Reason.NEVER_ASKED,
    ]  # fmt: skip


@pytest.mark.parametrize("basis", list(LegalBasis))
def test_an_objection_to_all_marketing_stops_what_is_marketing_on_any_basis_and_nothing_else(basis: LegalBasis) -> None:
    said = Standing(status=State.GIVEN, purpose_version=1, marketing_event_id=UUID(int=3))
    assert answer(said, basis, direct=True) is Reason.OBJECTED
    assert answer(said, basis, direct=False).permits


def test_only_a_given_consent_permits() -> None:
    permitted = [state for state in State if answer(Standing(status=state, purpose_version=1)).permits]
    assert permitted == [State.GIVEN]


@pytest.mark.parametrize("basis", [basis for basis in LegalBasis if basis is not LegalBasis.CONSENT])
def test_another_basis_permits_by_itself_and_says_which(basis: LegalBasis) -> None:
    assert answer(Standing(), basis) == basis.value
    assert answer(Standing(), basis).permits


@pytest.mark.parametrize("basis", list(LegalBasis))
def test_erasure_and_restriction_stop_every_basis(basis: LegalBasis) -> None:
    assert answer(Standing(erased=True), basis) is Reason.ERASED
    assert answer(Standing(restriction_event_id=UUID(int=2)), basis) is Reason.RESTRICTED


@pytest.mark.parametrize(
    ("basis", "stops"),
    [
        (LegalBasis.CONSENT, True),
        (LegalBasis.LEGITIMATE_INTEREST, True),
        (LegalBasis.PUBLIC_TASK, True),
        (LegalBasis.CONTRACT, False),
        (LegalBasis.LEGAL_OBLIGATION, False),
        (LegalBasis.VITAL_INTEREST, False),
    ],
)
def test_whom_an_objection_and_a_no_stop(basis: LegalBasis, stops: bool) -> None:
    objected = Standing(status=State.GIVEN, purpose_version=1, objection_event_id=UUID(int=3))
    assert answer(objected, basis).permits is not stops
    assert answer(objected, basis, direct=True) is Reason.OBJECTED
    assert answer(Standing(status=State.WITHDRAWN), basis).permits is not stops
    assert (
        answer(Standing(status=State.GIVEN, purpose_version=1, signal_event_id=UUID(int=4)), basis).permits is not stops
    )


def test_a_consent_runs_out_at_its_very_instant() -> None:
    assert answer(Standing(status=State.GIVEN, purpose_version=1, valid_until=NOW)) is Reason.EXPIRED
    assert answer(Standing(status=State.GIVEN, purpose_version=1, valid_until=NOW + timedelta(microseconds=1))).permits


def test_a_consent_to_a_version_before_the_one_that_asked_again_is_superseded() -> None:
    assert answer(GIVEN, oldest=2) is Reason.SUPERSEDED


def test_the_answer_cites_what_it_rests_on() -> None:
    objected = Standing(status=State.GIVEN, event_id=UUID(int=1), purpose_version=1, objection_event_id=UUID(int=3))
    assert decide(purpose(), objected, NOW, 1) == (Reason.OBJECTED, UUID(int=3))
    assert decide(purpose(), GIVEN, NOW, 1) == (Reason.CONSENT_GIVEN, UUID(int=1))
    assert decide(purpose(legal_basis=LegalBasis.CONTRACT), GIVEN, NOW, 1) == (Reason.CONTRACT, None)


@pytest.mark.parametrize("basis", list(LegalBasis))
def test_the_numbers_in_sql_are_the_reasons(basis: LegalBasis) -> None:
    expression, _ = sql(purpose(legal_basis=basis))
    assert reason_of(int(expression.rsplit("ELSE ", 1)[1].split()[0])) is permitting(purpose(legal_basis=basis))
