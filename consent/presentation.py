"""What was shown, bound to what was agreed: signed tokens, and what a grant may cite.

A token says which notice versions, for which purposes, in which language and variant, stood on the screen. Whoever consents sends it
back; a grant without it, or with one for another purpose or person, or with one that was used, is refused (Art. 7(1): the controller
shall be able to demonstrate).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from consent import signing
from consent.drafts import ConsentDraft
from consent.errors import InvalidDraft, NoticeSuperseded, PresentationInvalid
from consent.terms import GRANTS, NoticeVersionId
from governance.kernel.crypto import SignatureInvalid
from governance.kernel.ids import SubjectId, uuid7

TYP: Final = "zgoda-presentation+jws"
LIFETIME: Final = timedelta(hours=24)
"""How long a page may stay open before it has to be shown again."""

NOTICES_LOCK: Final = 0x5A67_6F64_6103
"""Recording a grant shares this advisory lock; publishing has it alone, so that none slips in under a notice that was just superseded."""

_CITED: Final = """
    SELECT n.id, n.key, n.version, n.purposes,
           coalesce((SELECT max(m.version) FROM consent_notice_version m WHERE m.key = n.key AND m.material_change), 0)
    FROM consent_notice_version n WHERE n.id = ANY(%s)
"""


_USED: Final = """
    SELECT presentation_jti, subject_id, purpose_key, channel, event_type, idempotency_key
    FROM consent_event WHERE presentation_jti = ANY(%s) ORDER BY received_at
