"""What an answer means for a message, and writing it down: the state, the cap's place, the entries in the log."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from audit import log
from audit.log import Draft
from engine.channels import caps, progress
from engine.channels.adapters import HandedOver, Outcome
from engine.channels.claiming import Claim, digest_of
from engine.channels.progress import Progress
from engine.channels.states import DispatchState
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

MOST_ATTEMPTS: Final = 5
FIRST_WAIT: Final = timedelta(minutes=1)

# From `unknown` too: an answer that comes after the lease ran out is better than none.
_WRITE: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = new.state, reason = new.reason, reply_code = new.code, lease_until = NULL, place = NULL, finished_at = new.finished,
    due_at = coalesce(new.due, dispatch.due_at),
    claim_id = CASE WHEN new.state = 'pending' THEN NULL ELSE dispatch.claim_id END,
    verdict_id = CASE WHEN new.state = 'pending' THEN NULL ELSE dispatch.verdict_id END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[], %(codes)s::int[], %(finished)s::timestamptz[],
            %(dues)s::timestamptz[])
     AS new (id, state, reason, code, finished, due)
WHERE dispatch.id = new.id AND dispatch.claim_id = %(claim)s
  AND (dispatch.state = 'handing_over' OR (dispatch.state = 'unknown' AND new.state IN ('sent', 'failed')))
RETURNING dispatch.id, dispatch.subject_id, dispatch.state
"""


@dataclass(frozen=True, slots=True)
class End:
    """What is written about one message. `due_at` is when a message that waits is due again."""

    state: DispatchState
    reason: str = ""
    code: int | None = None
    due_at: datetime | None = None


def not_begun(at: datetime) -> End:
    """Its turn never came, so it did not leave the house."""
    return End(DispatchState.PENDING, "not_begun", due_at=at)


def end_of(answer: HandedOver, attempts: int, at: datetime) -> End:
    """What an answer of the mail server means for the message. Pure."""
    return _end(answer.outcome, answer.code, attempts, at)


def end_of_abandoned(place: int | None, attempts: int, noted: Progress | None, at: datetime) -> End:
    """What is known of a message whose sender died, from the notes that it left. Pure.

    Without notes (the database crashed too) nothing is known of any message of the batch.
    """
    if noted is None or place is None:
        return End(DispatchState.UNKNOWN, "interrupted")
    if place < len(noted.outcomes):
        return _end(noted.outcomes[place], None, attempts, at)
    return End(DispatchState.UNKNOWN, "interrupted") if place < noted.begun else not_begun(at)


def record(claim: Claim, ends: dict[UUID, End], *, actor: Actor) -> Counter[DispatchState]:
    """Write what became of a batch, in one transaction; returns the messages by state. A message that is not ours any more stays."""
    with transaction.atomic():
        written = _write(claim.id, ends, now())
        progress.forget(claim.id)
        gone = [
            SubjectId(subject)
            for _, subject, state in written
            if state in (DispatchState.PENDING, DispatchState.FAILED)
        ]
        caps.release(claim.caps, gone, claim.at)
        by_state = Counter(state for _, _, state in written)
        log.emit(
            "channels.batch_handed_over",
            actor=actor,
            object=f"claim:{claim.id}",
            purpose=claim.order.purpose,
            facts={
                "campaign": str(claim.order.campaign_id),
                **dict(sorted(by_state.items())),
                "sent_sha256": digest_of([one for one, _, state in written if state == DispatchState.SENT]),
            },
        )
        log.emit_many(
            [
                Draft(
                    f"channels.message_{state}", actor, f"dispatch:{one}", SubjectId(subject), claim.order.purpose, {}
                )
                for one, subject, state in written
                if state != DispatchState.PENDING
            ]
        )
    return Counter({DispatchState(state): count for state, count in by_state.items()})


def _end(outcome: Outcome, code: int | None, attempts: int, at: datetime) -> End:
    match outcome:
        case Outcome.SENT:
            return End(DispatchState.SENT, code=code)
        case Outcome.REFUSED:
            return End(DispatchState.FAILED, "refused", code)
        case Outcome.UNKNOWN:
            return End(DispatchState.UNKNOWN, "no_answer", code)
        case Outcome.LATER:
            if attempts >= MOST_ATTEMPTS:
                return End(DispatchState.FAILED, "gave_up", code)
            return End(DispatchState.PENDING, "later", code, at + FIRST_WAIT * 2 ** (attempts - 1))


def _write(claim_id: UUID, ends: dict[UUID, End], at: datetime) -> list[tuple[UUID, UUID, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "claim": claim_id,
                "ids": list(ends),
                "states": [end.state.value for end in ends.values()],
                "reasons": [end.reason for end in ends.values()],
                "codes": [end.code for end in ends.values()],
                "finished": [None if end.state is DispatchState.PENDING else at for end in ends.values()],
                "dues": [end.due_at for end in ends.values()],
            },
        )
        rows: list[tuple[UUID, UUID, str]] = cursor.fetchall()
        return rows
