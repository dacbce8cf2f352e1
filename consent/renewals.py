"""Consents that run out: people are asked again before they do, once, and what has run out is written down as expired.

The gate needs none of this: it refuses what has run out in the same instant. The event is for the record, for the person's history
and for the systems that hear of changes.

Asking is an event too (`requested`, which changes no consent) and a letter with the address of the privacy centre, one for each
consent that ends; a job writes it, unless by then the person has renewed, withdrawn, objected, or has no mailbox here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.urls import reverse

from consent import gate, ledger
from consent.drafts import ConsentDraft
from consent.events import heads
from consent.models import ConsentEvent, ConsentState
from consent.terms import ANY, EventType, State
from governance import purposes
from governance.jobs.queue import schedule
from governance.kernel import mail
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger
from pseudonymize import vault

BATCH: Final = 2_000
METHOD: Final = "validity_ended"
KIND: Final = "consent.renewal"
ASKED: Final = "renewal_asked"
LEAD: Final = timedelta(days=30)
"""How long before a consent ends the person is asked again."""
_LETTERS: Final = {
    "en": """Your consent ends on {day}

Hello,

on {day} this ends, which you agreed to with {controller}: {purpose}.
If you would like to go on, say so here; if not, do nothing, and it ends by itself:

{url}

{controller}
Data protection officer: {contact}
""",
    "pl": """Twoja zgoda wygasa {day}

Dzień dobry,

{day} wygasa zgoda udzielona {controller}: {purpose}.
Jeżeli ma trwać dalej, powiedz to tutaj; jeżeli nie, nie rób nic, a wygaśnie sama:

{url}

{controller}
Inspektor ochrony danych: {contact}
""",
}

_logger = get_logger(__name__)


def expire_due(limit: int | None = None) -> int:
    """Record `expired` for every consent that has run out; returns how many. Several runners do no harm.

    Looked at again under the lock of the person's ledger, so that nobody's renewal is overtaken by the end of what it renewed.
    """
    done = 0
    while limit is None or done < limit:
        size = BATCH if limit is None else min(BATCH, limit - done)
        with transaction.atomic():
            subjects = {
                SubjectId(subject)
                for subject in _due(now()).order_by("valid_until").values_list("subject_id", flat=True)[:size]
            }
            if not subjects:
                break
            heads.own(subjects)
            rows = list(_due(now()).filter(subject_id__in=subjects))
            recorded = ledger.record([_expiry(row) for row in rows], actor=SYSTEM)
        done += len(recorded)
    if done:
        _logger.info("consents_expired", count=done)
    return done


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do for one purpose and channel: how many people to ask again, and how many ends to write down."""

    purpose: str
    channel: str
    to_ask: int
    to_expire: int


def plan(within: timedelta = LEAD) -> list[Planned]:
    """What `ask` and `expire_due` would do now, by purpose and channel; changes nothing."""
    at = now()
    counts: dict[tuple[str, str], list[int]] = {}
    for place, rows in enumerate((_to_ask(at, within), _due(at))):
        counted = rows.order_by().values_list("purpose_key", "channel").annotate(people=Count("id"))
        for purpose, channel, people in counted:
            counts.setdefault((purpose, channel), [0, 0])[place] = people
    return [Planned(purpose, channel, *both) for (purpose, channel), both in sorted(counts.items())]


def ask(within: timedelta = LEAD, limit: int = BATCH) -> int:
    """Ask people again whose consent ends within that time, soonest first, once for each consent; returns how many.

    Looked at again under the lock of the person's ledger; several runners do no harm.
    """
    with transaction.atomic():
        at = now()
        subjects = {
            SubjectId(subject)
            for subject in _to_ask(at, within).order_by("valid_until").values_list("subject_id", flat=True)[:limit]
        }
        if not subjects:
            return 0
        heads.own(subjects)
        rows = list(_to_ask(at, within).filter(subject_id__in=subjects).order_by("valid_until"))
        for one in ledger.record([_request(row) for row in rows], actor=SYSTEM):
            schedule(KIND, {"event": str(one.event_id)}, key=f"{KIND}:{one.event_id}")
    _logger.info("consent_renewals_asked", count=len(rows))
    return len(rows)


