"""What a person's review does to an offer: the same transaction takes it back, or puts another in its place (Art. 22(3)).

Campaigns are launched from `engine_decision_offered`; messages that wait already are theirs to stop (`engine.channels`).
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F

from audit import decisions, log
from audit.reviews import Review
from engine.decisioning.errors import OfferUnknown
from engine.decisioning.models import DecisionRun, Offered
from engine.decisioning.offers import NONE
from governance.kernel.actors import SYSTEM


def take_effect(review: Review) -> None:
    """Follow a decided review of a decision of ours. Raises OfferUnknown when it is changed to what the run did not have, and the review
    is not decided then."""
    if not review.new_action:
        return
    decision = decisions.get(review.decision_id)
    run = _run_of(decision.object)
    if run is None:
        return
    done = _take_back(run, review.decision_id) if review.new_action == NONE else _put(run, review)
    log.emit(
        "decisioning.offer_reviewed",
        actor=SYSTEM,
        object=f"decision:{review.decision_id}",
        purpose=decision.purpose,
        subject=review.subject,
        facts={"before": decision.chosen, "after": review.new_action, "changed": done},
    )


def _run_of(recorded: str) -> DecisionRun | None:
    kind, _, identifier = recorded.partition(":")
    if kind != "decision_run":
        return None
    return DecisionRun.objects.select_for_update().filter(pk=UUID(identifier)).first()


def _take_back(run: DecisionRun, decision_id: UUID) -> bool:
    deleted, _ = Offered.objects.filter(decision_id=decision_id).delete()
    if deleted:
        DecisionRun.objects.filter(pk=run.pk).update(removed=F("removed") + deleted)
    return bool(deleted)


def _put(run: DecisionRun, review: Review) -> bool:
    known = {offer["key"] for offer in run.policy["offers"]}
    if review.new_action not in known:
        raise OfferUnknown("The run had no such offer.", offer=review.new_action)
    row, made = Offered.objects.update_or_create(
        decision_id=review.decision_id,
        defaults={"run": run, "subject_id": review.subject, "action": review.new_action},
    )
    if made:
        DecisionRun.objects.filter(pk=run.pk).update(offered=F("offered") + 1)
    return row.action == review.new_action
