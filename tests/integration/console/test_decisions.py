"""The officer finds a decision, reads why, hands out its paper, and reviews it; others see what their role lets them see."""

from __future__ import annotations

import json
import re
import time

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from audit import decisions, reviews, sealing, sequencer
from audit.explanations import reasons
from audit.models import Entry, Review
from governance.accounts import roles
from governance.accounts.models import User
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.audit.deciding import batch, register_words
from tests.people import ADA, BOB, DANA, MARKO, StaffMember

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "_families", {})
    register_words()


def signed_in(member: StaffMember) -> Client:
    user = User.objects.create(email=member.email, is_staff=True)
    roles.seed()
    user.groups.add(Group.objects.get(name=member.role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def bob(db: None) -> SubjectId:
    (subject,) = vault.enrol([Identity({IdentifierKind.EMAIL: BOB.email})], actor=SYSTEM, source="test").subjects
    assert subject is not None
    return subject


@pytest.fixture
def decision_id(bob: SubjectId):
    sealed = sealing.seal_many([bob] * 40, sealing.INPUT, [json.dumps({"visits": n}).encode() for n in range(40)])
    recorded = decisions.record(batch(40, subjects=[bob] * 40, sealed_inputs=sealed))
    decisions.record(batch(10, model_version="other@2", effect="similarly_significant", chosen=["voucher"] * 10))
    sequencer.sequence()
    return recorded.decision_ids[0]


def contested(decision_id, bob: SubjectId) -> reviews.Review:
    (sealed,) = sealing.seal_many([bob], sealing.STATEMENT, [b"That was not me."])
    actor = Actor(ActorKind.SUBJECT, str(bob))
    return reviews.contest(decision_id, subject=bob, sealed_statement=sealed, actor=actor)


def test_the_explorer_filters_counts_and_leads_to_each_decision_and_its_proof(decision_id) -> None:
    ada = signed_in(ADA)
    everything = ada.get(reverse("console_decisions"))
    assert everything.context["counted"].decisions == 50
    body = everything.content.decode()
    assert reverse("console_decision", args=[decision_id]) in body
    assert reverse("console_decision_receipt", args=[decision_id]) in body
    for asked, expected in (
        ({"model": "other@2"}, 10),
        ({"action": "voucher"}, 10),
        ({"effect": "similarly_significant"}, 10),
        ({"model": "lapse@3", "action": "none"}, 13),
        ({"since": "2099-01-01"}, 0),
        ({"until": "2020-01-01"}, 0),
        ({"since": "nonsense"}, 50),
    ):
        page = ada.get(reverse("console_decisions"), asked)
        assert page.context["counted"].decisions == expected, asked
        assert len(page.context["newest"]) == expected, asked
    receipt = ada.get(reverse("console_decision_receipt", args=[decision_id]))
    assert receipt.json()["format"] == "zgoda-decision-receipt/1"


def test_one_decision_shows_signed_bars_grounds_and_both_languages_and_that_it_was_read_is_logged(
    decision_id, bob
) -> None:
    body = signed_in(DANA).get(reverse("console_decision", args=[decision_id])).content.decode()
    for text in (
        "policy-7",
        "Chance",
        "Not used:",
        "belongs to another system",
        "What the person reads",
        "Komputer wybrał",
    ):
        assert text in body, text
    starts = re.findall(r'<rect x="(-?\d\.\d+)" y="2" width="(\d\.\d+)"', body)
    assert len(starts) == 4
    assert max(float(width) for _, width in starts) == 1.0
    assert str(bob) not in body
    assert Entry.objects.filter(action="decision.read", object=f"decision:{decision_id}").count() == 1


def test_the_officer_takes_a_review_reads_the_statement_and_decides(decision_id, bob: SubjectId) -> None:
    opened = contested(decision_id, bob)
    dana, page = signed_in(DANA), reverse("console_decision", args=[decision_id])
    act = reverse("console_decision_review", args=[decision_id])
    assert "Review of an automated decision: take it" in dana.get(reverse("admin:index")).content.decode()
    assert "That was not me." not in dana.get(page).content.decode()
    dana.post(act, {"take": "1"})
    assert "That was not me." in dana.get(page).content.decode()
    assert Entry.objects.filter(action="decision.statement_read").exists()

    dana.post(act, {"outcome": "changed", "ground": "data_was_wrong", "reason": "You are right."})
    assert reviews.get(opened.id).state == "assigned", "changed to nothing is no change"
    dana.post(act, {"outcome": "reversed", "ground": "data_was_wrong", "reason": "You are right."})
    done = reviews.get(opened.id)
    assert (done.state, done.outcome, done.new_action) == ("decided", "reversed", "none")
    assert sealing.open_one(bob, sealing.REASON, done.sealed_reason) == b"You are right."
    assert "Review of an automated decision" not in dana.get(reverse("admin:index")).content.decode()
    assert "became none" in dana.get(page).content.decode()


def test_an_auditor_looks_and_does_not_review_and_a_marketer_sees_nothing(decision_id, bob: SubjectId) -> None:
    contested(decision_id, bob)
    ada, marko = signed_in(ADA), signed_in(MARKO)
    page, act = (reverse(name, args=[decision_id]) for name in ("console_decision", "console_decision_review"))
    assert ada.get(page).status_code == 200
    assert "Take the review" not in ada.get(page).content.decode()
    assert ada.post(act, {"take": "1"}).status_code == 403
    assert ada.get(reverse("console_decision_paper", args=[decision_id, "authority"])).status_code == 403
    for path in (page, reverse("console_decisions"), reverse("console_decision_receipt", args=[decision_id])):
        assert marko.get(path).status_code == 403
    assert Review.objects.get().state == "open"


# A typeface is read for the paper.
@pytest.mark.slow
def test_the_officer_hands_out_the_authoritys_paper(decision_id) -> None:
    dana = signed_in(DANA)
    paper = dana.get(reverse("console_decision_paper", args=[decision_id, "authority"]))
    assert paper.content.startswith(b"%PDF-")
    assert dana.get(reverse("console_decision_paper", args=[decision_id, "person"])).status_code == 404


def test_the_page_of_a_decision_costs_little(decision_id) -> None:
    """The bar is 50 ms on an idle core; processor time here, and with room for a loaded machine."""
    dana, page = signed_in(DANA), reverse("console_decision", args=[decision_id])
    dana.get(page)
    times = []
    for _ in range(5):
        started = time.process_time()
        dana.get(page)
        times.append(time.process_time() - started)
    assert min(times) < 0.15, f"{1000 * min(times):.0f} ms"
    print(f"page: {1000 * min(times):.1f} ms")
