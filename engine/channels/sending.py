"""From claim to answer: read the address, hand over, record what became of it. One batch at a time, one connection for all of them.

    claim (transaction) → begin (transaction: addresses, "hand-over began") → SMTP, no transaction → outcomes (transaction)

A crash before `begin` commits voids the claim: the gate is asked again. A crash after it leaves `unknown`, because nobody can tell
any more whether the mail server took the message; a marketing message is not sent again on a guess.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from audit import log
from audit.log import Draft
from engine.channels import caps, composing
from engine.channels.adapters import ChannelAdapter, HandedOver, Message, Outcome, Session
from engine.channels.claiming import Claim, claim_batch, digest_of
from engine.channels.states import DispatchState
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

BATCH: Final = 100
MOST_ATTEMPTS: Final = 5
# Longer than a mail transaction can take (smtp.TIMEOUT_SECONDS for each of its answers), renewed while the batch goes on.
HAND_OVER_LEASE: Final = timedelta(seconds=120)
_RENEW_BELOW: Final = timedelta(seconds=60)
_FIRST_WAIT: Final = timedelta(minutes=1)

_BEGIN: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'handing_over', lease_until = %(until)s, template_id = new.template
FROM unnest(%(ids)s::uuid[], %(templates)s::uuid[]) AS new (id, template)
WHERE dispatch.id = new.id AND dispatch.claim_id = %(claim)s AND dispatch.state = 'claimed'
RETURNING dispatch.id
"""
_UNREACHABLE: Final = """
UPDATE engine_channels_dispatch
SET state = 'withheld', reason = %(reason)s, lease_until = NULL, finished_at = %(at)s
WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s AND state = 'claimed'
"""
# `unknown` too: an answer that comes after the lease ran out is better than none.
_OUTCOME: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = new.state, reason = new.reason, reply_code = new.code, lease_until = NULL, finished_at = new.finished,
    due_at = coalesce(new.due, dispatch.due_at), claim_id = CASE WHEN new.state = 'pending' THEN NULL ELSE dispatch.claim_id END,
    verdict_id = CASE WHEN new.state = 'pending' THEN NULL ELSE dispatch.verdict_id END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[], %(codes)s::int[], %(finished)s::timestamptz[],
            %(dues)s::timestamptz[])
     AS new (id, state, reason, code, finished, due)
WHERE dispatch.id = new.id AND dispatch.claim_id = %(claim)s
  AND (dispatch.state = 'handing_over' OR (dispatch.state = 'unknown' AND new.state IN ('sent', 'failed')))
