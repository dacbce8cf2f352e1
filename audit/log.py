"""Writing entries: in the transaction of the change that they record, in one statement, without waiting for anybody.

    with transaction.atomic():
        ...change...
        log.emit("consent.withdrawn", actor=actor, object=f"consent_event:{event}", subject=subject, purpose=purpose)

An entry has no number when it is written; ``audit.sequencer`` numbers what is committed. So writers never queue for a chain's head.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import encoding, keys, writers
from audit.entries import SALT_BYTES, Draft, Entry, Link, commit
from audit.errors import NotInTransaction
from audit.staging import LINK, STAGE
from audit.tombstones import erased_among, link_tombstone, tombstone
from governance.kernel import clock, prepared
from governance.kernel.actors import Actor
from governance.kernel.copy import copy_encoded, copy_rows
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

__all__ = ["Draft", "emit", "emit_many"]

_LARGE = 512


def emit(
    action: str,
    *,
    actor: Actor,
    object: str = "",
    subject: SubjectId | None = None,
    purpose: str | None = None,
    facts: Mapping[str, JSON] | None = None,
) -> UUID:
    """Record one fact, in one statement. Returns the entry's id.

    ``facts`` holds ids, counts, versions and digests, never personal data. Raises ``NotInTransaction`` outside
    ``transaction.atomic``, ``EntryNotAllowed`` for what the log does not take, ``SubjectInEntry`` when the subject's id stands in
    actor, object or facts.
    """
    here = _in_transaction()
    draft = Draft(action, actor, object, subject, purpose, facts or {})
    salts = (os.urandom(SALT_BYTES), os.urandom(SALT_BYTES))
    group = writers.transaction_group(here)
    entry = commit(draft, entry_id=uuid7(), occurred_at=clock.now(), transaction_id=group, salts=salts)
    writer, number = writers.take(here, 1)
    calls = [STAGE]
    values: list[Any] = [*entry[:-1], writer, number, staged_mac(entry.id, entry.leaf_hash, writer, number)]
    for link in entry.links:
        calls.append(LINK)
        values += (entry.id, *link, tombstone(link.subject), link_tombstone(entry.id, link.role))
    prepared.execute(f"SELECT {', '.join(calls)}", values)
    return entry.id


def emit_many(drafts: Sequence[Draft]) -> list[UUID]:
    """Record many facts of one transaction with COPY. Returns the ids in order. Raises as ``emit``; then none of them is recorded."""
    if not drafts:
        return []
    here = _in_transaction()
    # PostgreSQL stores the first entries while the last ones are made; one that is refused on the way takes them all back.
    block: AbstractContextManager[object] = nullcontext()
    made: Iterator[Entry] | list[Entry] = _made(drafts, writers.transaction_group(here))
    if len(drafts) >= _LARGE:
        block = transaction.atomic()
    else:
        made = list(made)
    entries: list[Entry] = []
    with block:
        copy_encoded("audit_entry", encoding.ENTRY, encoding.entry_rows(_kept(made, entries)))
        writer, first = writers.take(here, len(entries))
        copy_encoded("audit_pending", encoding.PENDING, encoding.pending_rows(entries, writer, first))
        links = [(entry.id, link) for entry in entries for link in entry.links]
        if links:
            _link(links)
    return [entry.id for entry in entries]


def staged_mac(entry_id: UUID, leaf_hash: bytes, writer: UUID, number: int) -> bytes:
    """The tag that tells a staged row of ours, at its place in its writer's count, from one that somebody slipped into the database."""
    return keys.staged()(entry_id.bytes + leaf_hash + writer.bytes + number.to_bytes(8, "big"))


def _made(drafts: Sequence[Draft], group: UUID) -> Iterator[Entry]:
    at = clock.now()
    salts = os.urandom(2 * SALT_BYTES * len(drafts))
    for place, (draft, entry_id) in enumerate(zip(drafts, uuid7_many(len(drafts)), strict=True)):
        start = 2 * SALT_BYTES * place
        own = (salts[start : start + SALT_BYTES], salts[start + SALT_BYTES : start + 2 * SALT_BYTES])
        yield commit(draft, entry_id=entry_id, occurred_at=at, transaction_id=group, salts=own)


def _kept(made: Iterator[Entry] | list[Entry], into: list[Entry]) -> Iterator[Entry]:
    for entry in made:
        into.append(entry)
        yield entry


def _link(links: Sequence[tuple[UUID, Link]]) -> None:
    """Link entries to their subjects; where the subject was erased, leave a tombstone of the link instead."""
    erased = erased_among({link.subject for _, link in links})
    kept = links
    if erased:
        kept = [(entry_id, link) for entry_id, link in links if link.subject not in erased]
        gone = ((link_tombstone(entry_id, link.role),) for entry_id, link in links if link.subject in erased)
        copy_rows("audit_erased_link", ("tag",), gone, ("bytea",))
    copy_encoded("audit_subject_link", encoding.LINK, encoding.link_rows(kept))


def _in_transaction() -> BaseDatabaseWrapper:
    here = writers.here()
    if not here.in_atomic_block:
        raise NotInTransaction("Emit inside transaction.atomic, with the change that the entry records.")
    return here
