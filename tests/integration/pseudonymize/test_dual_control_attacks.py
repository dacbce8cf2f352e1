"""Ways to get a reveal with fewer than three people, or other than was approved. Each is tried; each reveals nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, connection, transaction

from audit.models import Entry
from governance.accounts import clients, roles, staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel import crypto
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import uuid7
from pseudonymize.crossings import dual_control, notices, reidentification
from pseudonymize.errors import DualControlRequired, GrantNotUsable, InvalidRequest, RevealBudgetSpent
from pseudonymize.models import Reveal, RevealApproval, RevealedSubject, RevealLevel, RevealRequest
from pseudonymize.runs import manifests
from tests.integration.pseudonymize.revealing import Case, member
from tests.triggers import lifted

HOUR = timedelta(hours=1)
# Sixty ways, each with people, a run and two approvals of its own: a quarter of a second each.
pytestmark = pytest.mark.slow


@pytest.fixture
def case(db: None) -> Case:
    return Case()


def approve(case: Case, request: UUID, actor: Actor) -> int:
    return reidentification.approve(request, case.tokens[:2], actor=actor, reason="checked the case")


def reveal(case: Case, request: UUID, actor: Actor | None = None) -> reidentification.Revealed:
    return reidentification.reveal(request, case.tokens[:2], actor=actor or case.eli)


def nothing_was_revealed(case: Case, request: UUID, error: type[GovernanceError] = DualControlRequired) -> None:
    with pytest.raises(error):
        reveal(case, request)
    assert not Entry.objects.filter(action="identity.revealed").exists()
    assert not RevealedSubject.objects.exists()


def address(actor: Actor, email: str) -> None:
    User.objects.filter(pk=UUID(actor.id)).update(email=email)


# --- The requester for an approver ---------------------------------------------------------------------------------------
SECOND_ACCOUNTS: dict[str, Callable[[Case], Actor]] = {
    "a tagged address": lambda case: member("eli+dpo", Role.DPO),
    "two tags": lambda case: member("eli+a+b", Role.DPO),
    "the same name on the screen": lambda case: member("elias", Role.DPO, shown="ELI  Engineer"),
    "the address that the first account had": lambda case: _after(case.eli, "eli.new@staff.example.com", "eli"),
}


def _after(actor: Actor, email: str, name: str) -> Actor:
    """The account goes to another address, and the old one gets a new account."""
    address(actor, email)
    return member(name, Role.DPO)


@pytest.mark.parametrize("way", SECOND_ACCOUNTS)
def test_the_requester_does_not_approve_from_a_second_account(case: Case, way: str) -> None:
    User.objects.filter(pk=UUID(case.eli.id)).update(display_name="Eli Engineer")
    request = case.request()
    other = SECOND_ACCOUNTS[way](case)
    with pytest.raises(DualControlRequired):
        approve(case, request, other)
    approve(case, request, case.dana)
    nothing_was_revealed(case, request)


def test_the_requester_does_not_approve_themselves_with_every_role_and_as_superuser(case: Case) -> None:
    roles.grant(UUID(case.eli.id), Role.DPO)
    User.objects.filter(pk=UUID(case.eli.id)).update(is_superuser=True)
    request = case.request()
    with pytest.raises(DualControlRequired):
        approve(case, request, case.eli)
    approve(case, request, case.dana)
    nothing_was_revealed(case, request)


def test_the_requester_does_not_approve_after_changing_their_address(case: Case) -> None:
    roles.grant(UUID(case.eli.id), Role.DPO)
    request = case.request()
    address(case.eli, "somebody.else@staff.example.com")
    with pytest.raises(DualControlRequired):
        approve(case, request, case.eli)


def test_the_requester_does_not_approve_from_the_servers_console(case: Case) -> None:
    request = case.request()
    with pytest.raises(DualControlRequired):
        approve(case, request, SYSTEM)


def test_the_requester_does_not_take_over_an_approvers_address(case: Case) -> None:
    """Approved honestly by Dana; then the requester's account gets Dana's mailbox by a tag: they may be one person after all."""
    request = case.approved()
    address(case.eli, "dana+eli@staff.example.com")
    nothing_was_revealed(case, request)


# --- One person for two approvers ----------------------------------------------------------------------------------------
def test_the_same_account_approves_once(case: Case) -> None:
    request = case.request()
    assert approve(case, request, case.dana) == approve(case, request, case.dana) == 1
    nothing_was_revealed(case, request)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("dana.d", "gmail.com"), ("danad", "gmail.com")),
        (("dana.d", "gmail.com"), ("d.a.n.a.d+zgoda", "googlemail.com")),
        (("dina", "staff.example.com"), ("dina+2", "staff.example.com")),
        (("dina", "bücher.example"), ("dina", "xn--bcher-kva.example")),
    ],
)
def test_two_spellings_of_one_mailbox_are_one_approver(
    case: Case, first: tuple[str, str], second: tuple[str, str]
) -> None:
    request = case.request()
    one, other = (member(name, Role.DPO, domain="placeholder.example") for name in ("one", "other"))
    address(one, "@".join(first))
    address(other, "@".join(second))
    approve(case, request, one)
    with pytest.raises(DualControlRequired):
        approve(case, request, other)
    nothing_was_revealed(case, request)


def test_one_name_with_two_addresses_is_one_approver(case: Case) -> None:
    request = case.request()
    approve(case, request, member("first", Role.DPO, shown="Dana Officer"))
    with pytest.raises(DualControlRequired):
        approve(case, request, member("second", Role.DPO, shown="dana  officer"))


def test_an_account_that_was_deactivated_and_activated_again_is_the_same_approver(case: Case) -> None:
    request = case.request()
    approve(case, request, case.dana)
    User.objects.filter(pk=UUID(case.dana.id)).update(is_active=False)
    with pytest.raises(DualControlRequired):
        approve(case, request, case.dana)
    User.objects.filter(pk=UUID(case.dana.id)).update(is_active=True)
    assert approve(case, request, case.dana) == 1
    nothing_was_revealed(case, request)


def test_somebody_who_left_and_came_back_under_a_new_account_is_the_same_approver(case: Case) -> None:
    request = case.request()
    approve(case, request, case.dana)
    staff.dismiss(UUID(case.dana.id), actor=SYSTEM)
    again = member("dana", Role.DPO)
    with pytest.raises(DualControlRequired):
        approve(case, request, again)
    nothing_was_revealed(case, request)


def test_an_account_under_a_new_name_and_address_is_the_same_approver(case: Case) -> None:
    request = case.request()
    approve(case, request, case.dana)
    User.objects.filter(pk=UUID(case.dana.id)).update(email="dorothea@staff.example.com", display_name="Dorothea")
    assert approve(case, request, case.dana) == 1
    nothing_was_revealed(case, request)


def test_two_approvers_who_turn_out_to_be_one_person_count_once(case: Case) -> None:
    request = case.approved()
    address(case.dora, "dana+dora@staff.example.com")
    nothing_was_revealed(case, request)


def test_two_approvals_at_the_same_moment_are_one(transactional_db: None) -> None:
    case = Case()
    request = case.request()
    alias = member("dana+alias", Role.DPO)
    start = threading.Barrier(6)

    def at_once(actor: Actor) -> bool:
        try:
            start.wait()
            approve(case, request, actor)
        except DualControlRequired:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(at_once, [case.dana, alias] * 3))
    assert RevealApproval.objects.count() == 1
    nothing_was_revealed(case, request)


# --- Nobody for an approver ----------------------------------------------------------------------------------------------
def test_a_service_client_with_every_scope_approves_nothing_and_asks_nothing(case: Case) -> None:
    issued = clients.issue("robot", ["pseudonymize:reveal", "pseudonymize:run"], now() + HOUR, actor=SYSTEM)
    robot = Actor(ActorKind.CLIENT, str(issued.client_id))
    with pytest.raises(DualControlRequired):
        approve(case, case.request(), robot)
    with pytest.raises(DualControlRequired):
        case.request(actor=robot)


@pytest.mark.parametrize("kind", [kind for kind in ActorKind if kind is not ActorKind.STAFF])
def test_an_approvers_id_under_another_kind_of_actor_is_nobody(case: Case, kind: ActorKind) -> None:
    with pytest.raises(DualControlRequired):
        approve(case, case.request(), Actor(kind, case.dana.id))


@pytest.mark.parametrize("role", [None, Role.ENGINEER, Role.MARKETER, Role.AUDITOR])
def test_a_superuser_without_the_role_approves_nothing(case: Case, role: Role | None) -> None:
    with pytest.raises(DualControlRequired):
        approve(case, case.request(), member("root", role, superuser=True))


def test_an_account_that_never_was_approves_nothing(case: Case) -> None:
    for identifier in (str(uuid7()), "dana", "", "0"):
        with pytest.raises(DualControlRequired):
            approve(case, case.request(), Actor(ActorKind.STAFF, identifier))


def test_who_may_not_see_pseudonyms_does_not_ask(case: Case) -> None:
    for actor in (member("marko", Role.MARKETER), member("ada", Role.AUDITOR), member("root", None, superuser=True)):
        with pytest.raises(DualControlRequired):
            case.request(actor=actor)


# --- Another thing than was approved -------------------------------------------------------------------------------------
def test_an_approval_without_a_reason_is_none(case: Case) -> None:
    for reason in ("", "   ", "x" * 201):
        with pytest.raises(InvalidRequest):
            reidentification.approve(case.request(), actor=case.dana, reason=reason)


def test_an_approval_of_what_was_shown_does_not_count_for_what_is_there(case: Case) -> None:
    shown = reidentification.terms_sha256(reidentification.find(case.request(level=RevealLevel.MASKED)))
    request = case.request(level=RevealLevel.PLAIN)
    with pytest.raises(GrantNotUsable):
        reidentification.approve(request, actor=case.dana, reason="looked", terms=shown)
    right = reidentification.terms_sha256(reidentification.find(request))
    assert reidentification.approve(request, actor=case.dana, reason="looked", terms=right) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"level": "plain"},
        {"max_rows": 1_000},
        {"expires_at": now() + timedelta(days=300)},
        {"purpose": "something else"},
        {"case": "C-8"},
        {"kind": "phone"},
        {"column": "spend"},
        {"requester_person": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_request_that_was_changed_after_the_approvals_has_none(case: Case, change: dict[str, Any]) -> None:
    """Somebody with the database's password lifts the triggers and rewrites the request."""
    request = case.approved(level=RevealLevel.MASKED, max_rows=10)
    with lifted():
        RevealRequest.objects.filter(id=request).update(**change)
    nothing_was_revealed(case, request)


