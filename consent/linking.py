"""A visitor turns out to be somebody known: the two ledgers stay as they are, and from now on a no of either binds both.

What stands against processing on either side is said again on the other, and so is a visitor's consent where the known person never
said anything about that purpose and channel; each as an event of its own that names the event it repeats. Whoever is in doubt is
asked again: a consent whose notice has changed since is not carried over, and a no wins over a yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from audit import log
from consent import ledger, links
from consent.drafts import ConsentDraft
from consent.errors import LinkRefused, NoticeSuperseded, SubjectErased
from consent.events import heads
from consent.models import ConsentEvent, ConsentLink, ConsentState
from consent.presentation import seen
from consent.recording import as_of
from consent.terms import ANY, EventType, State
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId
from governance.purposes.register import newest_book

METHOD: Final = "linked"


@dataclass(frozen=True, slots=True)
class Linked:
    """A link, and how many events it carried over; `duplicate` when it was there already."""

    entry_id: UUID
    carried: int
    duplicate: bool


def link(visitor: SubjectId, subject: SubjectId, *, actor: Actor, evidence: Mapping[str, JSON] | None = None) -> Linked:
    """Say that a visitor is this person. `evidence` shows it (how they logged in) and is sealed under the person's key.

    Linking the same two again changes nothing. Raises LinkRefused for a visitor who is somebody else already, SubjectErased.
    """
    with transaction.atomic():
        heads.own({visitor, subject})
        there = ConsentLink.objects.filter(visitor_subject_id=visitor).first()
        if there is not None and there.subject_id == subject:
            return Linked(there.entry_id, 0, duplicate=True)
        _refuse(visitor, subject, there)
        drafts = [*_against(visitor, subject), *_against(subject, visitor), *_consents(visitor, subject)]
        if evidence is not None:
            drafts = [replace(one, evidence=evidence) if one.subject == subject else one for one in drafts]
        recorded = ledger.record(drafts, actor=actor)
        entry = log.emit(
            "consent.visitor_linked",
            actor=actor,
            object=f"consent_link:{recorded[0].event_id}" if recorded else "consent_link:nothing_carried",
            subject=subject,
            facts={"carried": len(recorded)},
        )
        ConsentLink.objects.create(visitor_subject_id=visitor, subject_id=subject, linked_at=now(), entry_id=entry)
    return Linked(entry, len(recorded), duplicate=False)


def _refuse(visitor: SubjectId, subject: SubjectId, there: ConsentLink | None) -> None:
    if visitor == subject:
        raise LinkRefused("A person is themselves already.")
    if there is not None:
        raise LinkRefused("The visitor is linked to somebody else.")
    if ConsentLink.objects.filter(visitor_subject_id=subject).exists():
        raise LinkRefused("Link to the known person, not to another visitor.")
    if ConsentLink.objects.filter(subject_id=visitor).exists():
        raise LinkRefused("Visitors were linked to this one: it is the known person.")
    if heads.erased_among({visitor, subject}):
        raise SubjectErased


def _against(one: SubjectId, other: SubjectId) -> Iterator[ConsentDraft]:
    """What stands against processing of `one`'s data, said for the `other`."""
    standing: set[UUID] = set()
    for state in ConsentState.objects.filter(subject_id=one):
        no = state.event_id if state.status in (State.WITHDRAWN, State.REFUSED) else None
        standing |= {
            event
            for event in (no, state.objection_event_id, state.restriction_event_id, state.signal_event_id)
            if event is not None
        }
    for event in ConsentEvent.objects.filter(id__in=standing).order_by("received_at"):
        yield _repeated(event, other, EventType(event.event_type))


def _consents(visitor: SubjectId, subject: SubjectId) -> Iterator[ConsentDraft]:
    """The visitor's consents in force, where the person never said anything about that purpose and channel."""
    at, book = now(), newest_book()
    said = set(ConsentState.objects.filter(subject_id=subject).values_list("purpose_key", "channel"))
    for state in ConsentState.objects.filter(subject_id=visitor, status=State.GIVEN).order_by("purpose_key", "channel"):
        purpose, channel = state.purpose_key, state.channel
        around = {(purpose, channel), (purpose, ANY), (ANY, channel), (ANY, ANY)}
        in_force = as_of(State.GIVEN, state.valid_until, at) is State.GIVEN
        asked_again = (state.purpose_version or 0) < book.oldest_consent(book.current(purpose, at))
        if said & around or not in_force or asked_again or state.event_id is None:
            continue
        event = ConsentEvent.objects.get(id=state.event_id)
        draft = _repeated(event, subject, EventType.GIVEN, valid_until=state.valid_until)
        if _still_shown(draft, at):
            yield draft


def _still_shown(draft: ConsentDraft, at: datetime) -> bool:
    try:
        seen([draft], at)
    except NoticeSuperseded:
        return False
    return True


def _repeated(
    event: ConsentEvent, other: SubjectId, event_type: EventType, valid_until: datetime | None = None
) -> ConsentDraft:
    return ConsentDraft(
        subject=other,
        purpose=event.purpose_key,
        channel=event.channel,
        event_type=event_type,
        occurred_at=event.occurred_at,
        method=METHOD,
        idempotency_key=links.key_for(event.idempotency_key, other),
        notice_version_id=event.notice_version_id if event_type is EventType.GIVEN else None,
        valid_until=valid_until,
        jurisdiction=event.jurisdiction,
        parent_event_id=event.id,
    )
