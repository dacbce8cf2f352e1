"""Every change of a consent reaches the systems that act on it (Art. 19, 7(3)): in order, at least once, settled or escalated.

A change is a row in the transaction of its event, one for each system that has to hear of it. A job takes a system's rows in order and
hands them over in batches (`deliveries.py`); while one batch fails, the later ones wait, so a system never hears an old truth after a
new one. What is handed over is where the person stands at that moment, so a repetition does no harm either: a receiver needs to
remember nothing but the newest `version` of each person, purpose and channel.

A change that is not settled in the time that its system was given is escalated: to the log, and to the console's Today page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from audit import log
from consent.arrays import instants, uuids, words
from consent.delivery import deliveries
from consent.delivery.deliveries import Change
from consent.drafts import ConsentDraft
from consent.errors import DeliveryFailed, InvalidTarget, UnknownTarget
from consent.models import Propagation, PropagationTarget
from consent.terms import WIDE, Delivery, SignedWith, SubjectAs, TargetKind
from governance.jobs.leases import Lease
from governance.jobs.queue import schedule
from governance.jobs.worker import backoff
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger

KIND: Final = "consent.propagate"
BATCH: Final = 500
"""How many changes a system gets at once."""

_logger = get_logger(__name__)
_ENQUEUE: Final = """
INSERT INTO consent_propagation (target_id, event_id, subject_id, purpose_key, channel, state, recorded_at, attempts, reference)
SELECT t.id, c.event, c.subject, c.purpose, c.channel, 'waiting', c.at, 0, ''
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) WITH ORDINALITY
     AS c (event, subject, purpose, channel, at, place)
JOIN consent_propagation_target t ON t.active AND (t.purposes = '{}' OR c.purpose = ANY(t.purposes) OR c.purpose IN ('*', '*marketing'))
ORDER BY t.id, c.place
"""
_IDLE: Final = """
SELECT t.id FROM consent_propagation_target t
WHERE t.active AND (%(all)s OR EXISTS (SELECT 1 FROM consent_propagation p WHERE p.target_id = t.id AND p.state = 'waiting'))
  AND NOT EXISTS (SELECT 1 FROM jobs_job j WHERE j.kind = %(kind)s AND j.state IN ('ready', 'leased') AND j.args->>'target' = t.id::text)
"""
_LAGS: Final = """
SELECT t.key, t.kind, count(*) FILTER (WHERE p.settled_at IS NULL), min(p.recorded_at) FILTER (WHERE p.settled_at IS NULL),
       count(*) FILTER (WHERE p.settled_at IS NULL AND p.recorded_at + t.settle_within < %(now)s),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY p.settled_at - p.recorded_at) FILTER (WHERE p.settled_at > %(since)s)
FROM consent_propagation_target t LEFT JOIN consent_propagation p
    ON p.target_id = t.id AND (p.settled_at IS NULL OR p.settled_at > %(since)s)
WHERE t.active OR p.id IS NOT NULL GROUP BY t.id, t.key, t.kind ORDER BY t.key
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one system is behind: changes that wait and since when, how many are overdue, and how long the last day's took."""

    target: str
    kind: str
    waiting: int
    oldest_at: datetime | None
    overdue: int
    median: timedelta | None
    p95: timedelta | None


def register(
    key: str,
    kind: TargetKind | str,
    address: str,
    *,
    actor: Actor,
    purposes: Sequence[str] = (),
    subject_as: SubjectAs | str = SubjectAs.OPAQUE,
    signed_with: SignedWith | str = SignedWith.HMAC,
    acknowledges: bool = False,
    settle_within: timedelta = timedelta(hours=1),
) -> UUID:
    """Add a system that has to hear of changes from now on; returns its id. Raises InvalidTarget with what is wrong."""
    wrong = contradictions(key, str(kind), address, str(subject_as), settle_within)
    if wrong:
        raise InvalidTarget(errors=[{"pointer": f"/{field}", "detail": detail} for field, detail in wrong])
    with transaction.atomic():
        if PropagationTarget.objects.filter(key=key).exists():
            raise InvalidTarget(errors=[{"pointer": "/key", "detail": "Taken."}])
        row = PropagationTarget.objects.create(
            key=key, kind=str(kind), address=address, purposes=sorted(set(purposes)), subject_as=str(subject_as),
            signed_with=str(signed_with), acknowledges=acknowledges, settle_within=settle_within, created_at=now(),
        )  # fmt: skip
        log.emit(
            "consent.target_registered",
            actor=actor,
            object=f"propagation_target:{row.id}",
            facts={"kind": row.kind, "subject_as": row.subject_as, "purposes": list(row.purposes)},
        )
    return row.id