def test_a_token_set_that_was_swapped_after_the_approvals_has_none(case: Case) -> None:
    request = case.approved()
    other = case.request(case.tokens[2:4])
    digest = RevealRequest.objects.get(id=other).tokens_sha256
    with lifted():
        RevealRequest.objects.filter(id=request).update(tokens_sha256=digest)
        RevealApproval.objects.filter(request=request).update(tokens_sha256=digest)
    with pytest.raises(DualControlRequired):
        reidentification.reveal(request, case.tokens[2:4], actor=case.eli)
    nothing_was_revealed(case, request, GrantNotUsable)


def test_an_approval_that_is_copied_to_another_request_does_not_count(case: Case) -> None:
    approved, other = case.approved(), case.request()
    for row in RevealApproval.objects.filter(request=approved):
        row.pk, row.request_id = uuid7(), other
        row.save(force_insert=True)
    assert RevealApproval.objects.filter(request=other).count() == 2
    nothing_was_revealed(case, other)


def test_an_approval_written_by_hand_does_not_count(case: Case) -> None:
    request = RevealRequest.objects.get(id=case.request())
    for account in (case.dana, case.dora):
        RevealApproval.objects.create(
            request=request,
            requester=request.requester,
            approver=str(account),
            tokens_sha256=request.tokens_sha256,
            approved_at=now(),
        )
    nothing_was_revealed(case, request.id)


def test_the_table_refuses_a_mailbox_twice_and_the_requesters(case: Case) -> None:
    request = RevealRequest.objects.get(id=case.request())
    own = {"request": request, "requester": request.requester, "requester_person": request.requester_person}
    given = {"tokens_sha256": request.tokens_sha256, "approved_at": now()}
    RevealApproval.objects.create(**own, **given, approver="staff:1", person="a" * 64)
    for approver, person in [("staff:2", "a" * 64), ("staff:3", request.requester_person)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            RevealApproval.objects.create(**own, **given, approver=approver, person=person)


def test_more_people_than_were_approved_are_not_revealed(case: Case) -> None:
    request = case.approved(max_rows=1)
    nothing_was_revealed(case, request, GrantNotUsable)


# --- Another time --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=1), timedelta(days=365)])
def test_at_the_end_it_is_over(case: Case, late: timedelta) -> None:
    request = case.approved()
    with time_machine.travel(RevealRequest.objects.get(id=request).expires_at + late, tick=False):
        nothing_was_revealed(case, request, GrantNotUsable)


def test_a_clock_turned_back_makes_nothing_valid_again(case: Case) -> None:
    """The request ended by the database's clock; this machine's says otherwise."""
    with time_machine.travel(now() - 10 * HOUR, tick=True):
        assert dual_control.latest_now() > now() + 9 * HOUR
        request = case.approved()
    ended = now() - HOUR
    with lifted():
        RevealRequest.objects.filter(id=request).update(opened_at=ended - HOUR, expires_at=ended)
    with time_machine.travel(ended - HOUR / 2, tick=True):
        nothing_was_revealed(case, request, GrantNotUsable)


def test_a_clock_that_runs_behind_what_was_recorded_does_not_count(case: Case) -> None:
    request = case.approved()
    with time_machine.travel(now() + 2 * HOUR, tick=True):
        case.request()  # recorded two hours on
    nothing_was_revealed(case, request, GrantNotUsable)


def test_an_approver_who_lost_the_role_in_between_does_not_count(case: Case) -> None:
    request = case.approved()
    roles.withdraw(UUID(case.dana.id), Role.DPO)
    nothing_was_revealed(case, request)
    roles.grant(UUID(case.dana.id), Role.DPO)  # given back: their approval was theirs
    assert len(reveal(case, request).values) == 2


def test_an_approver_who_was_dismissed_in_between_does_not_count(case: Case) -> None:
    request = case.approved()
    staff.dismiss(UUID(case.dora.id), actor=SYSTEM)
    nothing_was_revealed(case, request)


@pytest.mark.parametrize("how", ["role", "dismissed"])
def test_a_requester_who_may_not_ask_any_more_gets_nothing(case: Case, how: str) -> None:
    request = case.approved()
    if how == "role":
        roles.withdraw(UUID(case.eli.id), Role.ENGINEER)
    else:
        staff.dismiss(UUID(case.eli.id), actor=SYSTEM)
    nothing_was_revealed(case, request)


def test_a_reveal_is_once_also_at_the_same_moment(transactional_db: None) -> None:
    case = Case()
    request = case.approved()
    start = threading.Barrier(4)

    def at_once(_: int) -> int:
        try:
            start.wait()
            return len(reveal(case, request).values)
        except GrantNotUsable:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(at_once, range(4))) == [0, 0, 0, 2]
    assert Reveal.objects.count() == 1
    assert RevealedSubject.objects.count() == 2