RETURNING dispatch.id, dispatch.subject_id, dispatch.state
"""
_RENEW: Final = """
UPDATE engine_channels_dispatch SET lease_until = %(until)s WHERE claim_id = %(claim)s AND state = 'handing_over'
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender did with a campaign: messages by state. `later` of them are due again at `due_at`."""

    counts: Counter[DispatchState]
    later: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """What is written about one message."""

    state: DispatchState
    reason: str = ""
    code: int | None = None
    due_at: datetime | None = None


def send_due(
    campaign_id: UUID,
    adapter: ChannelAdapter,
    *,
    actor: Actor = SYSTEM,
    batch: int = BATCH,
    until: datetime | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> Sent:
    """Send what is due of a campaign, batch by batch, until nothing is or the clock says `until`.

    `after_each` runs after every batch (a job's heartbeat). Raises Unavailable when the mail server does not answer; then nobody is
    claimed.
    """
    counts: Counter[DispatchState] = Counter()
    later, due_at = 0, None
    with adapter.session() as session:
        while until is None or now() < until:
            session.ready()
            claim = claim_batch(campaign_id, batch, actor=actor)
            if claim is None:
                break
            counts[DispatchState.WITHHELD] += sum(claim.withheld.values())
            ends = _send(claim, session, actor)
            counts.update(end.state for end in ends.values())
            waiting = [end.due_at for end in ends.values() if end.due_at is not None]
            later += len(waiting)
            due_at = min([*waiting, *([due_at] if due_at else [])], default=None)
            after_each()
    return Sent(counts, later, due_at)


def _send(claim: Claim, session: Session, actor: Actor) -> dict[UUID, _End]:
    if not claim.messages:
        return {}
    begun, unreachable = _begin(claim, actor)
    ends = {identifier: _End(DispatchState.WITHHELD, reason) for identifier, reason in unreachable.items()}
    if not begun:
        return ends
    attempts = {message.dispatch_id: message.attempts for message in claim.messages}
    lease = _Lease(claim.id, now() + HAND_OVER_LEASE)
    answers: dict[UUID, _End] = {}
    try:
        for message in begun:
            if not lease.held():
                break
            identifier = UUID(message.reference)
            # Until the answer is here, whatever stops us leaves this one unknown.
            answers[identifier] = _End(DispatchState.UNKNOWN, "interrupted")
            answers[identifier] = _end_of(session.hand_over(message), attempts[identifier], now())
    finally:
        for message in begun:
            # Whose turn never came did not leave the house.
            answers.setdefault(
                UUID(message.reference), _End(DispatchState.PENDING, "not_begun", due_at=now() + _FIRST_WAIT)
            )
        _record(claim, answers, actor)
    return ends | answers


def _begin(claim: Claim, actor: Actor) -> tuple[list[Message], dict[UUID, str]]:
    """Read the addresses, build the messages, write that the hand-over begins. After this commits there is no going back.

    Returns the messages that are ours to send, and why others cannot be sent.
    """
    kinds = [
        IdentifierKind.EMAIL,
        IdentifierKind.LANGUAGE,
        *([IdentifierKind.NAME] if composing.needs_name(claim.order) else []),
    ]
    with transaction.atomic():
        identities = vault.read(
            [one.subject for one in claim.messages], kinds, purpose=claim.order.purpose, actor=actor
        )
        composed = composing.compose_batch(
            claim.order,
            [(one, identities.get(one.subject, {})) for one in claim.messages],
            sender=settings.DEFAULT_FROM_EMAIL,
        )
        mine = _mark_begun(claim, [(one.dispatch_id, one.template_id) for one in composed.ready])
        _withhold(claim, composed.unreachable)
    return [one.message for one in composed.ready if one.dispatch_id in mine], composed.unreachable


def _mark_begun(claim: Claim, chosen: Sequence[tuple[UUID, UUID]]) -> frozenset[UUID]:
    """The messages of the claim that are still claimed by it: a claim that ran out meanwhile sends nothing."""
    if not chosen:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            _BEGIN,
            {
                "claim": claim.id,
                "until": now() + HAND_OVER_LEASE,
                "ids": [identifier for identifier, _ in chosen],
                "templates": [template for _, template in chosen],
            },
        )
        return frozenset(row[0] for row in cursor.fetchall())


def _withhold(claim: Claim, unreachable: dict[UUID, str]) -> None:
    subject_of = {message.dispatch_id: message.subject for message in claim.messages}
    for reason in sorted(set(unreachable.values())):
        ids = [identifier for identifier, why in unreachable.items() if why == reason]
        with connection.cursor() as cursor:
            cursor.execute(_UNREACHABLE, {"reason": reason, "at": now(), "ids": ids, "claim": claim.id})
        caps.release(claim.caps, [subject_of[identifier] for identifier in ids], claim.at)
        log.emit(
            "channels.batch_withheld",
            actor=SYSTEM,
            object=f"claim:{claim.id}",
            purpose=claim.order.purpose,
            facts={"reason": reason, "messages": len(ids), "messages_sha256": digest_of(ids)},
        )


def _end_of(answer: HandedOver, attempts: int, at: datetime) -> _End:
    """What an answer means for the message. Pure."""
    match answer.outcome:
        case Outcome.SENT:
            return _End(DispatchState.SENT, code=answer.code)
        case Outcome.REFUSED:
            return _End(DispatchState.FAILED, "refused", answer.code)
        case Outcome.UNKNOWN:
            return _End(DispatchState.UNKNOWN, "no_answer", answer.code)
        case Outcome.LATER:
            if attempts >= MOST_ATTEMPTS:
                return _End(DispatchState.FAILED, "gave_up", answer.code)
            return _End(DispatchState.PENDING, "later", answer.code, at + _FIRST_WAIT * 2 ** (attempts - 1))


def _record(claim: Claim, ends: dict[UUID, _End], actor: Actor) -> None:
    """Write what became of the batch: the states, the places in caps given back, the entries in the log."""
    at = now()
    with transaction.atomic():
        written = _write_outcomes(claim, ends, at)
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


def _write_outcomes(claim: Claim, ends: dict[UUID, _End], at: datetime) -> list[tuple[UUID, UUID, str]]:
    final = [None if end.state is DispatchState.PENDING else at for end in ends.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            _OUTCOME,
            {
                "claim": claim.id,
                "ids": list(ends),
                "states": [end.state.value for end in ends.values()],
                "reasons": [end.reason for end in ends.values()],
                "codes": [end.code for end in ends.values()],
                "finished": final,
                "dues": [end.due_at for end in ends.values()],
            },
        )
        rows: list[tuple[UUID, UUID, str]] = cursor.fetchall()
        return rows


class _Lease:
    """The right to go on with a batch, renewed before it gets short."""

    def __init__(self, claim_id: UUID, until: datetime) -> None:
        self._claim_id = claim_id
        self._until = until

    def held(self) -> bool:
        """False when the lease ran out and the batch was declared `unknown`: then the rest of it is not sent."""
        at = now()
        if self._until - at >= _RENEW_BELOW:
            return True
        self._until = at + HAND_OVER_LEASE
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, {"claim": self._claim_id, "until": self._until})
            return bool(cursor.rowcount)