def contradictions(
    key: str, kind: str, address: str, subject_as: str, settle_within: timedelta
) -> list[tuple[str, str]]:
    """The pure decision of `register`: everything that is wrong, as (field, what is wrong with it)."""
    wrong: list[tuple[str, str]] = []
    if not deliveries.KEY.fullmatch(key):
        wrong.append(("key", "Lower-case letters, digits and hyphens, 2 to 64."))
    if kind not in set(TargetKind):
        wrong.append(("kind", f"One of: {', '.join(TargetKind)}."))
    elif detail := deliveries.fault_of(TargetKind(kind), address):
        wrong.append(("address", detail))
    if subject_as != SubjectAs.OPAQUE and kind != TargetKind.WEBHOOK:
        wrong.append(("subject_as", "Files and queues keep what is put there: they name people by the opaque id."))
    if settle_within <= timedelta(0):
        wrong.append(("settle_within", "A time that can be kept."))
    return wrong


def retire(key: str, *, actor: Actor) -> None:
    """Tell this system nothing more. What it has not heard yet stays on record as unsettled. Raises UnknownTarget."""
    with transaction.atomic():
        row = _target(key, lock=True)
        PropagationTarget.objects.filter(id=row.id).update(active=False)
        log.emit("consent.target_retired", actor=actor, object=f"propagation_target:{row.id}")


def enqueue(events: Sequence[UUID], drafts: Sequence[ConsentDraft], received: Sequence[datetime]) -> None:
    """Note what was recorded, aligned, for every system that has to hear of it, and wake a job for each.

    In the transaction of the events, whose heads the caller owns: so the changes of one person are numbered as they happened.
    """
    if not PropagationTarget.objects.filter(active=True).exists():
        return
    columns = (
        uuids(events),
        uuids(draft.subject for draft in drafts),
        words(draft.purpose for draft in drafts),
        words(str(draft.channel) for draft in drafts),
        instants(received),
    )
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE, columns)
        if cursor.rowcount:
            _wake(everybody=True)


def sweep() -> int:
    """Give every system with something waiting a job, if it has none; returns how many got one. Runs every few seconds."""
    with transaction.atomic():
        return _wake(everybody=False)


def deliver(target_id: UUID, lease: Lease) -> int:
    """Hand over what waits for a system, in order, batch by batch; returns how many changes. What fails is tried again later.

    One runner at a time per system: another finds the lock taken and leaves the work to it.
    """
    target = PropagationTarget.objects.filter(id=target_id, active=True).first()
    if target is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"{KIND}:{target_id}"])
        if not cursor.fetchone()[0]:
            return 0
    try:
        done = 0
        while rows := list(Propagation.objects.filter(target=target, state=Delivery.WAITING).order_by("id")[:BATCH]):
            lease.heartbeat()
            if not _hand_over(target, rows):
                break
            done += len(rows)
        return done
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"{KIND}:{target_id}"])


def settle(reference: str) -> int:
    """A system says that it has acted on the message of this reference; returns how many changes that settles, 0 for a repetition."""
    waiting = Propagation.objects.filter(reference=reference, state=Delivery.SENT)
    return waiting.update(state=Delivery.SETTLED, settled_at=now())