def test_an_approver_does_not_take_the_result(case: Case) -> None:
    request = case.approved()
    for other in (case.dana, case.dora):
        with pytest.raises(DualControlRequired):
            reveal(case, request, other)


# --- Too much ------------------------------------------------------------------------------------------------------------
def test_the_requesters_budget_ends(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reidentification, "REQUESTER_BUDGET", 3)
    reveal(case, case.approved())
    with pytest.raises(RevealBudgetSpent):
        reveal(case, case.approved())
    ed = member("ed", Role.ENGINEER)
    assert len(reveal(case, case.approved(actor=ed), ed).values) == 2
    with time_machine.travel(now() + timedelta(days=31), tick=True):
        assert len(reveal(case, case.approved()).values) == 2


def test_a_persons_budget_ends_whoever_asks(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reidentification, "PERSON_BUDGET", 1)
    reveal(case, case.approved())
    ed = member("ed", Role.ENGINEER)
    with pytest.raises(RevealBudgetSpent):
        reveal(case, case.approved(actor=ed), ed)
    assert RevealedSubject.objects.count() == 2


# --- What remains --------------------------------------------------------------------------------------------------------
def test_the_dpo_is_told_of_every_step_without_a_name(case: Case, settings: Any) -> None:
    settings.ZGODA_DPO_CONTACT = "dpo@example.com"
    reveal(case, case.approved())
    drain(kinds=[notices.NOTIFY])
    texts = [message.subject + message.body for message in mail.outbox]
    assert len(texts) == 4
    assert all(message.to == ["dpo@example.com"] for message in mail.outbox)
    assert not [text for text in texts if "alice" in text.lower() or "eli@" in text or case.tokens[0] in text]


def test_the_evidence_is_signed_and_names_no_person_and_no_token(case: Case) -> None:
    request = case.approved()
    reveal(case, request)
    exported = reidentification.evidence(request, actor=case.dana)
    document = crypto.jws_verify(
        manifests.signing_key().public_bytes, str(exported["jws"]), reidentification.EVIDENCE_TYPE
    )
    assert document == exported["evidence"]
    assert [given["reason"] for given in document["approvals"]] == ["checked", "checked"]
    assert document["reveal"]["approvers"] == [str(case.dana), str(case.dora)]
    assert document["reveal"]["people"] == 2
    assert not [token for token in case.tokens if token in str(document)]
    assert "alice" not in str(document).lower()
