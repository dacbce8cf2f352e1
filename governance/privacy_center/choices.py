"""A person's choices as the pages show them, and what an answer changes: one row per purpose and channel.

Where consent is the basis, the answers are yes and no. Where it is a legitimate interest, no is an objection (Art. 21)
and needs no reason. Both answers cost the same single click; saying nothing changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from consent import funnel, ledger, notices
from consent.errors import UnknownNotice
from consent.ledger import ConsentDraft, ConsentStatus
from consent.notices import Notice
from consent.terms import ANY, MARKETING, EventType, OptInStep, State
from governance import purposes
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7
from governance.privacy_center import words
from governance.privacy_center.words import Text
from governance.purposes import LegalBasis, PurposeVersion

_HELD = frozenset({State.GIVEN, State.PENDING_CONFIRMATION})
_SAID_NO = frozenset({State.REFUSED, State.WITHDRAWN})
METHOD = "privacy_center"


@dataclass(frozen=True)
class Row:
    """One switch. ``answer`` is what stands now: yes, no, or not answered. A yes that was never confirmed is no answer yet, though it
    is ``held``: a no withdraws it."""

    field: str
    purpose: str
    channel: str
    label: Text
    state: Text
    answer: bool | None
    held: bool
    since: datetime | None
    valid_until: datetime | None
    event_id: UUID | None
    checked: bool | None
    """What the form shows as chosen: the answer, or what was chosen a moment ago."""

    @property
    def said(self) -> bool:
        """Whether there is something of the person's to show: a date, a receipt."""
        return self.held or self.answer is not None


@dataclass(frozen=True)
class Offer:
    """One purpose with its switches and the notice that explains it."""

    title: str
    description: str
    by_consent: bool
    notice: Notice
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Board:
    """Everything a person can choose, and the token that binds what is shown to what is agreed."""

    offers: tuple[Offer, ...]
    token: str

    @property
    def rows(self) -> tuple[Row, ...]:
        """All switches."""
        return tuple(row for offer in self.offers for row in offer.rows)

    def chosen(self, answers: Mapping[str, bool]) -> Board:
        """The same board with these answers in its form."""
        offers = tuple(
            replace(offer, rows=tuple(replace(row, checked=answers.get(row.field, row.answer)) for row in offer.rows))
            for offer in self.offers
        )
        return Board(offers, self.token)


def board(
    language: str,
    subject: SubjectId | None = None,
    *,
    gpc: bool = False,
    only: Sequence[str] | None = None,
    surface: str = METHOD,
    count: bool = True,
) -> Board:
    """The switches in ``language``: as they stand for ``subject``, or unanswered for a visitor; of some purposes, or of all.

    Showing them is counted for the surface, unless ``count`` is off or there is none.
    """
    standing: dict[tuple[str, str], ConsentStatus] = {}
    if subject is not None:
        standing = {(status.purpose, status.channel): status for status in ledger.current(subject)}
    offers = [
        offer
        for purpose in purposes.all_current()
        if purpose.legal_basis in {LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTEREST}
        and (only is None or purpose.key in only)
        and (offer := _offer(purpose, language, standing, visitor=subject is None)) is not None
    ]
    shown = sorted({offer.notice.id for offer in offers})
    token = notices.shown(shown, subject=subject, purposes=only, ui_variant=surface or METHOD, gpc=gpc) if shown else ""
    if count and surface and shown:
        funnel.count(OptInStep.SERVED, surface, shown)
    return Board(tuple(offers), token)


def counted(
    step: OptInStep, shown: Board, answers: Mapping[str, bool], *, surface: str = METHOD, only_yes: bool = False
) -> list[str]:
    """Count a step for the notices whose questions were answered (with a yes); returns their ids."""
    notices_of = {row.field: offer.notice.id for offer in shown.offers for row in offer.rows}
    reached = {notices_of[field] for field, yes in answers.items() if field in notices_of and (yes or not only_yes)}
    if reached:
        funnel.count(step, surface, reached)
    return sorted(str(one) for one in reached)


def asked(subject: SubjectId, shown: Board, *, actor: Actor) -> None:
    """Note which questions stood before a person who never answered them: asked and not answered is a state of its own."""
    drafts = [
        ConsentDraft(
            subject=subject,
            purpose=row.purpose,
            channel=row.channel,
            event_type=EventType.REQUESTED,
            occurred_at=clock.now(),
            method=METHOD,
            idempotency_key=f"asked:{subject}:{offer.notice.id}:{row.field.replace('|', ':')}",
            notice_version_id=offer.notice.id,
        )
        for offer in shown.offers
        if offer.by_consent
        for row in offer.rows
        if row.answer is None and row.event_id is None
    ]
    ledger.record(drafts, actor=actor)


def read_answers(fields: Mapping[str, str], rows: tuple[Row, ...]) -> dict[str, bool]:
    """What was answered, by field; rows without an answer are left out."""
    return {row.field: fields[row.field] == "yes" for row in rows if fields.get(row.field) in {"yes", "no"}}