"""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a token says. `subject` is set when the page knew whom it addressed: then nobody else can use it."""

    jti: UUID
    notices: tuple[NoticeVersionId, ...]
    purposes: tuple[str, ...]
    locale: str
    ui_variant: str
    jurisdiction: str
    gpc: bool
    shown_at: datetime
    expires_at: datetime
    subject: SubjectId | None = None

    def token(self) -> str:
        """As a signed compact JWS."""
        payload = {
            "jti": str(self.jti),
            "notices": [str(notice) for notice in self.notices],
            "purposes": list(self.purposes),
            "locale": self.locale,
            "ui_variant": self.ui_variant,
            "jurisdiction": self.jurisdiction,
            "gpc": self.gpc,
            "iat": int(self.shown_at.timestamp()),
            "exp": int(self.expires_at.timestamp()),
        }
        return signing.sign(payload | ({"sub": str(self.subject)} if self.subject else {}), TYP)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an event cites of what was shown."""

    notice_version_id: UUID | None = None
    jti: UUID | None = None


def present(
    notices: Sequence[NoticeVersionId],
    purposes: Sequence[str],
    *,
    locale: str,
    ui_variant: str,
    jurisdiction: str,
    gpc: bool,
    subject: SubjectId | None,
    at: datetime,
) -> Presentation:
    """A new presentation of that moment."""
    start = at.replace(microsecond=0)
    return Presentation(
        uuid7(),
        tuple(notices),
        tuple(purposes),
        locale,
        ui_variant,
        jurisdiction,
        gpc,
        start,
        start + LIFETIME,
        subject,
    )


def read(token: str, at: datetime) -> Presentation:
    """What the token says. Raises PresentationInvalid when it is forged, malformed or expired."""
    try:
        payload = signing.verify(token, TYP)
        subject = payload.get("sub")
        shown = Presentation(
            jti=UUID(payload["jti"]),
            notices=tuple(NoticeVersionId(UUID(notice)) for notice in payload["notices"]),
            purposes=tuple(payload["purposes"]),
            locale=payload["locale"],
            ui_variant=payload["ui_variant"],
            jurisdiction=payload["jurisdiction"],
            gpc=payload["gpc"],
            shown_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            subject=SubjectId(UUID(subject)) if subject else None,
        )
    except (SignatureInvalid, KeyError, ValueError, TypeError) as error:
        raise PresentationInvalid("This token was not made here.") from error
    if at >= shown.expires_at:
        raise PresentationInvalid("The page was open for too long: show it again.")
    return shown


def seen(drafts: Sequence[ConsentDraft], at: datetime) -> list[Seen]:
    """For each draft what it may cite, aligned. One query, and none when no draft grants anything.

    Raises PresentationInvalid, NoticeSuperseded, or InvalidDraft for a notice that does not exist or does not cover the purpose.
    What does not grant is never refused here: it cites its notice if that exists, and nothing otherwise.
    """
    tokens: dict[str, Presentation] = {}
    for draft in drafts:
        if draft.presentation is not None and draft.event_type in GRANTS:
            if draft.presentation not in tokens:
                tokens[draft.presentation] = read(draft.presentation, at)
            _refuse_another(draft, tokens[draft.presentation])
    if tokens:
        _refuse_replayed(
            [draft for draft in drafts if draft.presentation in tokens and draft.event_type in GRANTS], tokens
        )
    wanted = {draft.notice_version_id for draft in drafts} | {one for token in tokens.values() for one in token.notices}
    cited = _cited({one for one in wanted if one is not None})
    return [_seen(place, draft, tokens.get(draft.presentation or ""), cited) for place, draft in enumerate(drafts)]


@dataclass(frozen=True, slots=True)
class _Cited:
    version: int
    purposes: frozenset[str]
    material: int
    """The newest version of the notice that asked everybody again."""


def _refuse_another(draft: ConsentDraft, shown: Presentation) -> None:
    if draft.purpose not in shown.purposes:
        raise PresentationInvalid("The token is for other purposes.", purpose=draft.purpose)
    if shown.subject is not None and shown.subject != draft.subject:
        raise PresentationInvalid("The token was made for somebody else.")
    if draft.notice_version_id is not None and draft.notice_version_id not in shown.notices:
        raise PresentationInvalid("The token is for other notices.")


def _refuse_replayed(drafts: Sequence[ConsentDraft], tokens: Mapping[str, Presentation]) -> None:
    """A page was shown once, to one person, and answers each question once; a retry of the same event is not another answer.

    Raises PresentationInvalid. Two who come with one token at the same time wait for each other.
    """
    used = _used(sorted({shown.jti for shown in tokens.values()}))
    for draft in drafts:
        jti = tokens[draft.presentation or ""].jti
        answer = (draft.purpose, str(draft.channel), str(draft.event_type))
        subject, keys = used.setdefault(jti, (draft.subject, {}))
        if subject != draft.subject:
            raise PresentationInvalid("The token was used by somebody else.")
        if keys.setdefault(answer, draft.idempotency_key) != draft.idempotency_key:
            raise PresentationInvalid("The token was used already: show the page again.", purpose=draft.purpose)


def _used(presentations: Sequence[UUID]) -> dict[UUID, tuple[SubjectId, dict[tuple[str, str, str], str]]]:
    """By whom the presentations were used, and the idempotency key behind each answer."""
    used: dict[UUID, tuple[SubjectId, dict[tuple[str, str, str], str]]] = {}
    with connection.cursor() as cursor:
        for jti in presentations:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(jti.bytes[-8:], "big", signed=True)])
        cursor.execute(_USED, [list(presentations)])
        for jti, subject, purpose, channel, event_type, key in cursor.fetchall():
            used.setdefault(jti, (subject, {}))[1][purpose, channel, event_type] = key
    return used


def _cited(notices: set[UUID]) -> dict[UUID, _Cited]:
    if not notices:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [NOTICES_LOCK])
        cursor.execute(_CITED, [list(notices)])
        return {row[0]: _Cited(row[2], frozenset(row[3]), row[4]) for row in cursor.fetchall()}


_NOTHING: Final = Seen()


def _seen(place: int, draft: ConsentDraft, shown: Presentation | None, cited: dict[UUID, _Cited]) -> Seen:
    if draft.notice_version_id is None and shown is None:
        return _NOTHING
    jti = shown.jti if shown else None
    candidates = [draft.notice_version_id] if draft.notice_version_id else list(shown.notices) if shown else []
    fitting = [one for one in candidates if one in cited and draft.purpose in cited[one].purposes]
    if draft.event_type not in GRANTS:
        return Seen(next((one for one in candidates if one in cited), None), jti)
    if candidates and not fitting:
        pointer = f"/{place}/notice_version_id"
        raise InvalidDraft(
            errors=[{"pointer": pointer, "detail": "No such notice version, or it does not cover the purpose."}]
        )
    if fitting and cited[fitting[0]].version < cited[fitting[0]].material:
        raise NoticeSuperseded("The notice has changed materially: show the current version.", purpose=draft.purpose)
    return Seen(fitting[0] if fitting else None, jti)
