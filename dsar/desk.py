"""What staff may do with a request next: the verbs of this package as a table, for the console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from dsar import claims, execution, identity, letters, planning, requests
from dsar.models import StaffReason, SubjectRequest
from dsar.states import TRANSITIONS, RequestType, Status
from dsar.transitions import lock
from governance.kernel import clock
from governance.kernel.actors import Actor


@dataclass(frozen=True)
class Given:
    """Who acts, what they wrote or chose, and the digest of the plan that was on their screen."""

    actor: Actor
    text: str = ""
    seen_sha256: str = ""


@dataclass(frozen=True)
class Act:
    """One button. ``asks`` says what staff have to write or choose before it: nothing, a reason, or a ground."""

    key: str
    title: str
    explanation: str
    article: str
    asks: str
    permission: str
    possible: Callable[[SubjectRequest], bool]
    do: Callable[[UUID, Given], object]


def _status(*statuses: Status) -> Callable[[SubjectRequest], bool]:
    return lambda request: Status(request.status) in statuses


def _erasure(*statuses: Status) -> Callable[[SubjectRequest], bool]:
    return lambda request: RequestType(request.type) is RequestType.ERASURE and Status(request.status) in statuses


def _leads_to(wanted: Status) -> Callable[[SubjectRequest], bool]:
    return lambda request: wanted in TRANSITIONS[Status(request.status)]


CHANGE = "dsar.change_subjectrequest"

ACTS: tuple[Act, ...] = (
    Act(
        "confirm",
        "Identity checked by staff",
        "You saw the person, or know them by other means. Write how; documents are not copied.",
        "Art. 12(6)",
        "reason",
        CHANGE,
        _leads_to(Status.VERIFIED),
        lambda request_id, given: identity.confirm_by_staff(request_id, actor=given.actor),
    ),
    Act(
        "plan",
        "Plan the erasure",
        "Locates the person in every registered source. Nothing is deleted.",
        "Art. 17",
        "",
        CHANGE,
        _erasure(Status.ASSESSING, Status.PLANNED),
        lambda request_id, given: planning.plan(request_id, given.actor),
    ),
    Act(
        "approve",
        "Approve the plan",
        "The erasure starts at once and cannot be undone. The reason is kept with the approval, sealed.",
        "Art. 17",
        "reason",
        "dsar.approve_plan",
        _erasure(Status.PLANNED),
        lambda request_id, given: planning.approve(
            request_id, given.actor, reason=given.text, content_sha256=given.seen_sha256 or None
        ),
    ),
    Act(
        "resume",
        "Go on",
        "The cause of the block is gone: failed steps run again.",
        "Art. 17",
        "reason",
        CHANGE,
        _status(Status.BLOCKED),
        lambda request_id, given: execution.resume(request_id, actor=given.actor),
    ),
    Act(
        "answer",
        "Mark as done",
        "You did by hand what was asked. The person is told by e-mail.",
        "Art. 12(3)",
        "reason",
        CHANGE,
        lambda request: (
            RequestType(request.type) is not RequestType.ERASURE and Status(request.status) is Status.ASSESSING
        ),
        lambda request_id, given: requests.answer(request_id, actor=given.actor),
    ),
    Act(
        "extend",
        "Extend by two months",
        "Once, inside the first month. What you write is sent to the person word for word.",
        "Art. 12(3)",
        "reason",
        CHANGE,
        lambda request: request.answered_at is None and not request.extended,
        lambda request_id, given: requests.extend(request_id, given.text, actor=given.actor),
    ),
    Act(
        "refuse",
        "Refuse",
        "Choose the ground; the letter names it and the remedies.",
        "Art. 12(4), 12(5), 17(3)",
        "ground",
        CHANGE,
        _leads_to(Status.REFUSED),
        lambda request_id, given: requests.refuse(request_id, given.text, actor=given.actor),
    ),
    Act(
        "responded",
        "Answered on paper",
        "The person has no e-mail address, and your letter left.",
        "Art. 12(3)",
        "",
        CHANGE,
        _leads_to(Status.RESPONDED),
        lambda request_id, given: letters.responded_on_paper(request_id, actor=given.actor),
    ),
)


def possible(request: SubjectRequest) -> list[Act]:
    """The buttons that lead somewhere from where the request stands."""
    return [act for act in ACTS if act.possible(request)]


def carry_out(act: Act, request_id: UUID, given: Given) -> None:
    """Call the verb of an act and keep the reason beside it, sealed with the request. Raises what the verb raises."""
    with transaction.atomic():
        act.do(request_id, given)
        if act.asks == "reason":
            request = lock(request_id)
            StaffReason.objects.create(
                request=request,
                act=act.key,
                ciphertext=claims.seal(request, f"reason.{act.key}", given.text.encode()),
                actor=str(given.actor),
                at=clock.now(),
            )


def find(key: str) -> Act | None:
    """The act with that key."""
    return next((act for act in ACTS if act.key == key), None)
