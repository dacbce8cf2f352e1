"""Double opt-in: a letter to the person's own mailbox with a link, and a consent that counts once they confirm there.

The link is signed, names nobody, expires, and works once. Opening it only asks: scanners of mail open every link. What waits for a
confirmation permits nothing meanwhile, and a withdrawal in between leaves nothing to confirm.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from consent import funnel, ledger, notices
from consent.drafts import ConsentDraft
from consent.errors import ConfirmationInvalid, NothingToConfirm
from consent.ledger import EventRecord, Recorded
from consent.models import ConsentEvent, ConsentState
from consent.terms import EventType, OptInStep, State
from governance import purposes
from governance.jobs.queue import schedule
from governance.kernel import crypto, mail, secret_files
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import TooManyRequests
from governance.kernel.ids import SubjectId
from pseudonymize import vault

KIND: Final = "consent.confirmation"
LIFETIME: Final = timedelta(days=7)
MOST_LETTERS: Final = 3
"""About one consent: more would be pestering, and a way to fill somebody's mailbox."""
BETWEEN_LETTERS: Final = timedelta(minutes=10)
SURFACE: Final = "api"
_MAC_BYTES: Final = 16
_LENGTH: Final = 16 + 5 + _MAC_BYTES

_LETTERS: Final = {
    "en": """Please confirm your consent

Hello,

you, or somebody in your name, agreed to this with {controller}: {purpose}.
It counts once you confirm it here:

{url}

The link works once, for seven days. If it was not you, do nothing: without your confirmation nothing is done.

{controller}
Data protection officer: {contact}
""",
    "pl": """Prosimy o potwierdzenie zgody

Dzień dobry,

Ty albo ktoś w Twoim imieniu wyraził wobec {controller} zgodę na: {purpose}.
Zacznie obowiązywać, gdy potwierdzisz ją tutaj:

{url}

Link działa raz, przez siedem dni. Jeżeli to nie Ty, nie rób nic: bez potwierdzenia nic się nie wydarzy.

{controller}
Inspektor ochrony danych: {contact}
""",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A consent that waits for its confirmation, as the page shows it."""

    event_id: UUID
    subject: SubjectId
    purpose: str
    channel: str
    notice: notices.Notice | None
    given_at: datetime


def ask(event_id: UUID, *, language: str) -> None:
    """Write to the person behind a consent that waits. Raises UnknownEvent, NothingToConfirm, TooManyRequests."""
    with transaction.atomic():
        event = ledger.event(event_id)
        if not _waits(event):
            raise NothingToConfirm
        sent = list(_sent(event_id).values_list("received_at", flat=True))
        if len(sent) >= MOST_LETTERS or (sent and now() - max(sent) < BETWEEN_LETTERS):
            raise TooManyRequests("The letter was sent. Please wait.", retry_after=int(BETWEEN_LETTERS.total_seconds()))
        schedule(KIND, {"event": str(event_id), "language": language}, key=f"{KIND}:{event_id}:{len(sent)}")


def deliver(event_id: UUID, language: str) -> None:
    """Send the letter, unless there is nothing to confirm any more. Raises LetterNotSent."""
    event = ledger.event(event_id)
    if not _waits(event):
        return
    with transaction.atomic():
        known = vault.read([event.subject], [vault.IdentifierKind.EMAIL], purpose=event.purpose, actor=SYSTEM)
    address = known.get(event.subject, {}).get(vault.IdentifierKind.EMAIL)
    if address is None:
        return
    token = link_token(event_id)
    path = reverse("privacy_center:confirm_consent", kwargs={"language": language, "token": token})
    words = {
        "controller": settings.ZGODA_CONTROLLER,
        "contact": settings.ZGODA_DPO_CONTACT,
        "purpose": purposes.current(event.purpose).title(language),
        "url": f"{settings.ZGODA_PUBLIC_URL}{path}",
    }
    mail.send(_LETTERS[language if language in _LETTERS else "en"].format(**words), address)
    ledger.record(
        ConsentDraft(
            subject=event.subject,
            purpose=event.purpose,
            channel=event.channel,
            event_type=EventType.CONFIRMATION_SENT,
            occurred_at=now(),
            method="confirmation_mail",
            idempotency_key=f"confirmation_sent:{event_id}:{_sent(event_id).count()}",
            parent_event_id=event_id,
            jurisdiction=event.jurisdiction,
            evidence={"token_sha256": crypto.mac(_key(), token.encode()).hex(), "language": language},
        ),
        actor=SYSTEM,
    )
    _count(OptInStep.SENT, event)


def look_up(token: str) -> Waiting:
    """What a link is about. Raises ConfirmationInvalid when it is forged, expired, used, or there is nothing to confirm any more."""
    event = ledger.event(_read(token))
    if not _waits(event):
        raise ConfirmationInvalid
    notice = notices.version(event.notice_version_id) if event.notice_version_id else None
    return Waiting(event.event_id, event.subject, event.purpose, event.channel, notice, event.occurred_at)


def confirm(token: str) -> Recorded:
    """The person confirms: from now on the consent counts. Raises what `look_up` raises."""
    waiting = look_up(token)
    event = ledger.event(waiting.event_id)
    recorded = ledger.record(
        ConsentDraft(
            subject=event.subject,
            purpose=event.purpose,
            channel=event.channel,
            event_type=EventType.CONFIRMED,
            occurred_at=now(),
            method="confirmation_link",
            idempotency_key=f"confirmed:{event.event_id}",
            parent_event_id=event.event_id,
            jurisdiction=event.jurisdiction,
            evidence={"token_sha256": crypto.mac(_key(), token.encode()).hex()},
        ),
        actor=Actor(ActorKind.SUBJECT, str(event.subject)),
    )[0]
    if not recorded.duplicate:
        _count(OptInStep.CONFIRMED, event)
    return recorded


def link_token(event_id: UUID) -> str:
    """The token of a link: the event, when it ends, and a MAC of both, in base64url."""
    said = event_id.bytes + int((now() + LIFETIME).timestamp()).to_bytes(5, "big")
    return _text(said + _mac(said))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(token: str) -> UUID:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    said, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    # The last character of a text has spare bits: one link is one text.
    if len(raw) != _LENGTH or _text(raw) != token or not crypto.equal(mac, _mac(said)):
        raise ConfirmationInvalid
    if datetime.fromtimestamp(int.from_bytes(said[16:], "big"), UTC) <= now():
        raise ConfirmationInvalid
    return UUID(bytes=said[:16])


def _waits(event: EventRecord) -> bool:
    state = ConsentState.objects.filter(
        subject_id=event.subject, purpose_key=event.purpose, channel=event.channel
    ).first()
    return state is not None and state.status == State.PENDING_CONFIRMATION and state.event_id == event.event_id


def _sent(event_id: UUID) -> QuerySet[ConsentEvent]:
    subject = ConsentEvent.objects.filter(id=event_id).values("subject_id")
    return ConsentEvent.objects.filter(
        subject_id__in=subject, parent_event_id=event_id, event_type=EventType.CONFIRMATION_SENT
    )


def _count(step: OptInStep, event: EventRecord) -> None:
    if event.notice_version_id is not None:
        funnel.count(step, SURFACE, [event.notice_version_id])


def _mac(said: bytes) -> bytes:
    return crypto.mac(_key(), b"consent.confirmation" + said)[:_MAC_BYTES]


def _key() -> bytes:
    return secret_files.load_or_create("confirmation-links.key", crypto.random_key)
