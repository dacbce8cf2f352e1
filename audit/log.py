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

from audit import keys
from audit.entries import SALT_BYTES, Draft, Entry, commit
from audit.errors import NotInTransaction
from audit.staging import LINK, STAGE
from audit.tombstones import erased_among, tombstone
from governance.kernel import clock, crypto
from governance.kernel.actors import Actor
from governance.kernel.copy import copy_rows
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

__all__ = ["Draft", "emit", "emit_many"]

_COLUMNS = (
    "id", "header", "leaf_hash", "action", "actor", "object", "purpose", "subject_tag", "occurred_at", "transaction_id",
)  # fmt: skip
_TYPES = ("uuid", "text", "bytea", "text", "text", "text", "text", "text", "timestamptz", "uuid")


class _Group:
    """Marks a transaction: stands among its commit hooks, where Django forgets it when the transaction ends, however it ends."""

    __slots__ = ("id", "place")

    def __init__(self, place: int) -> None:
        self.id = uuid7()
        self.place = place

    def __call__(self) -> None:
        """Nothing is left to do at commit."""


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
    group = _transaction_group()
    draft = Draft(action, actor, object, subject, purpose, facts or {})
    salts = (os.urandom(SALT_BYTES), os.urandom(SALT_BYTES))
    entry = commit(draft, entry_id=uuid7(), occurred_at=clock.now(), transaction_id=group, salts=salts)
    calls = [STAGE]
    values: list[Any] = [*_row(entry), staged_mac(entry.id, entry.leaf_hash)]
    for link in _links(entry):
        calls.append(LINK)
        values += (*link, tombstone(link[2]))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(calls)}", values)
    return entry.id


def emit_many(drafts: Sequence[Draft]) -> list[UUID]:
    """Record many facts of one transaction with COPY. Returns the ids in order. Raises as ``emit``."""
    if not drafts:
        return []
    group = _transaction_group()
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
    copy_rows("audit_pending", ("entry_id", "leaf_hash", "mac"), map(_pending, entries), ("uuid", "bytea", "bytea"))
    links = [link for entry in entries for link in _links(entry)]
    if links:
        erased = erased_among({link[2] for link in links})
        kept = (link for link in links if link[2] not in erased)
        copy_rows(
            "audit_subject_link", ("entry_id", "role", "subject_id", "salt"), kept, ("uuid", "text", "uuid", "bytea")
        )
    return [entry.id for entry in entries]


def staged_mac(entry_id: UUID, leaf_hash: bytes) -> bytes:
    """The tag that tells a staged row of ours from one that somebody slipped into the database."""
    return crypto.mac(keys.staged_key(), entry_id.bytes + leaf_hash)


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


def _pending(entry: Entry) -> tuple[UUID, bytes, bytes]:
    return entry.id, entry.leaf_hash, staged_mac(entry.id, entry.leaf_hash)


def _links(entry: Entry) -> Iterator[tuple[UUID, str, UUID, bytes]]:
    return ((entry.id, link.role, link.subject, link.salt) for link in entry.links)


def _transaction_group() -> UUID:
    """The id that groups the entries of one transaction. Raises ``NotInTransaction``.

    PostgreSQL's own number would cost a round trip and does not survive a restore.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("Emit inside transaction.atomic, with the change that the entry records.")
    hooks = connection.run_on_commit
    group: _Group | None = getattr(connection, "_zgoda_audit_group", None)
    if group is not None and group.place < len(hooks) and hooks[group.place][1] is group:
        return group.id
    for place, hook in enumerate(hooks):  # a savepoint that was rolled back has moved it
        if isinstance(hook[1], _Group):
            hook[1].place = place
            return hook[1].id
    group = _Group(len(hooks))
    # Not transaction.on_commit(): a hook of no savepoint stays when an inner block is rolled back.
    hooks.append((set(), group, False))  # type: ignore[arg-type]  # the stubs lack Django's third element
    connection._zgoda_audit_group = group  # type: ignore[attr-defined]
    return group.id
