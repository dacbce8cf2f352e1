"""Contest, assign, decide: a person looks at an automated decision, and the log keeps each step."""

from __future__ import annotations

from datetime import date

import pytest

from audit import decisions, models, reviews, sequencer, sources
from audit.errors import NotAPerson, ReviewerTookPart, ReviewStateConflict, UnknownDecision, UnknownReview
from audit.explanations import reasons
from audit.verification import verify_log
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import DANA
from tests.integration.audit.deciding import batch, register_words

pytestmark = pytest.mark.django_db
SEALED = b"Z\x01\x01ciphertext"


@pytest.fixture
def alice() -> SubjectId:
    return SubjectId(uuid7())


@pytest.fixture
def decision_id(alice: SubjectId, db):
    return decisions.record(batch(1, subjects=[alice])).decision_ids[0]


def contest(decision_id, alice: SubjectId) -> reviews.Review:
    return reviews.contest(
        decision_id, subject=alice, sealed_statement=SEALED, actor=Actor(ActorKind.SUBJECT, str(alice))
    )


def test_a_contested_decision_is_reviewed_by_its_assignee_and_the_engine_hears_of_it(
    decision_id, alice: SubjectId, monkeypatch: pytest.MonkeyPatch
):
    heard: list[reviews.Review] = []
    monkeypatch.setattr(reviews, "_followers", [])
    reviews.follow(heard.append)
    reviews.follow(heard.append)
    opened = contest(decision_id, alice)
    assert (opened.state, opened.subject) == ("open", alice)
    reviews.assign(opened.id, assignee=DANA, actor=DANA)
    done = reviews.decide(opened.id, outcome="reversed", ground="data_was_wrong", sealed_reason=SEALED, actor=DANA)
    assert (done.state, done.outcome) == ("decided", "reversed")
    assert [review.outcome for review in heard] == ["reversed"]
    assert [review.id for review in reviews.of_decision(decision_id)] == [opened.id]
    actions = list(
        models.Entry.objects.filter(object=f"decision:{decision_id}").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["decision.contested", "decision.review_assigned", "decision.reviewed"]
    assert models.Entry.objects.filter(action="decision.contested").get().actor == "subject:self"
    sequencer.sequence()
    assert verify_log().verified
    assert contest(decision_id, alice).state == "open"  # a decided review does not close the way


def test_only_the_subject_contests_and_only_once_at_a_time(decision_id, alice: SubjectId):
    with pytest.raises(UnknownDecision):
        contest(decision_id, SubjectId(uuid7()))
    contest(decision_id, alice)
    with pytest.raises(ReviewStateConflict):
        contest(decision_id, alice)


def test_only_a_person_who_was_assigned_decides(decision_id, alice: SubjectId):
    opened = contest(decision_id, alice)
    ending = {"outcome": "upheld", "ground": "as_it_should_be", "sealed_reason": SEALED}
    with pytest.raises(ReviewStateConflict):
        reviews.decide(opened.id, actor=DANA, **ending)
    with pytest.raises(NotAPerson):
        reviews.assign(opened.id, assignee=SYSTEM, actor=DANA)
    reviews.assign(opened.id, assignee=DANA, actor=DANA)
    with pytest.raises(NotAPerson):
        reviews.decide(opened.id, actor=Actor(ActorKind.CLIENT, "bot"), **ending)
    with pytest.raises(ReviewStateConflict):
        reviews.decide(opened.id, actor=Actor(ActorKind.STAFF, "someone-else"), **ending)
    for wrong in ({"outcome": "maybe"}, {"ground": "Two words"}, {"sealed_reason": b""}):
        with pytest.raises(InvalidInput):
            reviews.decide(opened.id, actor=DANA, **{**ending, **wrong})
    reviews.decide(opened.id, actor=DANA, **ending)
    for again in (
        lambda: reviews.decide(opened.id, actor=DANA, **ending),
        lambda: reviews.assign(opened.id, assignee=DANA, actor=DANA),
    ):
        with pytest.raises(ReviewStateConflict):
            again()
    with pytest.raises(UnknownReview):
        reviews.get(uuid7())


def test_who_had_the_decision_made_does_not_review_it(alice: SubjectId):
    marko = Actor(ActorKind.STAFF, "019aa5c0-0000-7000-8000-0000000a4c00")
    made_by_marko = decisions.record(batch(1, subjects=[alice], actor=marko)).decision_ids[0]
    opened = contest(made_by_marko, alice)
    with pytest.raises(ReviewerTookPart):
        reviews.assign(opened.id, assignee=marko, actor=DANA)
    assert reviews.assign(opened.id, assignee=DANA, actor=marko).assignee == str(DANA)


def test_a_second_review_starts_from_what_the_first_made_of_the_decision(decision_id, alice: SubjectId):
    def end(outcome: str, new_action: str = "") -> str:
        opened = contest(decision_id, alice)
        reviews.assign(opened.id, assignee=DANA, actor=DANA)
        ending = {"ground": "data_was_wrong", "sealed_reason": SEALED, "actor": DANA}
        try:
            return reviews.decide(opened.id, outcome=outcome, new_action=new_action, **ending).new_action
        except InvalidInput:
            reviews.decide(opened.id, outcome="upheld", **ending)
            return "refused"

    chosen = decisions.get(decision_id).chosen
    assert end("reversed") == "none"
    assert end("reversed") == "refused", "nothing is taken back twice"
    assert end("changed", chosen) == chosen, "what was taken back can be given again"
    assert end("changed", chosen) == "refused"
    assert end("reversed") == "none"
    assert reviews.in_effect(decision_id) == "none"
    assert decisions.get(decision_id).chosen == chosen, "the record of what was decided does not change"


def test_nothing_is_decided_about_somebody_who_was_erased_meanwhile(decision_id, alice: SubjectId):
    opened = contest(decision_id, alice)
    reviews.assign(opened.id, assignee=DANA, actor=DANA)
    sources.DecisionRecords().erase(alice)
    with pytest.raises(UnknownReview):
        reviews.decide(opened.id, outcome="upheld", ground="as_it_should_be", sealed_reason=SEALED, actor=DANA)
    with pytest.raises(UnknownReview):
        reviews.assign(opened.id, assignee=DANA, actor=DANA)
    with pytest.raises(UnknownReview):
        reviews.told(opened.id)
    with pytest.raises(UnknownDecision):
        contest(decision_id, alice)


def test_a_review_is_due_within_a_month():
    assert reviews.month_after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert reviews.month_after(date(2027, 12, 5)) == date(2028, 1, 5)
    assert reviews.month_after(date(2028, 1, 30)) == date(2028, 2, 29)


def test_reviews_are_exported_and_erased_with_their_person(decision_id, alice: SubjectId):
    contest(decision_id, alice)
    source = sources.DecisionRecords()
    assert [record.table for record in source.export(alice)] == ["audit_decision", "audit_review"]
    assert source.erase(alice).deleted == 2
    assert source.residual(alice).count == 0


def test_a_stored_decision_is_explained(decision_id, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reasons, "_families", {})
    register_words()
    assert reasons.explain(decision_id).sentence.startswith("A computer chose")
    assert reasons.explain(decision_id, "pl", tier=reasons.Tier.DPO).tier is reasons.Tier.DPO
