"""Reading the whole log from the database, row by row, for verification: what is there, and what evidence says should be there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from audit.entries import Columns, frame
from audit.merkle import HASH_SIZE, leaf_hash
from audit.sequencer import index_mac
from audit.tiles import WIDTH

# The instant as text, in the form that headers have: PostgreSQL writes it faster than Python reads it.
COLUMNS = """e.action, e.actor, e.object, e.purpose, e.subject_tag,
    to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.transaction_id"""
_CHUNK = 10_000
_NEAR = 512
_SHIFTS = (1, -1, 2, -2, 3, -3)


@dataclass(slots=True)
class Log:
    """The index in order of numbers. All lists have one element for each number."""

    entry_ids: list[UUID | None] = field(default_factory=list)
    found: list[bytes | None] = field(default_factory=list)
    expected: list[bytes | None] = field(default_factory=list)
    macs: dict[int, tuple[bytes, UUID, bytes]] = field(default_factory=dict)
    flaws: list[tuple[int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.found)

    def missing(self, seq: int) -> None:
        """Fill up to a number with places that have no row."""
        while len(self) < seq:
            self.entry_ids.append(None)
            self.found.append(None)
            self.expected.append(None)


def read(size: int, step: Callable[[int], None]) -> Log:
    """Read index and entries; ``size`` is what the last checkpoint covers. ``step`` is told how many rows were read."""
    log = Log()
    for seq, entry_id, indexed, mac, stored, header, *rest in _rows():
        columns: Columns = tuple(rest)
        log.missing(seq)
        whole = None not in (entry_id, indexed, mac)
        genuine = whole and index_mac(seq, entry_id, indexed) == mac
        log.entry_ids.append(entry_id)
        log.expected.append(indexed if genuine else None)
        if not whole:
            log.flaws.append((seq, "a column of its row in the index was emptied"))
        elif not genuine:
            log.macs[seq] = (mac, entry_id, indexed)
        if header is None:
            log.found.append(None)
        else:
            there = leaf_hash(header.encode())
            log.found.append(there)
            flaw = columns_flaw(entry_id, header, columns)
            if there != stored or there != indexed:
                flaw = "the stored hash is not that of the header"
            if flaw:
                log.flaws.append((seq, flaw))
        if len(log) % _CHUNK == 0:
            step(len(log))
    log.missing(size)
    if log.macs or None in log.expected:
        _expect_from_misplaced_rows(log)
        _expect_from_tiles(log, size)
    step(len(log))
    return log


def facts_of(header: str | None) -> dict[str, Any]:
    """The facts in a header that somebody may have tampered with; empty where it is not of the expected form."""
    try:
        said = json.loads(header or "")
        facts = said["facts"]
    except (ValueError, KeyError, TypeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _rows() -> Iterator[tuple[Any, ...]]:
    after = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT l.seq, l.entry_id, l.leaf_hash, l.mac, e.leaf_hash, e.header, {COLUMNS}
                FROM audit_leaf l LEFT JOIN ONLY audit_entry e ON e.id = l.entry_id
                WHERE l.seq > %s ORDER BY l.seq LIMIT %s
                """,  # noqa: S608  # the constant above
                [after, _CHUNK],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def columns_flaw(entry_id: UUID, header: str, columns: Columns) -> str | None:
    """Which column does not say what the header says. ``columns`` as ``COLUMNS`` reads them.

    A header is canonical, so whether the columns agree is seen without parsing it; only one that does not is looked at closely.
    """
    if None in columns:
        return "a column was emptied"
    before, after = frame(entry_id, columns)
    if header.startswith(before) and header.endswith(after):
        return None
    try:
        said = json.loads(header)
        keys = ("action", "actor", "object", "purpose", "subject", "at", "tx")
        wrong = [key for key, column in zip(keys, columns, strict=True) if str(column) != said.get(key, "")]
        wrong += [] if said["id"] == str(entry_id) else ["id"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the header is not of the expected form"
    return f"the column of {wrong[0]} is not what the header says" if wrong else "the header is not canonical"


def _expect_from_misplaced_rows(log: Log) -> None:
    """An index row whose tag is good for another number belongs there, be it that its number was changed or its contents."""
    for seq, (mac, entry_id, indexed) in log.macs.items():
        for right in (seq + offset for offset in _SHIFTS if 0 <= seq + offset < len(log)):
            if log.expected[right] is None and index_mac(right, entry_id, indexed) == mac:
                log.expected[right] = indexed
                break
    holes = [seq for seq, hash_ in enumerate(log.expected) if hash_ is None][:_NEAR]
    strays = list(log.macs.values())[:_NEAR]
    for seq in holes:
        own = log.macs[seq][0] if seq in log.macs else None
        for mac, entry_id, indexed in strays:
            if index_mac(seq, entry_id, indexed) in (mac, own):
                log.expected[seq] = indexed
                break


def _expect_from_tiles(log: Log, size: int) -> None:
    """Where the index gives no evidence, take the hash that the full tile holds, unless the tile contradicts the index elsewhere."""
    holes = [seq for seq, hash_ in enumerate(log.expected[:size]) if hash_ is None]
    known = set(log.expected)
    for index in sorted({seq // WIDTH for seq in holes if seq < size // WIDTH * WIDTH}):
        with connection.cursor() as cursor:
            cursor.execute('SELECT hashes FROM audit_tile WHERE level = 0 AND "index" = %s', [index])
            row = cursor.fetchone()
        hashes = bytes(row[0]) if row else b""
        start = index * WIDTH
        tile = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
        evidence = log.expected[start : start + WIDTH]
        if any(sure is not None and sure != hash_ for sure, hash_ in zip(evidence, tile, strict=False)):
            continue
        for offset, hash_ in enumerate(tile[: len(evidence)]):
            if evidence[offset] is None and hash_ not in known:
                log.expected[start + offset] = hash_
