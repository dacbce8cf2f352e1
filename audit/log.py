"""Writing entries: in the transaction of the change that they record, in one statement, without waiting for anybody.

    with transaction.atomic():
        ...change...
        log.emit("consent.withdrawn", actor=actor, object=f"consent_event:{event}", subject=subject, purpose=purpose)

An entry has no number when it is written; ``audit.sequencer`` numbers what is committed. So writers never queue for a chain's head.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

from audit import keys, writers
from audit.entries import SALT_BYTES, Draft, Entry, commit
from audit.errors import NotInTransaction
from audit.staging import LINK, STAGE
from audit.tombstones import erased_among, link_tombstone, tombstone
from governance.kernel import clock, crypto
from governance.kernel.actors import Actor
from governance.kernel.copy import copy_rows
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

__all__ = ["Draft", "emit", "emit_many"]

_COLUMNS = (
    "id", "header", "leaf_hash", "action", "actor", "object", "purpose", "subject_tag", "occurred_at", "transaction_id",
)  # fmt: skip
_PENDING = ("entry_id", "leaf_hash", "writer", "number", "mac")
_TYPES = ("uuid", "text", "bytea", "text", "text", "text", "text", "text", "timestamptz", "uuid")


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
    _require_transaction()
    draft = Draft(action, actor, object, subject, purpose, facts or {})
    salts = (os.urandom(SALT_BYTES), os.urandom(SALT_BYTES))
    group = writers.transaction_group()
    entry = commit(draft, entry_id=uuid7(), occurred_at=clock.now(), transaction_id=group, salts=salts)
    writer, number = writers.take(1)
    calls = [STAGE]
    values: list[Any] = [*_row(entry), writer, number, staged_mac(entry.id, entry.leaf_hash, writer, number)]
    for link in _links(entry):
        calls.append(LINK)
        values += (*link, tombstone(link[2]), link_tombstone(link[0], link[1]))
    with _cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(calls)}", values)
    return entry.id


def emit_many(drafts: Sequence[Draft]) -> list[UUID]:
    """Record many facts of one transaction with COPY. Returns the ids in order. Raises as ``emit``."""
    if not drafts:
        return []
    _require_transaction()
    group = writers.transaction_group()
    at = clock.now()
    salts = os.urandom(2 * SALT_BYTES * len(drafts))
    entries = [
        commit(
            draft,
            entry_id=entry_id,
            occurred_at=at,
            transaction_id=group,
            salts=(salts[start : start + SALT_BYTES], salts[start + SALT_BYTES : start + 2 * SALT_BYTES]),
        )
        for draft, entry_id, start in zip(
            drafts, uuid7_many(len(drafts)), range(0, len(salts), 2 * SALT_BYTES), strict=True
        )
    ]
    copy_rows("audit_entry", _COLUMNS, map(_row, entries), _TYPES)
    copy_rows("audit_pending", _PENDING, _pending(entries), ("uuid", "bytea", "uuid", "int8", "bytea"))
    links = [link for entry in entries for link in _links(entry)]
    if links:
        _link(links)
    return [entry.id for entry in entries]


def staged_mac(entry_id: UUID, leaf_hash: bytes, writer: UUID, number: int) -> bytes:
    """The tag that tells a staged row of ours, at its place in its writer's count, from one that somebody slipped into the database."""
    return crypto.mac(keys.staged_key(), entry_id.bytes + leaf_hash + writer.bytes + number.to_bytes(8, "big"))


def _link(links: Sequence[tuple[UUID, str, UUID, bytes]]) -> None:
    """Link entries to their subjects; where the subject was erased, leave a tombstone of the link instead."""
    erased = erased_among({link[2] for link in links})
    kept = links
    if erased:
        kept = [link for link in links if link[2] not in erased]
        gone = ((link_tombstone(link[0], link[1]),) for link in links if link[2] in erased)
        copy_rows("audit_erased_link", ("tag",), gone, ("bytea",))
    columns = ("entry_id", "role", "subject_id", "salt")
    copy_rows("audit_subject_link", columns, kept, ("uuid", "text", "uuid", "bytea"))


def _row(entry: Entry) -> tuple[UUID, str, bytes, str, str, str, str, str, datetime, UUID]:
    return (
        entry.id,
        entry.header.decode(),
        entry.leaf_hash,
        entry.action,
        entry.actor,
        entry.object,
        entry.purpose,
        entry.subject_tag,
        entry.occurred_at,
        entry.transaction_id,
    )


def _pending(entries: Sequence[Entry]) -> Iterator[tuple[UUID, bytes, UUID, int, bytes]]:
    writer, first = writers.take(len(entries))
    for number, entry in enumerate(entries, start=first):
        yield entry.id, entry.leaf_hash, writer, number, staged_mac(entry.id, entry.leaf_hash, writer, number)


def _links(entry: Entry) -> Iterator[tuple[UUID, str, UUID, bytes]]:
    return ((entry.id, link.role, link.subject, link.salt) for link in entry.links)


def _cursor() -> CursorWrapper:
    """A cursor that sends values beside the statement. Django's writes them into it, which takes longer than staging the entry."""
    connection.ensure_connection()
    bound: CursorWrapper = connection._prepare_cursor(ServerBindingCursor(connection.connection))  # type: ignore[attr-defined, call-arg]
    return bound


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise NotInTransaction("Emit inside transaction.atomic, with the change that the entry records.")
