"""From claim to answer: read the address, hand over, record what became of it. One batch at a time, one connection for all of them.

    claim (transaction) → begin (transaction: addresses, "hand-over began") → SMTP, no transaction → outcomes (transaction)

A crash before `begin` commits voids the claim: the gate is asked again. A crash after it leaves the few messages that may have been
under way `unknown`, because nobody can tell any more whether the mail server took them; a marketing message is not sent again on a
guess. What the sender noted as answered or as not begun (progress.py) is believed.
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
from engine.channels import caps, composing, outcomes, progress
from engine.channels.adapters import ChannelAdapter, Message, Outcome, Session
from engine.channels.claiming import Claim, claim_batch, digest_of
from engine.channels.composing import Ready
from engine.channels.models import Dispatch
from engine.channels.outcomes import End
from engine.channels.states import DispatchState
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

BATCH: Final = 200
# Longer than a mail transaction can take (smtp.TIMEOUT_SECONDS for each of its answers), renewed while the batch goes on.
HAND_OVER_LEASE: Final = timedelta(seconds=120)
_RENEW_BELOW: Final = timedelta(seconds=60)

_BEGIN: Final = """
UPDATE engine_channels_dispatch AS dispatch
SET state = 'handing_over', lease_until = %(until)s, template_id = new.template, place = new.place - 1
FROM unnest(%(ids)s::uuid[], %(templates)s::uuid[]) WITH ORDINALITY AS new (id, template, place)
WHERE dispatch.id = new.id AND dispatch.claim_id = %(claim)s AND dispatch.state = 'claimed'
"""
_UNREACHABLE: Final = """
UPDATE engine_channels_dispatch
SET state = 'withheld', reason = %(reason)s, lease_until = NULL, finished_at = %(at)s
WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s AND state = 'claimed'
"""
_RENEW: Final = """
UPDATE engine_channels_dispatch SET lease_until = %(until)s WHERE claim_id = %(claim)s AND state = 'handing_over'
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender did with a campaign: messages by state. `later` of them are due again, the first at `due_at`."""

    counts: Counter[DispatchState]
    later: int = 0
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


def _send(claim: Claim, session: Session, actor: Actor) -> dict[UUID, End]:
    if not claim.messages:
        return {}
    begun, unreachable = _begin(claim, actor)
    ends = {identifier: End(DispatchState.WITHHELD, reason) for identifier, reason in unreachable.items()}
    return ends | (_hand_over(claim, begun, session, actor) if begun else {})


def _hand_over(claim: Claim, begun: Sequence[Message], session: Session, actor: Actor) -> dict[UUID, End]:
    attempts = {message.dispatch_id: message.attempts for message in claim.messages}
    ends: dict[UUID, End] = {}
    answers: list[Outcome] = []
    lease = _Lease(claim.id, now() + HAND_OVER_LEASE)
    try:
        for place, message in enumerate(begun):
            if place % progress.STEP == 0 and not (
                lease.held() and progress.note(claim.id, place + progress.STEP, answers)
            ):
                break
            identifier = UUID(message.reference)
            # Until the answer is here, whatever stops us leaves this one unknown.
            ends[identifier] = End(DispatchState.UNKNOWN, "interrupted")
            answer = session.hand_over(message)
            ends[identifier] = outcomes.end_of(answer, attempts[identifier], now())
            answers.append(answer.outcome)
    finally:
        at = now()
        for message in begun:
            ends.setdefault(UUID(message.reference), outcomes.not_begun(at + outcomes.FIRST_WAIT))
        outcomes.record(claim, ends, actor=actor)
    return ends


def _begin(claim: Claim, actor: Actor) -> tuple[list[Message], dict[UUID, str]]:
    """Read the addresses, build the messages, write that the hand-over begins. After this commits there is no going back.

    Returns the messages that are ours to send, in the order of their places, and why others cannot be sent.
    """
    needed = [IdentifierKind.EMAIL, IdentifierKind.LANGUAGE]
    if composing.needs_name(claim.order):
        needed.append(IdentifierKind.NAME)
    with transaction.atomic():
        held = _still_claimed(claim)
        messages = [one for one in claim.messages if one.dispatch_id in held]
        identities = vault.read([one.subject for one in messages], needed, purpose=claim.order.purpose, actor=actor)
        composed = composing.compose_batch(
            claim.order,
            [(one, identities.get(one.subject, {})) for one in messages],
            sender=settings.DEFAULT_FROM_EMAIL,
        )
        if composed.ready:
            _mark_begun(claim, composed.ready)
            progress.start(claim.id)
        _withhold(claim, composed.unreachable)
    return [one.message for one in composed.ready], composed.unreachable


def _still_claimed(claim: Claim) -> frozenset[UUID]:
    """The messages that this claim still holds, locked: it may have run out, and people may have been erased meanwhile."""
    rows = Dispatch.objects.select_for_update().filter(claim_id=claim.id, state=DispatchState.CLAIMED).order_by("pk")
    return frozenset(rows.values_list("pk", flat=True))


def _mark_begun(claim: Claim, ready: Sequence[Ready]) -> None:
    """Write that these are handed over now, each with its place in the order (progress.py counts by it)."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BEGIN,
            {
                "claim": claim.id,
                "until": now() + HAND_OVER_LEASE,
                "ids": [one.dispatch_id for one in ready],
                "templates": [one.template_id for one in ready],
            },
        )


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


class _Lease:
    """The right to go on with a batch, renewed before it gets short."""

    def __init__(self, claim_id: UUID, until: datetime) -> None:
        self._claim_id = claim_id
        self._until = until

    def held(self) -> bool:
        """False when the lease ran out and somebody recovered the batch: then the rest of it is not ours to send."""
        at = now()
        if self._until - at >= _RENEW_BELOW:
            return True
        self._until = at + HAND_OVER_LEASE
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, {"claim": self._claim_id, "until": self._until})
            return bool(cursor.rowcount)
