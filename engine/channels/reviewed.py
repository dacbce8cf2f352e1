"""What a person's review of a decision does to the messages that wait because of it: they are stopped, or carry the other offer."""

from __future__ import annotations

from audit import log
from audit.reviews import Review
from engine.channels import caps
from engine.channels.models import Dispatch
from engine.channels.states import DispatchState
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

REASON = "decision_reviewed"


def take_effect(review: Review) -> None:
    """Follow a decided review, in its transaction. A message in a sender's hands is taken from it: the sender's next write finds its
    claim gone. What has been handed over cannot be called back; the entry says so."""
    if not review.new_action:
        return
    rows = Dispatch.objects.select_for_update(of=("self",)).select_related("campaign")
    counts = {"stopped": 0, "changed": 0, "too_late": 0}
    for row in rows.filter(decision_id=review.decision_id).order_by("id"):
        counts[_follow(row, review.new_action)] += 1
    if any(counts.values()):
        log.emit(
            "channels.decision_reviewed",
            actor=SYSTEM,
            object=f"decision:{review.decision_id}",
            subject=review.subject,
            facts=dict(counts),
        )


def _follow(row: Dispatch, action: str) -> str:
    if row.state not in {DispatchState.PENDING, DispatchState.CLAIMED}:
        return "too_late"
    # Another offer is sent only where the campaign has words for it.
    if row.state == DispatchState.PENDING and action in row.campaign.slot_values:
        row.action = action
        row.save(update_fields=["action"])
        return "changed"
    if row.state == DispatchState.CLAIMED and row.claimed_at is not None:
        applying = caps.applying_to(row.campaign.channel, row.campaign.purpose_key)
        caps.release(applying, [SubjectId(row.subject_id)], row.claimed_at)
    row.state, row.reason, row.finished_at, row.lease_until = DispatchState.WITHHELD, REASON, now(), None
    row.save(update_fields=["state", "reason", "finished_at", "lease_until"])
    return "stopped"
