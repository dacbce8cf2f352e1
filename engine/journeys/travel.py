"""Defining journeys, bringing people in, moving them on."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from audit import log
from engine.channels import campaigns
from engine.channels.errors import InvalidTransition
from engine.journeys import audiences
from engine.journeys.errors import JourneyInvalid, JourneyNotOpen, JourneyUnknown
from engine.journeys.models import Journey, Place, Step
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7_many

_LONGEST_WAIT: Final = timedelta(days=400)
_CHUNK: Final = 10_000

_ENTER: Final = """
INSERT INTO engine_journeys_place (id, journey_id, subject_id, occasion, position, state, due_at, entered_at)
SELECT id, %(journey)s, subject, %(occasion)s, 0, 'waiting', %(at)s, %(at)s
FROM unnest(%(ids)s::uuid[], %(subjects)s::uuid[]) AS new (id, subject)
ON CONFLICT (journey_id, subject_id, occasion) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so much time pass."""

    duration: timedelta


@dataclass(frozen=True, slots=True)
class Send:
    """Send a prepared campaign's message."""

    campaign_id: UUID


def define(
    key: str, steps: Sequence[Wait | Send], *, starts_at: datetime | None = None, audience: str = "", actor: Actor
) -> UUID:
    """Define the next version of a journey; returns its id. With `starts_at` it takes in its audience then.

    Raises JourneyInvalid.
    """
    decide_define(steps, starts_at, audience)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"journeys.define:{key}"])
        newest = Journey.objects.filter(key=key).aggregate(newest=Max("version"))["newest"] or 0
        journey = Journey.objects.create(
            key=key, version=newest + 1, starts_at=starts_at, audience=audience, defined_at=now(), defined_by=str(actor)
        )
        Step.objects.bulk_create(
            Step(
                journey=journey,
                position=position,
                kind=Step.Kind.WAIT if isinstance(step, Wait) else Step.Kind.SEND,
                wait_seconds=int(step.duration.total_seconds()) if isinstance(step, Wait) else None,
                campaign_id=step.campaign_id if isinstance(step, Send) else None,
            )
            for position, step in enumerate(steps)
        )
        log.emit(
            "journeys.defined",
            actor=actor,
            object=f"journey:{journey.pk}",
            facts={"key": key, "version": newest + 1, "steps": len(steps), "audience": audience},
        )
    return journey.pk


def decide_define(steps: Sequence[Wait | Send], starts_at: datetime | None, audience: str) -> None:
    """Raise JourneyInvalid unless something is sent, nothing waits backwards or for years, and a start has an audience. Pure."""
    if not any(isinstance(step, Send) for step in steps):
        raise JourneyInvalid("A journey sends something.")
    sent = [step.campaign_id for step in steps if isinstance(step, Send)]
    if len(set(sent)) != len(sent):
        raise JourneyInvalid("Each step sends a campaign of its own: one person gets one message of a campaign.")
    if any(isinstance(step, Wait) and not timedelta(0) < step.duration <= _LONGEST_WAIT for step in steps):
        raise JourneyInvalid("A wait is longer than nothing and at most 400 days.")
    if starts_at is not None and not audiences.known(audience):
        raise JourneyInvalid("A journey that starts by itself needs an audience.", audience=audience)


def enter(journey_id: UUID, subjects: Sequence[SubjectId], *, occasion: str = "", actor: Actor) -> int:
    """Bring people in at the first step; who is in on this occasion already stays where they are. Returns how many are new.

    Raises JourneyUnknown, JourneyNotOpen.
    """
    at, entered = now(), 0
    with transaction.atomic():
        journey = _locked(journey_id)
        if journey.state != Journey.State.OPEN:
            raise JourneyNotOpen("The journey takes nobody any more.")
        with connection.cursor() as cursor:
            for start in range(0, len(subjects), _CHUNK):
                chunk = list(subjects[start : start + _CHUNK])
                ids = uuid7_many(len(chunk))
                cursor.execute(
                    _ENTER, {"journey": journey_id, "occasion": occasion, "at": at, "ids": ids, "subjects": chunk}
                )
                entered += cursor.rowcount
        log.emit(
            "journeys.entered",
            actor=actor,
            object=f"journey:{journey_id}",
            facts={"people": entered, "occasion": occasion},
        )
    return entered


def close(journey_id: UUID, *, actor: Actor) -> int:
    """Close a journey: nobody enters, nobody goes on. Returns how many were under way. Raises JourneyUnknown."""
    with transaction.atomic():
        journey = _locked(journey_id)
        under_way = Place.objects.filter(journey=journey, state=Place.State.WAITING).update(state=Place.State.DONE)
        if journey.state == Journey.State.OPEN:
            journey.state = Journey.State.CLOSED
            journey.save(update_fields=["state"])
            log.emit("journeys.closed", actor=actor, object=f"journey:{journey_id}", facts={"under_way": under_way})
    return under_way


def start_due() -> int:
    """Let every journey whose time has come take in its audience, once. Returns how many started. Periodic."""
    started = 0
    for journey_id in Journey.objects.filter(
        state=Journey.State.OPEN, starts_at__lte=now(), started_at=None
    ).values_list("pk", flat=True):
        with transaction.atomic():
            journey = _locked(journey_id)
            if journey.started_at is None:
                enter(journey_id, audiences.members(journey.audience), actor=SYSTEM)
                journey.started_at = now()
                journey.save(update_fields=["started_at"])
                started += 1
    return started


def advance(limit: int = _CHUNK) -> int:
    """Take everybody who is due one step on, at most `limit` people. Returns how many moved. Periodic; safe to run side by side.

    The messages that a step queues, and everybody's next place, are one transaction.
    """
    with transaction.atomic():
        due = list(
            Place.objects.select_for_update(skip_locked=True)
            .filter(state=Place.State.WAITING, due_at__lte=now())
            .order_by("due_at", "id")[:limit]
        )
        groups: defaultdict[tuple[UUID, int, str], list[Place]] = defaultdict(list)
        for place in due:
            groups[place.journey_id, place.position, place.occasion].append(place)
        steps = {
            (step.journey_id, step.position): step
            for step in Step.objects.filter(journey_id__in={journey_id for journey_id, _, _ in groups})
        }
        for (journey_id, position, occasion), places in groups.items():
            _take(steps.get((journey_id, position)), places, occasion)
    return len(due)


def _take(step: Step | None, places: Sequence[Place], occasion: str) -> None:
    """One step for people who stand before it. Nothing comes after the last."""
    ids = [place.pk for place in places]
    at = now()
    if step is None:
        Place.objects.filter(pk__in=ids).update(state=Place.State.DONE)
        return
    due = at
    if step.kind == Step.Kind.SEND:
        assert step.campaign_id is not None  # noqa: S101 - the table's constraint
        subjects = [SubjectId(place.subject_id) for place in places]
        # A stopped campaign sends nothing more; the people in the journey go on without it.
        with suppress(InvalidTransition):
            campaigns.launch(step.campaign_id, subjects, actor=SYSTEM, occasion=occasion)
    else:
        due = at + timedelta(seconds=step.wait_seconds or 0)
    Place.objects.filter(pk__in=ids).update(position=step.position + 1, due_at=due)


def _locked(journey_id: UUID) -> Journey:
    journey = Journey.objects.select_for_update().filter(pk=journey_id).first()
    if journey is None:
        raise JourneyUnknown("No such journey.")
    return journey