def write_to(event_id: UUID) -> None:
    """Send the letter behind a question to renew, unless there is nothing to renew any more. Raises LetterNotSent."""
    asked = ledger.event(event_id)
    verdict = gate.check(asked.subject, asked.purpose, asked.channel)
    renewed = ConsentEvent.objects.filter(id=event_id, parent_event_id=verdict.event_id).first() is None
    if not verdict.allowed or renewed or verdict.valid_until is None:
        return
    kinds = [vault.IdentifierKind.EMAIL, vault.IdentifierKind.LANGUAGE]
    with transaction.atomic():
        known = vault.read([asked.subject], kinds, purpose=asked.purpose, actor=SYSTEM).get(asked.subject, {})
    address = known.get(vault.IdentifierKind.EMAIL)
    if address is None:
        return
    language = known.get(vault.IdentifierKind.LANGUAGE, "en")
    language = language if language in _LETTERS else "en"
    words = {
        "controller": settings.ZGODA_CONTROLLER,
        "contact": settings.ZGODA_DPO_CONTACT,
        "purpose": purposes.current(asked.purpose).title(language),
        "day": verdict.valid_until.date().isoformat(),
        "url": settings.ZGODA_PUBLIC_URL + reverse("privacy_center:choices", kwargs={"language": language}),
    }
    mail.send(_LETTERS[language].format(**words), address, letter_id=event_id)


def ending(purpose: str, channel: str, *, before: datetime) -> list[SubjectId]:
    """Whose consent is in force and runs out before that instant, soonest first: whom to show the notice again."""
    rows = ConsentState.objects.filter(
        purpose_key=purpose, channel=channel, status=State.GIVEN, valid_until__gt=now(), valid_until__lte=before
    )
    return [SubjectId(subject) for subject in rows.order_by("valid_until").values_list("subject_id", flat=True)]


def _to_ask(at: datetime, within: timedelta) -> QuerySet[ConsentState]:
    """Consents in force that end within that time and about whose end nobody was asked yet."""
    asked = ConsentEvent.objects.filter(
        subject_id=OuterRef("subject_id"),
        parent_event_id=OuterRef("event_id"),
        channel=OuterRef("channel"),
        method=ASKED,
    )
    rows = ConsentState.objects.filter(status=State.GIVEN, valid_until__gt=at, valid_until__lte=at + within)
    return rows.filter(~Exists(asked), objection_event_id=None, restriction_event_id=None, signal_event_id=None)


def _request(row: ConsentState) -> ConsentDraft:
    return ConsentDraft(
        subject=SubjectId(row.subject_id),
        purpose=row.purpose_key,
        channel=row.channel,
        event_type=EventType.REQUESTED,
        occurred_at=now(),
        method=ASKED,
        idempotency_key=f"renewal:{row.event_id}:{row.channel}",
        parent_event_id=row.event_id,
    )


def _due(at: datetime) -> QuerySet[ConsentState]:
    rows = ConsentState.objects.filter(status=State.GIVEN, valid_until__lte=at)
    return rows.exclude(purpose_key=ANY)


def _expiry(row: ConsentState) -> ConsentDraft:
    ended: UUID | None = row.event_id
    at = row.valid_until
    assert at is not None  # noqa: S101  # `_due` asks for it
    return ConsentDraft(
        subject=SubjectId(row.subject_id),
        purpose=row.purpose_key,
        channel=row.channel,
        event_type=EventType.EXPIRED,
        occurred_at=at,
        method=METHOD,
        idempotency_key=f"expired:{ended}:{row.channel}",
        parent_event_id=ended,
    )
