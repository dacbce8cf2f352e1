"""What the log commits to besides its entries, checked against the rows: subject links, decision records, configuration changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auditlog import get_logentry_model
from django.db import connection

from audit.capture import entry_digest
from audit.decision_records.packing import unpack
from audit.decisions import decision_tag, tile_roots_of
from audit.entries import subject_tag
from audit.merkle import HASH_SIZE, leaf_hash, root_of
from audit.rereading.diagnosis import Harm
from audit.rereading.rows import facts_of
from audit.rereading.sweep import Swept
from audit.tombstones import link_tombstone
from governance.kernel.canonical import sha256_hex

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as its log entry says."""

    seq: int | None
    entry_id: UUID | None
    harm: Harm
    detail: str


def flaws(swept: Swept | None = None) -> Iterator[Flaw]:
    """Everything that does not fit, in no particular order. What ``sweep`` has seen to be right is not looked at again."""
    if swept is None:
        yield from _links()
        yield from _missing_links(every_subject=True)
    else:
        yield from _other_links(swept)
    yield from _batches()
    yield from _configuration()


def _links() -> Iterator[Flaw]:
    """A link must lead to the tag that its entry commits to. Where there is none, an erasure must have left its tombstone."""
    yield from _wrong_links("true")


def _other_links(swept: Swept) -> Iterator[Flaw]:
    """The links that no numbered entry's subject accounts for: of actors, of entries without a number, or of none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_subject_link")
        if int(cursor.fetchone()[0]) != swept.links:
            numbered = "EXISTS (SELECT 1 FROM audit_leaf n WHERE n.entry_id = k.entry_id)"
            yield from _wrong_links(f"k.role <> 'subject' OR NOT {numbered}")
    unlinked = bytes(swept.unlinked)
    ids = [UUID(bytes=unlinked[at : at + 16]) for at in range(0, len(unlinked), 16)]
    yield from _without_tombstone((entry_id, "subject", None) for entry_id in ids)
    yield from _missing_links(every_subject=False)


def _wrong_links(which: str) -> Iterator[Flaw]:
    query = f"""
        SELECT k.entry_id, k.role, k.subject_id, k.salt, e.subject_tag, e.actor, l.seq
        FROM audit_subject_link k LEFT JOIN audit_entry e ON e.id = k.entry_id LEFT JOIN audit_leaf l ON l.entry_id = k.entry_id
        WHERE {which}
    """  # noqa: S608  # constants of this module
    for entry_id, role, subject, salt, tag, actor, seq in _rows(query):
        right = None if None in (role, subject, salt) else subject_tag(bytes(salt), role, subject)
        committed = tag if role == "subject" else (actor or "").rpartition("~")[2]
        if committed != right:
            yield Flaw(seq, entry_id, Harm.CHANGED, "its link to a subject is not the one that it commits to")


def _missing_links(*, every_subject: bool) -> Iterator[Flaw]:
    """Entries that commit to a person and have no link. Without ``every_subject``, of those with a number only persons who acted."""
    unlinked = """
        SELECT e.id, '{role}', l.seq FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id
        WHERE {commits} AND NOT EXISTS (SELECT 1 FROM audit_subject_link k WHERE k.entry_id = e.id AND k.role = '{role}')
    """
    waiting = "" if every_subject else " AND EXISTS (SELECT 1 FROM audit_staged s WHERE s.id = e.id)"
    subjects = unlinked.format(role="subject", commits=f"e.subject_tag <> ''{waiting}")
    actors = unlinked.format(role="actor", commits="e.actor LIKE '%:~%'")
    yield from _without_tombstone(_rows(f"{subjects} UNION ALL {actors}"))


def _without_tombstone(missing: Iterable[tuple[Any, ...]]) -> Iterator[Flaw]:
    """Of missing links, as (entry, role, number), those that no erasure took."""
    tombstones: set[bytes] | None = None
    for entry_id, role, seq in missing:
        if tombstones is None:
            tombstones = {bytes(tag or b"") for (tag,) in _rows("SELECT tag FROM audit_erased_link")}
        if entry_id is None or link_tombstone(entry_id, role) not in tombstones:
            number = _number_of(entry_id) if seq is None else seq
            yield Flaw(number, entry_id, Harm.REMOVED, "its link to a subject is gone, and no erasure took it")


def _number_of(entry_id: UUID | None) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM audit_leaf WHERE entry_id = %s", [entry_id])
        row = cursor.fetchone()
        return None if row is None else int(row[0])


def _batches() -> Iterator[Flaw]:
    erased = _erased_positions()
    query = """
        SELECT b.id, b.header, b.count, b.root, b.leaf_hashes, b.tile_roots, b.entry_id, e.header, l.seq,
               abs(extract(epoch FROM b.created_at - e.occurred_at)) < 60,
               b.kind, b.purpose, b.model_version, b.policy_version
        FROM audit_decision_batch b LEFT JOIN audit_entry e ON e.id = b.entry_id LEFT JOIN audit_leaf l ON l.entry_id = b.entry_id
        ORDER BY b.id
    """
    seen = set()
    for batch in _rows(query):
        seen.add(str(batch[0]))
        detail = _batch_flaw(batch) or _decisions_flaw(batch, erased.get(str(batch[0]), set()))
        if detail:
            yield Flaw(batch[8], batch[6], *detail)
    recorded = """
        SELECT e.id, e.object, l.seq FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id
        WHERE e.action = 'decision.batch_recorded'
    """
    for entry_id, batch_object, seq in _rows(recorded):
        if (batch_object or "").partition(":")[2] not in seen:
            yield Flaw(seq, entry_id, Harm.REMOVED, "its batch of decisions is gone")


def _batch_flaw(batch: tuple[Any, ...]) -> tuple[Harm, str] | None:
    batch_id, header, count, root, leaves, tile_roots, _, entry, _, in_time, *columns = batch
    if entry is None:
        return Harm.ADDED, f"the decision batch {batch_id} was never logged"
    changed = Harm.CHANGED, f"the decision batch {batch_id} is not the one that was logged"
    facts = facts_of(entry)
    if None in batch[:6] or facts.get("header_sha256") != sha256_hex(header.encode()):
        return changed
    said = json.loads(header)  # as it was logged
    hashes = bytes(leaves)
    if not in_time or len(hashes) != HASH_SIZE * count:
        return changed
    leaf_row = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    agrees = (
        facts.get("count") == count
        and facts.get("root") == bytes(root).hex() == root_of(leaf_row).hex()
        and bytes(tile_roots) == tile_roots_of(hashes)
        and columns == [said["kind"], said["purpose"], said["model_version"], said["policy_version"]]
    )
    return None if agrees else changed


def _decisions_flaw(batch: tuple[Any, ...], erased: set[int]) -> tuple[Harm, str] | None:
    batch_id, header, count, _, leaves, *_ = batch
    hashes = bytes(leaves)
    query = """
        SELECT id, position, subject_id, salt, verdict_id, consent_event_id, chosen, score, record, sealed_input
        FROM audit_decision WHERE batch_id = %s ORDER BY position
    """
    there = set()
    for row in _rows(query, [batch_id]):
        if any(row[place] is None for place in (1, 2, 3, 6, 7, 8, 9)):
            return Harm.CHANGED, f"a column of the decision {row[0]} was emptied"
        position, record = row[1], bytes(row[8])
        there.add(position)
        if not 0 <= position < count:
            return Harm.ADDED, f"the decision {row[0]} was never logged"
        if leaf_hash(record) != hashes[position * HASH_SIZE : (position + 1) * HASH_SIZE] or not _repeats(row, header):
            return Harm.CHANGED, f"the decision {row[0]} is not the one that was logged"
    missing = set(range(count)) - there - erased
    return (
        (Harm.REMOVED, f"the decision at position {min(missing)} of the batch {batch_id} is gone") if missing else None
    )


def _repeats(row: tuple[Any, ...], header: str) -> bool:
    """Whether the columns beside a record say what the record says and commits to."""
    decision_id, _, subject, salt, verdict, event, chosen, score, record, sealed = row
    said = unpack(bytes(record), header)
    return (
        said.id == decision_id
        and said.chosen == chosen
        and said.score == score
        and said.tag == decision_tag(bytes(salt), subject, verdict, event)
        and said.input_sha256 == hashlib.sha256(bytes(sealed)).digest()
    )


def _erased_positions() -> dict[str, set[int]]:
    """Which decisions of which batches left by an erasure, as the log says."""
    positions: dict[str, set[int]] = {}
    for (header,) in _rows("SELECT header FROM audit_entry WHERE action = 'audit.subject_erased'"):
        decisions = facts_of(header).get("decisions")
        for batch, gone in decisions.items() if isinstance(decisions, dict) else ():
            positions.setdefault(batch, set()).update(gone if isinstance(gone, list) else ())
    return positions


def _configuration() -> Iterator[Flaw]:
    """Every entry of django-auditlog that the log committed to must be there, unchanged."""
    query = """
        SELECT e.id, e.header, l.seq FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id
        WHERE e.action IN ('configuration.created', 'configuration.changed', 'configuration.deleted') ORDER BY e.id
    """
    chunk: list[tuple[UUID, dict[str, Any], int | None]] = []
    for entry_id, header, seq in _rows(query):
        chunk.append((entry_id, facts_of(header), seq))
        if len(chunk) == _CHUNK:
            yield from _configuration_flaws(chunk)
            chunk = []
    yield from _configuration_flaws(chunk)


def _configuration_flaws(chunk: list[tuple[UUID, dict[str, Any], int | None]]) -> Iterator[Flaw]:
    model = get_logentry_model()
    numbers = [number for _, facts, _ in chunk if isinstance(number := facts.get("auditlog_entry"), int)]
    kept = model.objects.select_related("content_type").in_bulk(numbers)
    for entry_id, facts, seq in chunk:
        row = kept.get(facts.get("auditlog_entry"))
        if row is None:
            yield Flaw(seq, entry_id, Harm.REMOVED, "its entry of django-auditlog is gone")
        elif None in (row.content_type, row.timestamp) or entry_digest(row) != facts.get("sha256"):
            yield Flaw(seq, entry_id, Harm.CHANGED, "its entry of django-auditlog is not the one that was logged")


def _rows(query: str, parameters: list[Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows of a query through a cursor of the server, so that no table has to fit into memory."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows
