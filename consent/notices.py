"""Notices: what people are told before they agree (Art. 12 to 14), by version and language, never changed once published.

`publish` refuses a text that does not say what Art. 13 asks for. A material change supersedes the consents that were given under
earlier versions, in the same transaction: those people are asked again before anything is processed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from audit import log
from consent import ledger, presentation
from consent.drafts import ConsentDraft
from consent.errors import NoticeIncomplete, UnknownNotice
from consent.models import NoticeVersion
from consent.notice_text import FIELDS, LANGUAGES, LISTS, NoticeText, doubts, lint
from consent.terms import EventType, NoticeVersionId, State
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7
from governance.purposes.register import newest_book

__all__ = [
    "LANGUAGES",
    "Notice",
    "NoticeText",
    "current",
    "doubts",
    "for_purpose",
    "lint",
    "publish",
    "shown",
    "version",
]


@dataclass(frozen=True, slots=True)
class Notice:
    """A published notice version."""

    id: NoticeVersionId
    key: str
    version: int
    language: str
    ui_variant: str
    purposes: tuple[str, ...]
    text: NoticeText
    content_sha256: str
    material_change: bool
    published_at: datetime


def publish(
    key: str,
    language: str,
    *,
    title: str,
    body: str,
    purposes: Sequence[str],
    recipients: Sequence[str],
    retention: str,
    rights: str,
    withdrawal: str = "",
    complaint: str,
    data_categories: Sequence[str] = (),
    controller: str = "",
    controller_contact: str = "",
    dpo_contact: str = "",
    legitimate_interests: str = "",
    transfers: str = "",
    obligation: str = "",
    automated_decisions: str = "",
    source: str = "",
    ui_variant: str = "default",
    material_change: bool = False,
    actor: Actor = SYSTEM,
) -> NoticeVersionId:
    """Publish the next version of the notice in a language; the same words again are the same version. Empty controller and contacts
    mean those of this service. Raises NoticeIncomplete with the points of Art. 13 and 14 that are missing, UnknownPurpose."""
    text = worded(
        title=title,
        body=body,
        controller=controller,
        controller_contact=controller_contact,
        dpo_contact=dpo_contact,
        legitimate_interests=legitimate_interests,
        recipients=tuple(recipients),
        transfers=transfers,
        data_categories=tuple(data_categories),
        retention=retention,
        rights=rights,
        withdrawal=withdrawal,
        complaint=complaint,
        obligation=obligation,
        automated_decisions=automated_decisions,
        source=source,
    )
    at = now()
    book = newest_book()
    missing = lint(text, language, [book.current(purpose, at) for purpose in purposes])
    if missing:
        raise NoticeIncomplete(errors=[{"pointer": f"/{field}", "detail": detail} for field, detail in missing])
    content = _content(text)
    with transaction.atomic():
        _alone()
        newest = NoticeVersion.objects.filter(key=key, language=language).order_by("-version").first()
        if newest is not None and (newest.content, newest.purposes, newest.ui_variant) == (
            content,
            sorted(purposes),
            ui_variant,
        ):
            return NoticeVersionId(newest.id)
        row = _write(
            key,
            language,
            number=1 if newest is None else newest.version + 1,
            content=content,
            purposes=sorted(purposes),
            ui_variant=ui_variant,
            material=material_change,
            actor=actor,
        )
        if material_change:
            _supersede(row, actor)
    return NoticeVersionId(row.id)


def worded(**words: Any) -> NoticeText:
    """The words of a notice as `publish` takes them: what is not said about the controller is what this service says of itself."""
    said: dict[str, Any] = {name: () if name in LISTS else "" for name in FIELDS} | words
    return NoticeText(
        **said
        | {
            "controller": said["controller"] or settings.ZGODA_CONTROLLER,
            "controller_contact": said["controller_contact"] or settings.ZGODA_PUBLIC_URL,
            "dpo_contact": said["dpo_contact"] or settings.ZGODA_DPO_CONTACT,
        }
    )


def current(key: str, language: str) -> Notice:
    """The newest version of the notice in that language. Raises UnknownNotice."""
    row = NoticeVersion.objects.filter(key=key, language=language).order_by("-version").first()
    if row is None:
        raise UnknownNotice
    return _frozen(row)


def for_purpose(purpose: str, language: str) -> Notice:
    """The notice published last in that language that covers the purpose. Raises UnknownNotice."""
    row = (
        NoticeVersion.objects.filter(purposes__contains=[purpose], language=language).order_by("-published_at").first()
    )
    if row is None:
        raise UnknownNotice
    return _frozen(row)


def version(notice: NoticeVersionId | UUID) -> Notice:
    """One version as it was shown. Raises UnknownNotice."""
    row = NoticeVersion.objects.filter(id=notice).first()
    if row is None:
        raise UnknownNotice
    return _frozen(row)


def versions(key: str, language: str) -> list[Notice]:
    """Every version of a notice in a language, newest first; none when there is no such notice."""
    return [_frozen(row) for row in NoticeVersion.objects.filter(key=key, language=language).order_by("-version")]


def all_current(language: str) -> list[Notice]:
    """The newest version of every notice in that language, in order of key."""
    rows = NoticeVersion.objects.filter(language=language).order_by("key", "-version").distinct("key")
    return [_frozen(row) for row in rows]


def shown(
    notices: Sequence[NoticeVersionId],
    *,
    subject: SubjectId | None = None,
    purposes: Sequence[str] | None = None,
    ui_variant: str = "default",
    jurisdiction: str = "EU",
    gpc: bool = False,
) -> str:
    """The signed token that binds what stands on the screen to what is agreed: put it into the form, send it with the consent.

    It covers the purposes of the notices unless `purposes` names fewer; with `subject`, nobody else can use it. Raises UnknownNotice.
    """
    rows = {row.id: row for row in NoticeVersion.objects.filter(id__in=notices)}
    if not notices or set(rows) != set(notices):
        raise UnknownNotice
    covered = {purpose for row in rows.values() for purpose in row.purposes}
    return presentation.present(
        list(notices),
        sorted(covered if purposes is None else covered & set(purposes)),
        locale=rows[notices[0]].language,
        ui_variant=ui_variant,
        jurisdiction=jurisdiction,
        gpc=gpc,
        subject=subject,
        at=now(),
    ).token()


def _alone() -> None:
    """Publishing is done by one at a time, and nobody records a grant meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [presentation.NOTICES_LOCK])


def _write(
    key: str,
    language: str,
    *,
    number: int,
    content: dict[str, JSON],
    purposes: list[str],
    ui_variant: str,
    material: bool,
    actor: Actor,
) -> NoticeVersion:
    says = {
        "key": key,
        "language": language,
        "version": number,
        "purposes": purposes,
        "ui_variant": ui_variant,
        "text": content,
    }
    sha256 = digest(says)
    identifier = uuid7()
    entry = log.emit(
        "consent.notice_published",
        actor=actor,
        object=f"notice_version:{identifier}",
        facts={
            "key": key,
            "language": language,
            "version": number,
            "content_sha256": sha256,
            "material_change": material,
        },
    )
    return NoticeVersion.objects.create(
        id=identifier,
        key=key,
        version=number,
        language=language,
        ui_variant=ui_variant,
        purposes=purposes,
        title=str(content["title"]),
        content=content,
        content_sha256=sha256,
        material_change=material,
        published_at=now(),
        published_by=str(actor),
        entry_id=entry,
    )


# Whose consent rests on an earlier version of this notice: theirs are the states to supersede.
_OUTDATED: Final = """
    SELECT s.subject_id, s.purpose_key, s.channel FROM consent_state s JOIN consent_notice_version n ON n.id = s.notice_version_id
    WHERE n.key = %s AND n.version < %s AND s.status = ANY(%s) ORDER BY s.subject_id
"""


def _supersede(notice: NoticeVersion, actor: Actor) -> None:
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, [notice.key, notice.version, [State.GIVEN.value, State.PENDING_CONFIRMATION.value]])
        outdated = cursor.fetchall()
    ledger.record(
        [
            ConsentDraft(
                subject=SubjectId(subject),
                purpose=purpose,
                channel=channel,
                event_type=EventType.SUPERSEDED,
                occurred_at=at,
                method="notice_change",
                idempotency_key=f"superseded:{notice.id}:{subject}:{purpose}:{channel}",
                notice_version_id=NoticeVersionId(notice.id),
            )
            for subject, purpose, channel in outdated
        ],
        actor=actor,
    )


def _content(text: NoticeText) -> dict[str, JSON]:
    """As it is stored and digested. A source that is not said is left out, as in notices from before there was the field."""
    content: dict[str, JSON] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(text).items()
    }
    if not text.source:
        del content["source"]
    return content


def _frozen(row: NoticeVersion) -> Notice:
    content: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.content.items()
    }
    return Notice(
        id=NoticeVersionId(row.id),
        key=row.key,
        version=row.version,
        language=row.language,
        ui_variant=row.ui_variant,
        purposes=tuple(row.purposes),
        text=NoticeText(**content),
        content_sha256=row.content_sha256,
        material_change=row.material_change,
        published_at=row.published_at,
    )
