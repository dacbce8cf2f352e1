"""Publishing and reading templates."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from audit import log
from engine.content import guard, slots
from engine.content.errors import TemplateInvalid, TemplateUnknown
from engine.content.models import TemplateVersion
from engine.content.slots import Pieces
from governance.kernel import canonical
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7

LANGUAGES: Final = ("en", "pl")
_LONGEST_TEXT: Final = 200_000
_LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """A template in one language, as its author wrote it. `html` may be empty: then the message is plain text."""

    language: str
    subject_line: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A published version in one language, cut into pieces."""

    id: UUID
    key: str
    version: int
    language: str
    subject_line: Pieces
    text: Pieces
    html: Pieces | None
    slots: frozenset[str]
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing made: one version number, an id for each language."""

    key: str
    version: int
    ids: dict[str, UUID]


def publish(
    key: str, drafts: Iterable[Draft], *, slots_declared: Iterable[str], reviewed: Iterable[str] = (), actor: Actor
) -> Published:
    """Publish the next version of a template, in every language that it has; nothing changes it afterwards.

    Raises TemplateInvalid (syntax, slots, no link to withdraw, languages) and PersonalDataInTemplate. Publishing what is published
    already returns the newest version unchanged.
    """
    listed, declared, phrases = list(drafts), frozenset(slots_declared), list(reviewed)
    check(listed, declared)
    for draft in listed:
        fields = {"subject_line": draft.subject_line, "text": draft.text, "html": draft.html}
        guard.refuse_personal_data(fields, draft.language, reviewed=phrases)
    digests = {draft.language: _digest(draft) for draft in listed}
    with transaction.atomic():
        _serialise(key)
        latest = TemplateVersion.objects.filter(key=key).aggregate(newest=Max("version"))["newest"] or 0
        current = TemplateVersion.objects.filter(key=key, version=latest)
        if {row.language: row.content_sha256 for row in current} == digests:
            return Published(key, latest, {row.language: row.pk for row in current})
        published = Published(key, latest + 1, {draft.language: uuid7() for draft in listed})
        _write(published, listed, declared, digests, reviewed=len(phrases), actor=actor)
        return published


def get(key: str, version: int, language: str) -> Template:
    """A published version; English when it does not exist in that language. Raises TemplateUnknown."""
    found = {
        row.language: row
        for row in TemplateVersion.objects.filter(key=key, version=version, language__in={language, "en"})
    }
    row = found.get(language) or found.get("en")
    if row is None:
        raise TemplateUnknown("No such version of the template.", template=key, version=version)
    return by_id(row.pk)


def newest(key: str) -> int:
    """The number of the newest version. Raises TemplateUnknown."""
    version: int | None = TemplateVersion.objects.filter(key=key).aggregate(newest=Max("version"))["newest"]
    if version is None:
        raise TemplateUnknown("No such template.", template=key)
    return version


@lru_cache(maxsize=256)
def by_id(template_id: UUID) -> Template:
    """A published version by its id. Cached: a version never changes. Raises TemplateUnknown."""
    row = TemplateVersion.objects.filter(pk=template_id).first()
    if row is None:
        raise TemplateUnknown("No such version of the template.")
    return Template(
        row.pk,
        row.key,
        row.version,
        row.language,
        slots.cut(row.subject_line),
        slots.cut(row.text),
        slots.cut(row.html) if row.html else None,
        frozenset(row.slots),
        row.content_sha256,
    )


def check(drafts: list[Draft], declared: frozenset[str]) -> None:
    """Decide whether these drafts make a version. Pure; raises TemplateInvalid."""
    languages = [draft.language for draft in drafts]
    if "en" not in languages or len(set(languages)) != len(languages) or not set(languages) <= set(LANGUAGES):
        raise TemplateInvalid("A template exists in English, and once in each further language.", languages=languages)
    for draft in drafts:
        if (
            not 0 < len(draft.subject_line) <= _LONGEST_SUBJECT
            or "\n" in draft.subject_line
            or "\r" in draft.subject_line
        ):
            raise TemplateInvalid("A subject is one line of at most 200 characters.")
        if not draft.text.strip() or len(draft.text) > _LONGEST_TEXT or len(draft.html) > _LONGEST_TEXT:
            raise TemplateInvalid("A message has a text; text and HTML have at most 200,000 characters each.")
        line, text = slots.cut(draft.subject_line, "/subject_line"), slots.cut(draft.text, "/text")
        html = slots.cut(draft.html, "/html") if draft.html else None
        if html is not None:
            slots.check_html(html)
        slots.require([line, text, *([html] if html else [])], declared)
        for name, body in (("text", text), ("html", html)):
            if body is not None and slots.UNSUBSCRIBE_URL not in body.names:
                raise TemplateInvalid(
                    f"The {name} has no slot {slots.UNSUBSCRIBE_URL}: withdrawing is as easy as consenting."
                )


def _write(
    published: Published,
    drafts: list[Draft],
    declared: frozenset[str],
    digests: dict[str, str],
    *,
    reviewed: int,
    actor: Actor,
) -> None:
    facts: dict[str, JSON] = {"slots": sorted(declared), "phrases_reviewed": reviewed}
    entry = log.emit(
        "content.template_published",
        actor=actor,
        object=f"template:{published.key}:{published.version}",
        facts=facts | {f"content_sha256_{language}": digest for language, digest in sorted(digests.items())},
    )
    at = now()
    TemplateVersion.objects.bulk_create(
        TemplateVersion(
            id=published.ids[draft.language],
            key=published.key,
            version=published.version,
            language=draft.language,
            subject_line=draft.subject_line,
            text=draft.text,
            html=draft.html,
            slots=sorted(declared),
            content_sha256=digests[draft.language],
            published_at=at,
            published_by=str(actor),
            entry_id=entry,
        )
        for draft in drafts
    )


def _digest(draft: Draft) -> str:
    return canonical.digest(
        {"language": draft.language, "subject_line": draft.subject_line, "text": draft.text, "html": draft.html}
    )


def _serialise(key: str) -> None:
    """One publication of a template at a time, so that versions follow one another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"content.template:{key}"])
