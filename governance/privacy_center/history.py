"""What a person said and when, in the words of the pages, each with its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from consent import ledger, linking
from consent.ledger import EventRecord
from consent.terms import ANY, EventType
from governance.kernel.ids import SubjectId
from governance.privacy_center import words
from governance.privacy_center.words import Text
from governance.purposes.register import newest_book


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: datetime
    what: Text
    purpose: Text
    channel: Text
    who: Text
    notice_id: UUID | None
    event_id: UUID
    taken_over: bool
    """Said on a visit before we knew who the visitor was, and carried over since (`consent.linking`)."""


def of(subject: SubjectId, language: str) -> list[Line]:
    """Every event about the person, newest first."""
    return [_line(event, language) for event in reversed(ledger.history(subject))]


def _line(event: EventRecord, language: str) -> Line:
    title: Text = words.WIDE.get(event.purpose, "")
    if not title:
        title = newest_book().version(event.purpose, event.purpose_version).title(language)
    return Line(
        at=event.occurred_at,
        what=words.EVENTS[event.event_type.value],
        purpose=title,
        channel=_("every way") if event.channel == ANY else words.CHANNELS[event.channel],
        who=words.ACTORS.get(event.actor.partition(":")[0], words.US),
        notice_id=event.notice_version_id if event.event_type is not EventType.SUPERSEDED else None,
        event_id=event.event_id,
        taken_over=event.method == linking.METHOD,
    )