def replay(key: str, since: datetime, *, actor: Actor) -> int:
    """Hand over again every change recorded since then, in order, to a system that lost them; returns how many. Raises UnknownTarget."""
    with transaction.atomic():
        row = _target(key, lock=True)
        again = Propagation.objects.filter(target=row, recorded_at__gte=since).exclude(state=Delivery.WAITING)
        count = again.update(state=Delivery.WAITING, settled_at=None, sent_at=None, reference="", escalated_at=None)
        log.emit(
            "consent.changes_replayed", actor=actor, object=f"propagation_target:{row.id}", facts={"changes": count}
        )
        _wake(everybody=False)
    return count


def escalate() -> int:
    """Note in the log which systems have not settled changes in time, once for each change; hand the unanswered ones over again.

    Returns how many changes. They stay on the Today page (`overdue`) until they are settled.
    """
    at = now()
    late = Q(settled_at=None, escalated_at=None, recorded_at__lt=at - F("target__settle_within"))
    count = 0
    with transaction.atomic():
        rows = Propagation.objects.filter(late).select_for_update(of=("self",)).values_list("target_id", "id", "state")
        by_target: dict[UUID, list[int]] = {}
        for target, identifier, _state in rows:
            by_target.setdefault(target, []).append(identifier)
        for target, identifiers in by_target.items():
            count += Propagation.objects.filter(id__in=identifiers).update(escalated_at=at)
            Propagation.objects.filter(id__in=identifiers, state=Delivery.SENT).update(state=Delivery.WAITING)
            log.emit(
                "consent.propagation_overdue",
                actor=SYSTEM,
                object=f"propagation_target:{target}",
                facts={"changes": len(identifiers)},
            )
    if count:
        _logger.warning("consent_propagation_overdue", count=count)
    return count


def overdue() -> int:
    """How many changes some system has not settled in its time."""
    return Propagation.objects.filter(settled_at=None, recorded_at__lt=now() - F("target__settle_within")).count()


def lags() -> list[Lag]:
    """How far every system is behind, by key."""
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(_LAGS, {"now": at, "since": at - timedelta(days=1)})
        return [
            Lag(key, kind, waiting, oldest, late, *(took or (None, None)))
            for key, kind, waiting, oldest, late, took in cursor.fetchall()
        ]


def _wake(*, everybody: bool) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_IDLE, {"kind": KIND, "all": everybody})
        idle = [target for (target,) in cursor.fetchall()]
    for target in idle:
        schedule(KIND, {"target": str(target)})
    return len(idle)


def _hand_over(target: PropagationTarget, rows: Sequence[Propagation]) -> bool:
    """Send one batch; False when it failed and a later job will try again. No transaction is open meanwhile."""
    changes = [Change(row.id, row.event_id, SubjectId(row.subject_id), row.purpose_key, row.channel) for row in rows]
    mine = Propagation.objects.filter(id__in=[row.id for row in rows], state=Delivery.WAITING)
    try:
        reference = deliveries.send(target, changes)
    except DeliveryFailed as error:
        attempts = rows[0].attempts + 1
        with transaction.atomic():
            mine.update(attempts=F("attempts") + 1)
            schedule(KIND, {"target": str(target.id)}, run_after=now() + backoff(min(attempts, 20)))
        _logger.warning("consent_changes_not_delivered", name=target.key, attempts=attempts, reason=error.reason)
        return False
    at = now()
    if target.acknowledges:
        mine.update(state=Delivery.SENT, sent_at=at, reference=reference, attempts=F("attempts") + 1)
    else:
        mine.update(state=Delivery.SETTLED, sent_at=at, settled_at=at, reference=reference, attempts=F("attempts") + 1)
    return True


def _target(key: str, *, lock: bool = False) -> PropagationTarget:
    rows = PropagationTarget.objects.select_for_update() if lock else PropagationTarget.objects.all()
    row = rows.filter(key=key).first()
    if row is None:
        raise UnknownTarget
    return row


assert {"*", "*marketing"} == WIDE  # noqa: S101  # _ENQUEUE spells them out
