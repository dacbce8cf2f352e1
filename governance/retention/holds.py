"""Legal holds: what must stay although a rule, or a person's request, would let it go (Art. 17(3)(b), (e)).

Placing a hold locks the rules that it touches, and every batch of a run holds its rule's lock: when `place` returns,
no batch that began before is still under way, and every later one sees the hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.canonical import sha256_hex
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7
from governance.retention.disposables import Disposable
from governance.retention.errors import HoldUnknown, ReasonMissing
from governance.retention.models import LegalHold, RetentionRule


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force. An empty `source` means every place, no `subject` everybody."""

    id: UUID
    source: str
    subject: SubjectId | None
    reason: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What holds keep of one place: all of it, or the rows of these people."""

    everything: bool
    people: frozenset[UUID]


def place(reason: str, *, actor: Actor, source: str = "", subject: SubjectId | None = None) -> UUID:
    """Place a hold on a place, a person, or a person's rows in one place. Returns its id. Raises ReasonMissing."""
    if not reason.strip() or not (source or subject):
        raise ReasonMissing("A hold has a scope and a reason.", errors=[{"pointer": "/reason", "detail": "Missing."}])
    with transaction.atomic():
        rules = RetentionRule.objects.filter(ended_at__isnull=True).order_by("pk")
        touched = rules.filter(source=source) if source else rules
        list(touched.select_for_update(of=("self",)).values_list("pk"))
        hold = LegalHold.objects.create(
            id=uuid7(), source=source, subject_id=subject, reason=reason.strip(), placed_by=str(actor), placed_at=now()
        )
        log.emit(
            "retention.hold_placed",
            actor=actor,
            object=f"legal_hold:{hold.pk}",
            subject=subject,
            facts={"source": source, "reason_sha256": sha256_hex(hold.reason.encode())},
        )
    return hold.pk


def release(hold_id: UUID, *, reason: str, actor: Actor) -> None:
    """End a hold. The row stays. Raises HoldUnknown, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing("Say why the hold ends.", errors=[{"pointer": "/reason", "detail": "Missing."}])
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().filter(pk=hold_id, released_at__isnull=True).first()
        if hold is None:
            raise HoldUnknown("There is no such hold in force.")
        hold.released_at, hold.released_by, hold.release_reason = now(), str(actor), reason.strip()
        hold.save()
        log.emit(
            "retention.hold_released",
            actor=actor,
            object=f"legal_hold:{hold.pk}",
            subject=SubjectId(hold.subject_id) if hold.subject_id else None,
            facts={"source": hold.source, "reason_sha256": sha256_hex(hold.release_reason.encode())},
        )


def on_subject(subject: SubjectId) -> list[Hold]:
    """The holds in force on a person, for whoever is about to erase them."""
    return [_hold(row) for row in _in_force().filter(subject_id=subject).order_by("pk")]


def kept_of(place_: Disposable) -> Kept:
    """What the holds in force keep of a place. A hold on one person in a place without people keeps the whole place:
    better too much."""
    people: set[UUID] = set()
    for source, subject in _in_force().filter(Q(source="") | Q(source=place_.key)).values_list("source", "subject_id"):
        if subject is not None and place_.per_subject:
            people.add(subject)
        elif source:
            return Kept(True, frozenset())
    return Kept(False, frozenset(people))


def _in_force() -> QuerySet[LegalHold]:
    return LegalHold.objects.filter(released_at__isnull=True)


def _hold(row: LegalHold) -> Hold:
    return Hold(row.id, row.source, SubjectId(row.subject_id) if row.subject_id else None, row.reason, row.placed_at)
