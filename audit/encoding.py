"""Rows of the log in the binary form of PostgreSQL's COPY, for batches: a field count, then each field behind its length.

Written by hand, because a batch has few different actions, actors and purposes: encoding every field of every row costs more than
hashing the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from audit import keys
from audit.entries import Entry, Link

ENTRY: Final = (
    "id", "header", "leaf_hash", "action", "actor", "object", "purpose", "subject_tag", "occurred_at", "transaction_id",
)  # fmt: skip
PENDING: Final = ("entry_id", "leaf_hash", "writer", "number", "mac")
LINK: Final = ("entry_id", "role", "subject_id", "salt")

_2000 = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds
_MICROSECOND = timedelta(microseconds=1)
_8, _16, _32 = (length.to_bytes(4, "big") for length in (8, 16, 32))
_EMPTY = bytes(4)


def entry_rows(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Rows of ``audit_entry``, in the order of ``ENTRY``."""
    known: dict[str, bytes] = {"": _EMPTY}
    moments: dict[tuple[datetime, UUID], bytes] = {}
    for entry in entries:
        header, of = entry.header.encode(), entry.object.encode()
        tag = entry.subject_tag
        moment = (entry.occurred_at, entry.transaction_id)
        yield b"".join(
            (
                b"\0\x0a", _16, entry.id.bytes,
                len(header).to_bytes(4, "big"), header,
                _32, entry.leaf_hash,
                known.get(entry.action) or _know(known, entry.action),
                known.get(entry.actor) or _know(known, entry.actor),
                len(of).to_bytes(4, "big"), of,
                known.get(entry.purpose) or _know(known, entry.purpose),
                b"\0\0\0\x40" + tag.encode() if tag else _EMPTY,
                moments.get(moment) or moments.setdefault(moment, _moment(*moment)),
            )
        )  # fmt: skip


def pending_rows(entries: Iterable[Entry], writer: UUID, first: int) -> Iterator[bytes]:
    """Rows of ``audit_pending``, in the order of ``PENDING``; the entries have the writer's numbers from ``first`` on."""
    authenticate, of = keys.staged(), writer.bytes
    for number, entry in enumerate(entries, start=first):
        place, entry_id = of + number.to_bytes(8, "big"), entry.id.bytes
        yield b"".join(
            (
                b"\0\x05", _16, entry_id, _32, entry.leaf_hash, _16, of, _8, place[16:],
                _32, authenticate(entry_id + entry.leaf_hash + place),
            )
        )  # fmt: skip


def link_rows(links: Sequence[tuple[UUID, Link]]) -> Iterator[bytes]:
    """Rows of ``audit_subject_link``, in the order of ``LINK``."""
    for entry_id, (role, subject, salt) in links:
        name = role.encode()
        length = len(name).to_bytes(4, "big")
        yield b"".join((b"\0\x04", _16, entry_id.bytes, length, name, _16, subject.bytes, _32, salt))


def _know(known: dict[str, bytes], text: str) -> bytes:
    raw = text.encode()
    field = known[text] = len(raw).to_bytes(4, "big") + raw
    if len(known) > 1000:  # actors who are persons are all different
        known.clear()
        known[""] = _EMPTY
    return field


def _moment(occurred_at: datetime, transaction_id: UUID) -> bytes:
    microseconds = (occurred_at - _2000) // _MICROSECOND
    return _8 + microseconds.to_bytes(8, "big", signed=True) + _16 + transaction_id.bytes