def save(
    subject: SubjectId,
    answers: Mapping[str, bool],
    *,
    language: str,
    token: str,
    actor: Actor,
    mailbox_proved: bool,
    asked_as: Mapping[str, JSON] | None = None,
    of_age_on: date | None = None,
) -> int:
    """Record what the answers change, in one transaction; returns how many choices changed.

    A yes to a purpose with double opt-in counts as confirmed when the person came by a link from their mailbox. Raises
    what :func:`consent.ledger.record` raises, for example ``PresentationInvalid`` when the page was open too long. ``asked_as`` is
    what the form kept of how the person was first asked, for the evidence; ``of_age_on`` is needed of a guardian (Art. 8(1)).
    """
    now = clock.now()
    shown = board(language, subject, count=False)
    evidence = _evidence(asked_as or {})
    consent_fields = {row.field for offer in shown.offers if offer.by_consent for row in offer.rows}
    opt_in = {purpose.key for purpose in purposes.all_current() if purpose.double_opt_in}
    drafts: list[ConsentDraft] = []
    changed = 0
    for row in shown.rows:
        wanted = answers.get(row.field)
        if wanted is None or wanted == row.answer:
            continue
        changed += 1
        event_type = _event(row, wanted=wanted, by_consent=row.field in consent_fields)
        drafts.append(_draft(subject, row, event_type, now, token=token, evidence=evidence))
        if event_type is EventType.GIVEN and mailbox_proved and row.purpose in opt_in:
            drafts.append(_draft(subject, row, EventType.CONFIRMED, now, token=token, evidence=evidence))
    if of_age_on is not None:
        drafts = [replace(draft, of_age_on=of_age_on) for draft in drafts]
    ledger.record(drafts, actor=actor)
    return changed


def withdraw_everything(subject: SubjectId, *, actor: Actor) -> None:
    """One step: every consent is withdrawn, whatever it is for (Art. 7(3)). Needs no token and no reason."""
    ledger.record(
        ConsentDraft(
            subject=subject,
            purpose=ANY,
            channel=ANY,
            event_type=EventType.WITHDRAWN,
            occurred_at=clock.now(),
            method=METHOD,
            idempotency_key=_key(uuid7()),
        ),
        actor=actor,
    )


def _offer(
    purpose: PurposeVersion, language: str, standing: Mapping[tuple[str, str], ConsentStatus], *, visitor: bool
) -> Offer | None:
    by_consent = purpose.legal_basis is LegalBasis.CONSENT
    if visitor and not by_consent:
        return None  # nothing is done yet with a visitor that they could object to
    try:
        notice = notices.for_purpose(purpose.key, language)
    except UnknownNotice:
        return None  # nobody can agree to what is not explained in their language
    rows = tuple(
        _row(purpose, str(channel), _nearest(standing, purpose, str(channel)), by_consent=by_consent)
        for channel in purpose.channels
    )
    polish = language == "pl"
    return Offer(
        title=purpose.title_pl if polish else purpose.title_en,
        description=purpose.description_pl if polish else purpose.description_en,
        by_consent=by_consent,
        notice=notice,
        rows=rows,
    )


def _nearest(
    standing: Mapping[tuple[str, str], ConsentStatus], purpose: PurposeVersion, channel: str
) -> ConsentStatus | None:
    """Where the person stands with a purpose and channel: what they said of exactly these, else of all (as the gate reads it)."""
    around = [(purpose.key, channel), (purpose.key, ANY), (ANY, channel), (ANY, ANY)]
    found = next((standing[key] for key in around if key in standing), None)
    marketing = standing.get((MARKETING, ANY))
    if purpose.direct_marketing and marketing is not None and marketing.objected:
        return replace(found or marketing, objected=True)
    return found


def _row(purpose: PurposeVersion, channel: str, status: ConsentStatus | None, *, by_consent: bool) -> Row:
    state = status.status if status is not None else State.NONE
    if by_consent:
        answer = True if state is State.GIVEN else False if state in _SAID_NO else None
        text: Text = words.STATES[state.value]
    else:
        answer = not (status is not None and status.objected)
        text = words.NOT_OBJECTED if answer else words.OBJECTED
    return Row(
        field=f"{purpose.key}|{channel}",
        purpose=purpose.key,
        channel=channel,
        label=words.CHANNELS[channel],
        state=text,
        answer=answer,
        held=by_consent and state in _HELD,
        since=status.since if status is not None and by_consent else None,
        valid_until=status.valid_until if status is not None and state is State.GIVEN else None,
        event_id=status.event_id if status is not None and by_consent else None,
        checked=answer,
    )


def _event(row: Row, *, wanted: bool, by_consent: bool) -> EventType:
    if not by_consent:
        return EventType.OBJECTION_LIFTED if wanted else EventType.OBJECTED
    if wanted:
        return EventType.GIVEN
    return EventType.WITHDRAWN if row.held else EventType.REFUSED


def _evidence(asked_as: Mapping[str, JSON]) -> dict[str, JSON]:
    kept: dict[str, JSON] = {"surface": "privacy_center", "form": "choices"}
    if asked_as.get("form"):
        kept |= {"surface": "website", "form": asked_as["form"]}
    return kept | {name: asked_as[name] for name in ("jti", "answered_at", "gpc", "of_age") if name in asked_as}


def _draft(
    subject: SubjectId, row: Row, event_type: EventType, now: datetime, *, token: str, evidence: Mapping[str, JSON]
) -> ConsentDraft:
    return ConsentDraft(
        subject=subject,
        purpose=row.purpose,
        channel=row.channel,
        event_type=event_type,
        occurred_at=now,
        method=METHOD,
        idempotency_key=_key(uuid7()),
        presentation=token if event_type is EventType.GIVEN else None,
        evidence=evidence,
    )


def _key(nonce: UUID) -> str:
    """A new key for each click: a second "no" after a "yes" must count again, and equal answers change nothing anyway."""
    return f"privacy_center:{nonce}"
