"""Withdrawing by the link in a message: no login, no reason, one step (Art. 7(3), Art. 21(3), RFC 8058)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from consent import gate, ledger, spool
from consent.drafts import ConsentDraft
from consent.errors import WithdrawalsWaiting
from consent.spool import Waiting
from consent.terms import ANY, Channel, EventType
from engine.channels.links import read_token
from engine.channels.models import Dispatch
from engine.content import templates
from engine.content.errors import TemplateUnknown
from governance import purposes
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7
from governance.purposes.terms import LegalBasis

KIND: Final = "link"

# The person's own no. An expiry or a restriction is none: a withdrawal adds to it.
_ALREADY_NO: Final = frozenset({gate.Reason.WITHDRAWN, gate.Reason.OBJECTED, gate.Reason.REFUSED, gate.Reason.ERASED})


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """What a link is about. `known` is False when the message was erased: then there is nothing left to withdraw."""

    dispatch_id: UUID
    known: bool
    purpose: str = ""
    purpose_title_en: str = ""
    purpose_title_pl: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The outcome; `event_id` is None when nothing had to be recorded any more."""

    event_id: UUID | None


def look_up(token: str) -> LinkTarget:
    """What the link is about, without anything that says whom. Raises LinkInvalid."""
    dispatch_id = read_token(token)
    row = Dispatch.objects.select_related("campaign").filter(pk=dispatch_id).first()
    if row is None:
        return LinkTarget(dispatch_id, known=False)
    purpose = purposes.current(row.campaign.purpose_key)
    return LinkTarget(dispatch_id, True, purpose.key, purpose.title_en, purpose.title_pl, _language_of(row))


def withdraw(
    token: str, *, method: str, everything: bool = False, key: str = "", at: datetime | None = None
) -> Withdrawn:
    """Withdraw the purpose of the message on its channel, or, with `everything`, every purpose on that channel.

    When this returns, the withdrawal is committed: nothing more is claimed. For a purpose that does not rest on consent the event is
    an objection (Art. 21). Doing it again records nothing new. `key` and `at` are those of a withdrawal that was kept while the
    database was away. Raises LinkInvalid.
    """
    target = look_up(token)
    row = Dispatch.objects.select_related("campaign").filter(pk=target.dispatch_id).first()
    if row is None:
        return Withdrawn(None)
    subject, channel = SubjectId(row.subject_id), Channel(row.campaign.channel)
    purpose = ANY if everything else row.campaign.purpose_key
    basis = purposes.current(row.campaign.purpose_key).legal_basis
    if not everything and not key and _said_no(subject, purpose, channel):
        return Withdrawn(None)
    draft = ConsentDraft(
        subject=subject,
        purpose=purpose,
        channel=channel,
        event_type=EventType.WITHDRAWN if basis is LegalBasis.CONSENT else EventType.OBJECTED,
        occurred_at=at or now(),
        method=method,
        # A new key each time: after a renewed consent the same old link withdraws again.
        idempotency_key=key or f"link:{uuid7()}",
    )
    with transaction.atomic():
        recorded = ledger.record(draft, actor=Actor(ActorKind.SUBJECT, str(subject)))
    return Withdrawn(recorded[0].event_id)


def _said_no(subject: SubjectId, purpose: str, channel: Channel) -> bool:
    try:
        return gate.check(subject, purpose, channel).reason in _ALREADY_NO
    except WithdrawalsWaiting:
        return False  # nobody knows for the moment; once more does no harm


def keep(token: str, *, method: str, everything: bool) -> UUID:
    """Accept a withdrawal while the database is away: it is applied when that is back, and nothing is sent before.

    Raises LinkInvalid, SpoolFull.
    """
    read_token(token)
    return spool.accept(KIND, {"token": token, "method": method, "everything": "yes" if everything else ""})


@spool.applies(KIND)
def apply_kept(waiting: Waiting) -> None:
    """What a link had asked for while the database was away."""
    said = waiting.content
    withdraw(
        said["token"],
        method=said["method"],
        everything=bool(said["everything"]),
        key=f"spool:{waiting.id}",
        at=waiting.accepted_at,
    )


def _language_of(row: Dispatch) -> str:
    try:
        return templates.by_id(row.template_id).language if row.template_id else "en"
    except TemplateUnknown:
        return "en"
