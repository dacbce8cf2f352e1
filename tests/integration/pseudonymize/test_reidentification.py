"""Re-identification takes three people, exactly these tokens, and is over after once. Every way around it that we know is a test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, transaction

from audit.models import Entry
from governance.accounts import roles, staff
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import uuid7
from pseudonymize import domains, keys, vault
from pseudonymize.crossings import reidentification
from pseudonymize.errors import DualControlRequired, GrantNotUsable, InvalidRequest
from pseudonymize.models import Reveal, RevealApproval, RevealLevel, RevealRequest
from tests.integration.pseudonymize.revealing import Case, member
from tests.people import ALICE, BOB


@pytest.fixture
def case(db: None) -> Case:
    return Case()


def test_three_people_reveal_exactly_what_was_asked(case: Case) -> None:
    request = case.approved()

    found = reidentification.reveal(request, case.tokens[:2], actor=case.eli)

    assert found.values == {case.tokens[0]: ALICE.email, case.tokens[1]: BOB.email}
    assert ALICE.email not in repr(found)
    actions = list(
        Entry.objects.filter(action__regex="^(reveal|identity)").order_by("id").values_list("action", flat=True)
    )
    assert (
        actions == ["reveal.requested", "reveal.approved", "reveal.approved", "reveal.done"] + ["identity.revealed"] * 2
    )
    assert Reveal.objects.get().found == 2


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["hex", "base32_26", "opaque"])
def test_every_form_of_token_can_be_turned_back_after_epochs_and_rotation(form: str) -> None:
    case = Case(form)
    domains.next_epoch("ml", actor=SYSTEM)
    keys.rotate(actor=SYSTEM)
    keys.rewrap(actor=SYSTEM)
    found = reidentification.reveal(case.approved(), case.tokens[:2], actor=case.eli)
    assert set(found.values.values()) == {ALICE.email, BOB.email}


def test_the_masked_level_shows_little(case: Case) -> None:
    request = case.approved(level=RevealLevel.MASKED)
    found = reidentification.reveal(request, case.tokens[:2], actor=case.eli)
    assert found.values[case.tokens[0]] == "a***@example.com"


def test_the_erased_and_the_unknown_are_not_found(case: Case) -> None:
    vault.forget(case.subjects[3], actor=SYSTEM, reason="erasure")
    asked = case.tokens
    request = case.request(asked)
    for approver in (case.dana, case.dora):
        reidentification.approve(request, asked, actor=approver, reason="checked")
    found = reidentification.reveal(request, asked, actor=case.eli)
    assert set(found.values) == set(case.tokens[:2])


def refused(error: type[GovernanceError], case: Case, request: UUID, tokens: list[str], actor: Actor) -> None:
    with pytest.raises(error):
        reidentification.reveal(request, tokens, actor=actor)
    assert not Entry.objects.filter(action="identity.revealed").exists()


def test_without_two_approvals_nothing_is_revealed(case: Case) -> None:
    request = case.request()
    refused(DualControlRequired, case, request, case.tokens[:2], case.eli)
    reidentification.approve(request, case.tokens[:2], actor=case.dana, reason="checked")
    refused(DualControlRequired, case, request, case.tokens[:2], case.eli)
    assert reidentification.approve(request, case.tokens[:2], actor=case.dana, reason="checked") == 1
    refused(DualControlRequired, case, request, case.tokens[:2], case.eli)


def test_the_requester_is_no_approver_not_even_as_superuser_with_every_role(case: Case) -> None:
    root = member("root", Role.DPO, superuser=True)
    for role in Role:
        roles.grant(UUID(root.id), role)
    request = case.request(actor=root)
    with pytest.raises(DualControlRequired):
        reidentification.approve(request, case.tokens[:2], actor=root, reason="checked")
    reidentification.approve(request, case.tokens[:2], actor=case.dana, reason="checked")
    refused(DualControlRequired, case, request, case.tokens[:2], root)


def test_who_may_not_approve_does_not(case: Case) -> None:
    request = case.request()
    others = [
        member("ada", Role.AUDITOR),
        member("marko", Role.MARKETER),
        member("ed", Role.ENGINEER),
        SYSTEM,
        Actor(ActorKind.CLIENT, case.dana.id),
        Actor(ActorKind.SUBJECT, case.dana.id),
        Actor(ActorKind.STAFF, str(uuid7())),
        Actor(ActorKind.STAFF, "dana"),
    ]
    for other in others:
        with pytest.raises(DualControlRequired):
            reidentification.approve(request, case.tokens[:2], actor=other, reason="checked")
    assert not RevealApproval.objects.exists()


def test_an_approver_who_left_or_changed_role_counts_no_more(case: Case) -> None:
    request = case.approved()
    roles.withdraw(UUID(case.dora.id), Role.DPO)
    refused(DualControlRequired, case, request, case.tokens[:2], case.eli)
    third = member("dina", Role.DPO)
    reidentification.approve(request, case.tokens[:2], actor=third, reason="checked")
    staff.dismiss(UUID(case.dana.id), actor=SYSTEM)
    refused(DualControlRequired, case, request, case.tokens[:2], case.eli)


def test_approvals_are_for_exactly_these_tokens(case: Case) -> None:
    request = case.request()
    for tokens in (case.tokens[:1], case.tokens[:3], case.tokens[1:3], []):
        with pytest.raises(GrantNotUsable):
            reidentification.approve(request, tokens, actor=case.dana, reason="checked")
    granted = case.approved()
    for tokens in (case.tokens[:1], case.tokens[:3], case.tokens[2:4]):
        refused(GrantNotUsable, case, granted, tokens, case.eli)
    reordered = [case.tokens[1], case.tokens[0], case.tokens[1]]
    assert len(reidentification.reveal(granted, reordered, actor=case.eli).values) == 2


def test_approvals_of_one_request_do_not_serve_another(case: Case) -> None:
    case.approved()
    other = case.request()
    refused(DualControlRequired, case, other, case.tokens[:2], case.eli)


def test_a_reveal_is_once_by_the_requester_in_time(case: Case) -> None:
    request = case.approved()
    for other in (case.dana, case.dora, SYSTEM, member("ed", Role.ENGINEER)):
        refused(DualControlRequired, case, request, case.tokens[:2], other)
    with time_machine.travel(now() + timedelta(hours=2)):
        refused(GrantNotUsable, case, request, case.tokens[:2], case.eli)
        with pytest.raises(GrantNotUsable):
            reidentification.approve(request, case.tokens[:2], actor=case.dana, reason="checked")
    reidentification.reveal(request, case.tokens[:2], actor=case.eli)
    with pytest.raises(GrantNotUsable):
        reidentification.reveal(request, case.tokens[:2], actor=case.eli)
    with pytest.raises(GrantNotUsable):
        reidentification.approve(request, case.tokens[:2], actor=case.dana, reason="checked")
    with pytest.raises(GrantNotUsable):
        reidentification.reveal(uuid7(), case.tokens[:2], actor=case.eli)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": []},
        {"tokens": [str(number) for number in range(1_001)]},
        {"column": "spend"},
        {"column": "nothing"},
        {"manifest": UUID(int=1)},
        {"purpose": " "},
        {"case": ""},
        {"expires_in": timedelta(0)},
        {"expires_in": timedelta(days=8)},
    ],
)
def test_a_request_that_is_too_much_or_too_little_is_refused(case: Case, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        case.request(**changes)


def test_only_staff_ask(case: Case) -> None:
    for actor in (SYSTEM, Actor(ActorKind.CLIENT, case.eli.id)):
        with pytest.raises(DualControlRequired):
            case.request(actor=actor)


def test_the_tables_themselves_refuse_what_the_code_refuses(case: Case) -> None:
    """Somebody with the database's password and without the code's checks."""
    request = RevealRequest.objects.get(id=case.request())
    own = {"request": request, "tokens_sha256": request.tokens_sha256, "approved_at": now()}

    def insert(model: Any, **values: Any) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(**values)

    insert(RevealApproval, **own, requester=request.requester, approver=request.requester)  # one's own
    insert(RevealApproval, **own, requester="staff:somebody else", approver=request.requester)  # under a false name
    RevealApproval.objects.create(**own, requester=request.requester, approver=str(case.dana))
    insert(RevealApproval, **own, requester=request.requester, approver=str(case.dana))  # twice
    done = {"request": request, "requester": request.requester, "found": 0, "revealed_at": now(), "entry_id": uuid7()}
    insert(Reveal, **done, first_approver=str(case.dana), second_approver=str(case.dana))  # one person for two
    insert(Reveal, **done, first_approver=str(case.dana), second_approver=str(case.dora))  # who never approved
    insert(Reveal, **done, first_approver=str(case.dana), second_approver=request.requester)
    for table in (RevealRequest, RevealApproval):
        with pytest.raises(DatabaseError), transaction.atomic():
            table.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        RevealRequest.objects.filter(id=request.id).update(requester="staff:other")
    with pytest.raises(DatabaseError), transaction.atomic():
        RevealRequest.objects.filter(id=request.id).update(tokens_sha256="0" * 64)
