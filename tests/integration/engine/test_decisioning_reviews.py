"""What a person decides about an automated decision takes effect: the message is not sent, or carries the other offer."""

from __future__ import annotations

from typing import Any

import pytest

from audit import decisions, reviews
from audit.models import Entry, Review
from engine.channels import campaigns
from engine.channels.campaigns import Addressee
from engine.channels.claiming import claim_batch
from engine.channels.models import Dispatch
from engine.decisioning import runs
from engine.decisioning.errors import OfferUnknown
from engine.decisioning.offers import CATALOGUE, NONE
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import DANA
from tests.integration.audit.deciding import batch
from tests.integration.engine.campaigning import campaign, consenting, mail_server, own_keys, violations, work
from tests.integration.engine.test_decisioning_runs import a_model, decide, invariants_hold, shoppers

__all__ = ["own_keys"]  # a fixture
SLOTS = {offer.key: {"offer": offer.titles["en"]} for offer in CATALOGUE}


def reviewed(decision_id: Any, subject: SubjectId, outcome: str, new_action: str = "") -> reviews.Review:
    opened = reviews.contest(
        decision_id, subject=subject, sealed_statement=b"sealed", actor=Actor(ActorKind.SUBJECT, str(subject))
    )
    reviews.assign(opened.id, assignee=DANA, actor=DANA)
    return reviews.decide(
        opened.id, outcome=outcome, ground="data_was_wrong", sealed_reason=b"sealed", actor=DANA, new_action=new_action
    )


@pytest.mark.django_db
def test_a_reversed_offer_is_taken_from_its_run_and_a_changed_one_becomes_the_other() -> None:
    run = decide(shoppers(30), a_model())
    (first, action, one), (second, _, other) = run.offered[:2]
    changed_to = next(
        offer.key for offer in CATALOGUE if offer.key != dict(zip(run.decision_ids, run.actions, strict=True))[other]
    )

    assert reviewed(one, first, "reversed").new_action == NONE
    reviewed(other, second, "changed", changed_to)

    now = {decision: what for _, what, decision in runs.offered(run.id)}
    assert one not in now
    assert now[other] == changed_to
    assert len(now) == len(run.offered) - 1
    assert invariants_hold()
    assert Entry.objects.filter(action="decisioning.offer_reviewed").count() == 2
    assert decisions.get(one).chosen == action, "the record of what was decided does not change"


@pytest.mark.django_db
def test_who_got_nothing_can_be_given_an_offer_and_only_one_that_the_run_had() -> None:
    run = decide(shoppers(30), a_model())
    subject, decision = next(
        (subject, decision)
        for subject, action, decision in zip(run.subjects, run.actions, run.decision_ids, strict=True)
        if action == NONE
    )
    with pytest.raises(OfferUnknown):
        reviewed(decision, subject, "changed", "a_yacht")
    assert Review.objects.get().state == "assigned", "a change that cannot take effect decides nothing"
    review = Review.objects.get()
    with pytest.raises(InvalidInput):
        reviews.decide(review.pk, outcome="reversed", ground="x_y", sealed_reason=b"s", actor=DANA)
    reviews.decide(
        review.pk,
        outcome="changed",
        ground="data_was_wrong",
        sealed_reason=b"s",
        actor=DANA,
        new_action=CATALOGUE[0].key,
    )
    assert (subject, CATALOGUE[0].key, decision) in runs.offered(run.id)
    assert invariants_hold()


@pytest.mark.django_db
@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.usefixtures("own_keys")
def test_a_reversed_decision_is_not_sent_even_when_a_sender_holds_it_and_a_changed_one_is_sent_as_changed(
    settings: Any, claimed: bool
) -> None:
    people = consenting(3)
    recorded = decisions.record(batch(3, subjects=people, chosen=["coupon_10"] * 3)).decision_ids
    prepared = campaign(slot_values={"coupon_10": {"offer": "Ten."}, "coupon_5": {"offer": "Five."}})
    addressees = [Addressee(who, "coupon_10", what) for who, what in zip(people, recorded, strict=True)]
    campaigns.launch(prepared, addressees, actor=SYSTEM)

    if claimed:
        assert len(claim_batch(prepared, 1, actor=SYSTEM).messages) == 1
        held = Dispatch.objects.get(state="claimed")
        reviewed(held.decision_id, SubjectId(held.subject_id), "reversed")
        held.refresh_from_db()
        assert (held.state, held.reason) == ("withheld", "decision_reviewed")
    reversed_, changed = list(Dispatch.objects.filter(state="pending").order_by("id"))[:2]
    reviewed(reversed_.decision_id, SubjectId(reversed_.subject_id), "reversed")
    reviewed(changed.decision_id, SubjectId(changed.subject_id), "changed", "coupon_5")
    with mail_server(settings) as sink:
        work()
        texts = [message.parsed().get_body(("plain",)).get_content() for message in sink.received()]

    assert len(texts) == (1 if claimed else 2)
    assert sum("Five." in text for text in texts) == 1
    assert Dispatch.objects.get(pk=reversed_.pk).state == "withheld"
    assert violations() == {}


@pytest.mark.django_db
def test_a_review_of_a_decision_of_another_system_touches_nothing_of_ours() -> None:
    subject = SubjectId(uuid7())
    (one,) = decisions.record(batch(1, subjects=[subject])).decision_ids
    assert reviewed(one, subject, "reversed").outcome == "reversed"
    assert not Entry.objects.filter(action__startswith="decisioning.").exists()
