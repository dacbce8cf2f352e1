"""The one function that changes the status of a request: history, clock and audit entry in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from audit import log
from dsar.controller import keep_days, local_day
from dsar.errors import RequestNotFound
from dsar.models import ClockEvent, StatusChange, SubjectRequest
from dsar.states import ANSWERED, ClockKind, Status, decide
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId

# From here on a new link between an entry and the person would bring back what the erasure takes away.
_UNLINKED = frozenset(
    {
        Status.EXECUTING,
        Status.BLOCKED,
        Status.VERIFYING,
        Status.FAILED,
        Status.COMPLETED,
        Status.PARTIALLY_COMPLETED,
        Status.RESPONDED,
        Status.CLOSED,
        Status.PURGED,
    }
)


def lock(request_id: UUID) -> SubjectRequest:
    """The request, locked until the end of the transaction. Raises :class:`RequestNotFound`."""
    request = SubjectRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise RequestNotFound
    return request


def move(
    request: SubjectRequest,
    wanted: Status,
    *,
    actor: Actor,
    reason_code: str = "",
    facts: Mapping[str, JSON] | None = None,
) -> UUID:
    """Take the locked request to ``wanted`` and return the id of the audit entry that says so.

    Raises :class:`~dsar.errors.InvalidTransition` when the table has no such way. ``reason_code`` is a code, never free
    text: a person's words would be personal data.
    """
    before = Status(request.status)
    decide(before, wanted)
    now = clock.now()
    request.status = wanted.value
    request.progress_at = now
    request.blocked_reason = reason_code if wanted is Status.BLOCKED else ""
    if wanted in ANSWERED and request.answered_at is None:
        request.answered_at = now
        ClockEvent.objects.create(request=request, kind=ClockKind.STOP.value, at=now, due_on=request.due_on)
    if wanted is Status.CLOSED:
        request.closed_at = now
        request.purge_on = local_day(now + timedelta(days=keep_days()))
    request.save()
    entry_id = log.emit(
        f"dsar.{wanted.value}",
        actor=actor,
        object=object_name(request.pk),
        subject=None if wanted in _UNLINKED or request.subject_id is None else SubjectId(request.subject_id),
        facts={
            "type": request.type,
            "from": before.value,
            **({"reason": reason_code} if reason_code else {}),
            **(facts or {}),
        },
    )
    StatusChange.objects.create(
        request=request,
        from_status=before.value,
        to_status=wanted.value,
        at=now,
        actor=str(actor),
        reason_code=reason_code,
        entry_id=entry_id,
    )
    return entry_id


def object_name(request_id: UUID) -> str:
    """How the audit log names a request."""
    return f"dsar_request:{request_id}"
