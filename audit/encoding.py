"""Rows of the log in the binary form of PostgreSQL's COPY, for batches: a field count, then each field behind its length.

Written by hand, because a batch has few different actions, actors and purposes: encoding every field of every row costs more than
hashing the entry. Bytes are all that is kept of an entry, so that the garbage collector has nothing to walk through.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from audit import keys
from audit.entries import Entry

_2000 = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds
_MICROSECOND = timedelta(microseconds=1)
_8, _16, _32, _64 = (length.to_bytes(4, "big") for length in (8, 16, 32, 64))
_EMPTY = bytes(4)


class Rows:
    """What a batch of entries becomes in the two tables. ``subjects`` are those of ``links``, aligned, with the entry and the role."""

    def __init__(self, writer: UUID, first: int) -> None:
        """The entries have the writer's numbers from ``first`` on."""
        self.links: list[bytes] = []
        self.subjects: list[tuple[UUID, UUID, str]] = []
        self._writer, self._number = writer.bytes, first
        self._authenticate = keys.staged()
        self._shared: tuple[object, object] = (None, None)
        self._moment = b""

    def add(self, entry: Entry) -> bytes:
        """The row of ``audit_staged``, in the order of ``staging.STAGED``; links are put by."""
        entry_id, leaf, header, of = entry.id.bytes, entry.leaf_hash, entry.header.encode(), entry.object.encode()
        number = self._number.to_bytes(8, "big")
        self._number += 1
        if self._shared[0] is not entry.transaction_id or self._shared[1] is not entry.occurred_at:
            self._shared = (entry.transaction_id, entry.occurred_at)
            self._moment = _moment(entry.occurred_at, entry.transaction_id)
        for role, subject, salt in entry.links:
            self.links.append(b"".join((b"\0\x04", _16, entry_id, _text(role), _16, subject.bytes, _32, salt)))
            self.subjects.append((subject, entry.id, role))
        return b"".join(
            (
                b"\0\x0d", _16, entry_id, len(header).to_bytes(4, "big"), header, _32, leaf,
                _text(entry.action), _text(entry.actor), len(of).to_bytes(4, "big"), of, _text(entry.purpose),
                _64 + entry.subject_tag.encode() if entry.subject_tag else _EMPTY,
                self._moment, _16, self._writer, _8, number, _32, self._authenticate(entry_id + leaf + self._writer + number),
            )
        )  # fmt: skip


@lru_cache(maxsize=1024)
def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


def _moment(occurred_at: datetime, transaction_id: UUID) -> bytes:
    microseconds = (occurred_at - _2000) // _MICROSECOND
    return _8 + microseconds.to_bytes(8, "big", signed=True) + _16 + transaction_id.bytes
