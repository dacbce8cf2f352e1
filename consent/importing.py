"""Consents from elsewhere, by the hundred thousand: a CSV or JSON Lines file, tried first, repeated safely, its mistakes by row.

A file cannot consent for anybody: what it calls a consent becomes an `imported` event with the digest of the file, which does not permit
where the purpose asks for double opt-in. Withdrawals, refusals and objections are taken at their word. The same fact is the same
event, in whatever file and however often it comes, so a run that was cut short is simply started again.

Columns: `customer_id` or `subject` (sub_…); `purpose`, `channel` (or `*` for what restricts); `event`; `occurred_at` (ISO 8601 with
offset); optionally `valid_until`, `jurisdiction`, `method`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

from django.db import transaction

from audit import log
from consent import drafts, ledger
from consent.drafts import ConsentDraft
from consent.errors import FileUnreadable
from consent.events import heads, rows
from consent.terms import GRANTS, WIDE, EventType
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId, from_opaque, uuid7
from governance.kernel.progress import Progress, no_progress
from governance.purposes.errors import UnknownPurpose
from governance.purposes.register import newest_book
from pseudonymize import vault

CHUNK: Final = 5_000
_BLOCK: Final = 1 << 20
_FIELDS: Final = frozenset(
    {"customer_id", "subject", "purpose", "channel", "event", "occurred_at", "valid_until", "jurisdiction", "method"}
)
_NEEDED: Final = ("purpose", "channel", "event", "occurred_at")
_NOBODY: Final = SubjectId(UUID(int=0))
_CONSENTS: Final = frozenset({EventType.GIVEN, EventType.CONFIRMED, EventType.REAFFIRMED})

Line = tuple[int, Mapping[str, Any]]
Refusal = tuple[int, str, str]
"""Row number (the first is 1), field, and why: never a value of the row."""


@dataclass(slots=True)
class Report:
    """What a run did, or would do. `refused` holds rows, fields and reasons."""

    source_sha256: str
    dry_run: bool
    rows: int = 0
    recorded: int = 0
    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)


def run(path: Path, *, actor: Actor, dry_run: bool = False, progress: Progress = no_progress) -> Report:
    """Import a file (`.csv`, or JSON Lines by any other name), in chunks of a transaction each.

    Raises OSError and FileUnreadable for a file that cannot be read, before anything of it is taken; what is wrong with rows is in
    the report.
    """
    source_sha256 = _digest(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = _csv(file) if path.suffix.lower() == ".csv" else _json_lines(file)
        return take(lines, source_sha256=source_sha256, actor=actor, dry_run=dry_run, progress=progress)


def take(
    lines: Iterable[Line], *, source_sha256: str, actor: Actor, dry_run: bool = False, progress: Progress = no_progress
) -> Report:
    """Import rows as they come. `actor` started it; in the ledger the file itself acts (`import:<digest>`)."""
    report = Report(source_sha256, dry_run)
    source = Actor(ActorKind.IMPORT, f"sha256-{source_sha256[:32]}")
    remaining = iter(lines)
    while chunk := list(islice(remaining, CHUNK)):
        report.rows += len(chunk)
        _chunk(chunk, report, source)
        progress(report.rows, 0)
    with transaction.atomic():
        log.emit(
            "consent.import_tried" if dry_run else "consent.imported_file",
            actor=actor,
            object=f"consent_import:{uuid7()}",
            facts={
                "source_sha256": source_sha256,
                "rows": report.rows,
                "recorded": report.recorded,
                "duplicates": report.duplicates,
                "refused": len(report.refused),
            },
        )
    return report


def write_refused(report: Report, out: TextIO) -> None:
    """The error file: row number, field and reason, nothing of the rows themselves."""
    writer = csv.writer(out)
    writer.writerow(("row", "field", "reason"))
    writer.writerows(report.refused)


def _digest(path: Path) -> str:
    """The digest of a file that is text throughout: names in another encoding would be other people's."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as raw:
            while block := raw.read(_BLOCK):
                digest.update(block)
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:  # its text would quote the file
        raise FileUnreadable("The file is not text in UTF-8. Save it so, and try again.") from None
    return digest.hexdigest()


def _csv(file: Iterable[str]) -> Iterator[Line]:
    reader = csv.DictReader(file)
    columns = reader.fieldnames or ()
    if len(set(columns)) < len(columns):
        raise FileUnreadable("The first line names a column twice: nobody can say which of the two is meant.")
    for number, row in enumerate(reader, 1):
        yield number, {name: value for name, value in row.items() if value not in (None, "")}


