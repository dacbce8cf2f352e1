"""Writing entries: in the transaction of the change that they record, in one statement, without waiting for anybody.

    with transaction.atomic():
        ...change...
        log.emit("consent.withdrawn", actor=actor, object=f"consent_event:{event}", subject=subject, purpose=purpose)

An entry has no number when it is written; ``audit.sequencer`` numbers what is committed. So writers never queue for a chain's head.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import encoding, keys, writers
from audit.entries import SALT_BYTES, Draft, Entry, Moment
from audit.errors import NotInTransaction
from audit.staging import LINK, STAGED, insertion
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
    random = os.urandom(2 * SALT_BYTES)
    salts = (random[:SALT_BYTES], random[SALT_BYTES:])
    group = writers.transaction_group(here)
    entry = Moment(clock.now(), group).commit(draft, uuid7(), salts)
    writer, number = writers.take(here, 1)
    values: list[Any] = [*entry[:-1], writer, number, staged_mac(entry.id, entry.leaf_hash, writer, number)]
    for link in entry.links:
        values += (*link, tombstone(link.subject), link_tombstone(entry.id, link.role))
    prepared.execute(insertion(len(entry.links), captured=action.startswith("configuration.")), values)
    return entry.id


def emit_many(drafts: Sequence[Draft]) -> list[UUID]:
    """Record many facts of one transaction with COPY. Returns the ids in order. Raises as ``emit``; then none of them is recorded."""
    if not drafts:
        return []
    here = _in_transaction()
    ids = uuid7_many(len(drafts))
    made: Iterable[Entry] = _made(drafts, ids, writers.transaction_group(here))
    # PostgreSQL stores the first entries while the last ones are made; one that is refused on the way takes them all back.
    block: AbstractContextManager[object] = transaction.atomic() if len(drafts) >= _LARGE else nullcontext()
    made = made if len(drafts) >= _LARGE else list(made)
    with block:
        rows = encoding.Rows(*writers.take(here, len(drafts)))
        copy_encoded("audit_staged", STAGED, map(rows.add, made))
        if rows.links:
            _link(rows)
    return ids


def staged_mac(entry_id: UUID, leaf_hash: bytes, writer: UUID, number: int) -> bytes:
    """The tag that tells a staged row of ours, at its place in its writer's count, from one that somebody slipped into the database."""
    return keys.staged()(entry_id.bytes + leaf_hash + writer.bytes + number.to_bytes(8, "big"))


def _made(drafts: Sequence[Draft], ids: Sequence[UUID], group: UUID) -> Iterator[Entry]:
    moment = Moment(clock.now(), group)
    salts = os.urandom(2 * SALT_BYTES * len(drafts))
    for draft, entry_id, start in zip(drafts, ids, range(0, len(salts), 2 * SALT_BYTES), strict=True):
        own = (salts[start : start + SALT_BYTES], salts[start + SALT_BYTES : start + 2 * SALT_BYTES])
        yield moment.commit(draft, entry_id, own)


def _link(rows: encoding.Rows) -> None:
    """Link entries to their subjects; where the subject was erased, leave a tombstone of the link instead."""
    erased = erased_among({subject for subject, _, _ in rows.subjects})
    kept = rows.links
    if erased:
        kept = [row for row, (subject, _, _) in zip(rows.links, rows.subjects, strict=True) if subject not in erased]
        gone = ((link_tombstone(entry_id, role),) for subject, entry_id, role in rows.subjects if subject in erased)
        copy_rows("audit_erased_link", ("tag",), gone, ("bytea",))
    copy_encoded("audit_staged_link", LINK, kept)


def _in_transaction() -> BaseDatabaseWrapper:
    here = writers.here()
    if not here.in_atomic_block:
        raise NotInTransaction("Emit inside transaction.atomic, with the change that the entry records.")
    return here
