"""An event to be recorded, and the pure decision whether it may be. No database here.

Withdrawals, objections and restrictions pass with a bare minimum: a known purpose (or ANY) and channel. What would permit processing
has to show what the person saw.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Final
from uuid import UUID

from consent.errors import InvalidDraft, PresentationRequired
from consent.jurisdictions import rule_of
from consent.terms import (
    ABOUT_MARKETING,
    ANY,
    BROAD,
    GRANTS,
    MARKETING,
    NOT_BY_IMPORT,
    OPENINGS,
    Channel,
    EventType,
    NoticeVersionId,
)
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId
from governance.purposes.terms import LegalBasis, PurposeVersion

MAX_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours a caller's clock may be. The instant of a grant beyond it is refused; of anything else it is cut to now."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_METHOD = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EVENTS = frozenset(EventType)
_CHANNELS = frozenset(Channel)
_IN_PERSON = frozenset({ActorKind.SUBJECT, ActorKind.GUARDIAN})
_READING = frozenset({EventType.REAFFIRMED, EventType.CONFIRMED})


@dataclass(frozen=True, slots=True)
class ConsentDraft:
    """An event as the caller saw it.

    `occurred_at` is when the person acted; `method` a short name of how (`web_form`, `phone_call`); `evidence` JSON that shows it, which
    is sealed under the subject's key; `presentation` the token of `notices.shown`, which also names the notice; `source_sha256` the
    digest of the document that an import comes from; `age` the years that somebody said they have, which decides (Art. 8) and is not
    kept; `of_age_on` the day from which a child whose guardian consents will do so itself, which ends that consent and is not kept
    either. `idempotency_key` is the caller's: the same key is the same event.
    """

    subject: SubjectId
    purpose: str
    channel: Channel | str
    event_type: EventType | str
    occurred_at: datetime
    method: str
    idempotency_key: str
    notice_version_id: NoticeVersionId | UUID | None = None
    valid_until: datetime | None = None
    jurisdiction: str = "EU"
    evidence: Mapping[str, JSON] | None = field(default=None, repr=False)
    presentation: str | None = field(default=None, repr=False)
    parent_event_id: UUID | None = None
    source_sha256: str = ""
    age: int | None = field(default=None, repr=False)
    of_age_on: date | None = field(default=None, repr=False)


Wrong = tuple[str, str]


_ALIKE: Final = attrgetter(
    "purpose", "channel", "event_type", "method", "jurisdiction", "notice_version_id", "valid_until", "presentation",
    "parent_event_id", "source_sha256", "age", "of_age_on",
)  # fmt: skip


def alike(drafts: Sequence[ConsentDraft]) -> list[int]:
    """For each draft the place of the first that says the same but for who, when, evidence and key: what has to be decided once."""
    first: dict[object, int] = {}
    return [first.setdefault(_ALIKE(draft), place) for place, draft in enumerate(drafts)]


def refuse_malformed(
    drafts: Sequence[ConsentDraft],
    actor: Actor,
    purposes: Mapping[str, PurposeVersion],
    now: datetime,
    firsts: Sequence[int] | None = None,
) -> None:
    """Raises InvalidDraft with a pointer for everything that is wrong in any draft, PresentationRequired when a person's own grant
    comes without what they were shown. `purposes` has every key that a draft names, except ANY; `firsts` is what `alike` says."""
    places = alike(drafts) if firsts is None else firsts
    latest = now + MAX_SKEW
    sound = all(
        draft.occurred_at.tzinfo is not None and draft.occurred_at <= latest and _KEY.fullmatch(draft.idempotency_key)
        for draft in drafts
    )
    wrong: list[JSON] = []
    for place in sorted(set(places)) if sound else range(len(drafts)):
        draft = drafts[place]
        for name, detail in faults(draft, actor, purposes.get(draft.purpose), now):
            wrong.append({"pointer": f"/{place}/{name}", "detail": detail})  # reads better
    if wrong:
        raise InvalidDraft(errors=wrong[:100])
    for place in sorted(set(places)):
        draft = drafts[place]
        if (
            actor.kind in _IN_PERSON
            and draft.event_type in (EventType.GIVEN, EventType.REAFFIRMED)
            and draft.presentation is None
        ):
            raise PresentationRequired(
                "Send the token that notices.shown() made for what the person saw.",
                errors=[{"pointer": f"/{place}/presentation", "detail": "Missing."}],
            )


def faults(draft: ConsentDraft, actor: Actor, purpose: PurposeVersion | None, now: datetime) -> list[Wrong]:
    """Everything that is wrong with one draft, as (field, what is wrong with it)."""
    return [
        *_form(draft, actor),
        *_broadness(draft),
        *_grant(draft, purpose, now),
        *_import(draft, actor),
        *_age(draft, actor, now),
    ]


def _form(draft: ConsentDraft, actor: Actor) -> list[Wrong]:
    wrong: list[Wrong] = []
    if not actor.id:
        wrong.append(("actor", "Every event names who acted."))
    if draft.event_type not in _EVENTS:
        wrong.append(("event_type", f"One of: {', '.join(EventType)}."))
    if draft.channel != ANY and draft.channel not in _CHANNELS:
        wrong.append(("channel", f"One of: {', '.join(Channel)}."))
    if draft.occurred_at.tzinfo is None:
        wrong.append(("occurred_at", "An instant with its offset from UTC."))
    if not _KEY.fullmatch(draft.idempotency_key):
        wrong.append(("idempotency_key", "1 to 128 letters, digits and . _ : / -, nothing personal."))
    if not _METHOD.fullmatch(draft.method):
        wrong.append(("method", "A short name in lower case, such as web_form."))
    if not _JURISDICTION.fullmatch(draft.jurisdiction):
        wrong.append(("jurisdiction", "EU, a country (ISO 3166-1) or a part of one, such as US-CA (ISO 3166-2)."))
    if draft.source_sha256 and not _SHA256.fullmatch(draft.source_sha256):
        wrong.append(("source_sha256", "64 hexadecimal digits."))
    return wrong


_OF_MARKETING: Final = (
    "All marketing, over every channel, is objected to, or that is lifted; anything else is about one purpose."
)


def _broadness(draft: ConsentDraft) -> list[Wrong]:
    if draft.purpose == MARKETING:
        return [] if draft.event_type in ABOUT_MARKETING and draft.channel == ANY else [("purpose", _OF_MARKETING)]
    if draft.event_type in BROAD:
        return []
    detail = "Only what restricts may be about any; this event is about one (Art. 4(11): specific)."
    return [(name, detail) for name in ("purpose", "channel") if getattr(draft, name) == ANY]


def _grant(draft: ConsentDraft, purpose: PurposeVersion | None, now: datetime) -> list[Wrong]:
    if draft.event_type not in GRANTS or purpose is None:
        return []
    wrong: list[Wrong] = []
    if purpose.legal_basis is not LegalBasis.CONSENT:
        wrong.append(("purpose", f"It rests on {purpose.legal_basis.article}: there is nothing to consent to."))
    if draft.channel not in purpose.channels:
        wrong.append(("channel", "The purpose does not use this channel."))
    if draft.occurred_at.tzinfo is not None and draft.occurred_at > now + MAX_SKEW:
        wrong.append(("occurred_at", "In the future."))
    if draft.valid_until is not None and draft.valid_until.tzinfo is None:
        wrong.append(("valid_until", "An instant with its offset from UTC."))
    saw_nothing = draft.notice_version_id is None and draft.presentation is None
    if draft.event_type in (EventType.GIVEN, EventType.REAFFIRMED) and saw_nothing:
        wrong.append(("notice_version_id", "A consent is informed: say which notice the person saw (Art. 7(1))."))
    return wrong


def _import(draft: ConsentDraft, actor: Actor) -> list[Wrong]:
    wrong: list[Wrong] = []
    if actor.kind is ActorKind.IMPORT and draft.event_type in NOT_BY_IMPORT:
        wrong.append(
            ("event_type", "A file cannot say this for a person; record a consent from elsewhere as `imported`.")
        )
    if draft.event_type == EventType.IMPORTED and not draft.source_sha256:
        wrong.append(("source_sha256", "Name the document that it comes from by its digest."))
    return wrong


def _age(draft: ConsentDraft, actor: Actor, now: datetime) -> list[Wrong]:
    """A child's own consent does not count; a guardian gives it, until the child is of age (Art. 8(1)). Withdrawing has no age."""
    if draft.event_type not in GRANTS:
        return []
    if actor.kind is ActorKind.GUARDIAN:
        if draft.of_age_on is None:
            return [("of_age_on", "From which day on will the child consent for itself (Art. 8(1))?")]
        if _starts(draft.of_age_on) <= now:
            return [("of_age_on", "By now the person is of age and consents for themselves.")]
        return []
    least = rule_of(draft.jurisdiction).age
    if actor.kind is not ActorKind.SUBJECT or draft.age is None or draft.age >= least:
        return []
    return [("age", f"Under {least} there, the holder of parental responsibility consents (Art. 8(1)).")]


def _starts(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def instant(draft: ConsentDraft, received_at: datetime) -> datetime:
    """When it happened, never after it was received: a clock that runs ahead must not outlive a withdrawal."""
    return min(draft.occurred_at, received_at)


def validity(
    draft: ConsentDraft, purpose: PurposeVersion | None, occurred_at: datetime, inherited: datetime | None = None
) -> datetime | None:
    """Until when a grant holds: what the caller says, at most what the purpose said when it happened, what the consent that it
    confirms says (`inherited`), and until the child that a guardian consents for is of age."""
    if draft.event_type not in GRANTS or purpose is None:
        return None
    of_age = None if draft.of_age_on is None else _starts(draft.of_age_on)
    limits = (draft.valid_until, purpose.valid_until(occurred_at), inherited, of_age)
    return min((limit for limit in limits if limit is not None), default=None)


def needs_confirmation(draft: ConsentDraft, *versions: PurposeVersion | None) -> bool:
    """Whether the grant waits for a confirmation: when the purpose asks for double opt-in now, or did when it happened."""
    return draft.event_type in OPENINGS and any(version is not None and version.double_opt_in for version in versions)


def waves(drafts: Sequence[ConsentDraft]) -> list[range]:
    """Cut a batch so that what must know the state (a renewal, a confirmation) is never in one wave with earlier events of its subject."""
    if not any(draft.event_type in _READING for draft in drafts):
        return [range(len(drafts))]
    cuts = [0]
    seen: set[SubjectId] = set()
    for place, draft in enumerate(drafts):
        if draft.event_type in _READING and draft.subject in seen:
            cuts.append(place)
            seen = set()
        seen.add(draft.subject)
    return [range(start, end) for start, end in zip(cuts, [*cuts[1:], len(drafts)], strict=True)]