def _json_lines(file: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate((text for text in file if text.strip()), 1):
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        yield number, said if isinstance(said, dict) else {}


def _chunk(chunk: Sequence[Line], report: Report, source: Actor) -> None:
    sound: list[Line] = []
    for number, row in chunk:
        wrong = _faults_of_row(row)
        report.refused += [(number, name, why) for name, why in wrong]
        if not wrong:
            sound.append((number, row))
    named = _people(sound)
    made: list[tuple[int, ConsentDraft]] = []
    for (number, row), subject in zip(sound, named, strict=True):
        if subject is None:
            report.refused.append(
                (number, "customer_id" if "customer_id" in row else "subject", "Nobody of this name.")
            )
        else:
            made.append((number, _draft(row, subject, report.source_sha256)))
    made = list(_decided(made, report, source))
    if report.dry_run:
        taken = rows.keyed([draft.idempotency_key for _, draft in made])
        fresh = {draft.idempotency_key for _, draft in made} - set(taken)
        report.recorded += len(fresh)
        report.duplicates += len(made) - len(fresh)
        return
    results = ledger.record([draft for _, draft in made], actor=source)
    report.duplicates += sum(result.duplicate for result in results)
    report.recorded += sum(not result.duplicate for result in results)


def _faults_of_row(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not row:
        return [("row", "Not an object with fields.")]
    wrong = [(name, "Missing.") for name in _NEEDED if not isinstance(row.get(name), str)]
    wrong += [("row", "A field that no import has.") for name in row if name not in _FIELDS]
    if ("customer_id" in row) == ("subject" in row):
        wrong.append(("subject", "Either subject or customer_id."))
    for name in ("occurred_at", "valid_until"):
        if name in row and _instant(row[name]) is None:
            wrong.append((name, "An instant with its offset, such as 2026-03-01T12:00:00+01:00."))
    if row.get("event") not in set(EventType):
        wrong.append(("event", f"One of: {', '.join(EventType)}."))
    return wrong


def _instant(text: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _people(lines: Sequence[Line]) -> list[SubjectId | None]:
    """Whom each row names; customer numbers in one query."""
    numbers = [str(row.get("customer_id", "")) for _, row in lines]
    asked = sorted({number for number in numbers if number})
    found = dict(zip(asked, vault.resolve(vault.IdentifierKind.CUSTOMER_ID, asked), strict=True)) if asked else {}
    return [found[number] if number else _subject(row) for (_, row), number in zip(lines, numbers, strict=True)]


def _subject(row: Mapping[str, Any]) -> SubjectId | None:
    try:
        return SubjectId(from_opaque("sub", str(row["subject"])))
    except GovernanceError:
        return None


def _draft(row: Mapping[str, Any], subject: SubjectId, source_sha256: str) -> ConsentDraft:
    event = EventType(row["event"])
    occurred = _instant(row["occurred_at"])
    until = _instant(row["valid_until"]) if "valid_until" in row else None
    fact = (
        subject,
        row["purpose"],
        row["channel"],
        event,
        occurred.isoformat() if occurred else "",
        until and until.isoformat(),
    )
    return ConsentDraft(
        subject=subject,
        purpose=row["purpose"],
        channel=row["channel"],
        event_type=EventType.IMPORTED if event in _CONSENTS else event,
        occurred_at=occurred or now(),
        method=str(row.get("method", "import")),
        idempotency_key=f"import:{hashlib.sha256(repr(fact).encode()).hexdigest()[:48]}",
        valid_until=until,
        jurisdiction=str(row.get("jurisdiction", "EU")),
        source_sha256=source_sha256,
    )


def _decided(
    made: Sequence[tuple[int, ConsentDraft]], report: Report, source: Actor
) -> Iterator[tuple[int, ConsentDraft]]:
    """The rows that the ledger will take; what is wrong with the others goes into the report, each alike only once."""
    at, book = now(), newest_book()
    granting = {draft.subject for _, draft in made if draft.event_type in GRANTS}
    erased = heads.erased_among(granting) if granting else frozenset()
    judged: dict[object, list[tuple[str, str]]] = {}
    firsts = drafts.alike([draft for _, draft in made])
    for place, (number, draft) in enumerate(made):
        key = (firsts[place], draft.occurred_at > at)
        if key not in judged:
            judged[key] = _faults(draft, source, book, at)
        wrong = judged[key]
        if draft.subject in erased and draft.event_type in GRANTS:
            wrong = [*wrong, ("subject", "The person was erased (Art. 17).")]
        if wrong:
            report.refused += [(number, name, why) for name, why in wrong]
        else:
            yield number, draft


def _faults(draft: ConsentDraft, source: Actor, book: Any, at: datetime) -> list[tuple[str, str]]:
    try:
        purpose = None if draft.purpose in WIDE else book.current(draft.purpose, at)
    except UnknownPurpose:
        return [("purpose", "No such purpose is in force.")]
    return drafts.faults(replace(draft, subject=_NOBODY), source, purpose, at)
