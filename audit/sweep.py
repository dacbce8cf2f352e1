"""Reading the whole log quickly, to say that all is well: what ``rows`` does to name what is wrong, in large strides and on all cores.

Each row is checked as there: the header's hash against the stored one and the indexed one, the tag of the index, the columns beside the
header, the subject link against the tag that the entry commits to. The first doubt ends it; then ``rows`` looks closely.

Other processes read the same snapshot of the database (``pg_export_snapshot``). They are forked, touch nothing of the parent's
connection and do nothing but read and hash.
"""

from __future__ import annotations

import hmac
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import psycopg
from django.db import connection

from audit import keys

CHUNK = 10_000
WORTH_A_PROCESS = 150_000
_CLEAN, _DOUBTFUL = 0, 3
# Row by row along the keys. With statistics from before the rows came, PostgreSQL would read a whole table for each stride.
BY_INDEX = (
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
)

# The header as far as columns repeat it, as canonical JSON has it. ``to_json`` quotes names as RFC 8785 does.
_BEFORE = """'{"action":' || to_json(e.action) || ',"actor":' || to_json(e.actor) || ',"at":"'
    || to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '",'"""
_AFTER = """'"id":"' || e.id || '",' || CASE WHEN e.object = '' THEN '' ELSE '"object":' || to_json(e.object) || ',' END
    || CASE WHEN e.purpose = '' THEN '' ELSE '"purpose":' || to_json(e.purpose) || ',' END
    || CASE WHEN e.subject_tag = '' THEN '' ELSE '"subject":"' || e.subject_tag || '",' END
    || '"tx":"' || e.transaction_id || '","v":1}'"""
_QUERY = f"""
    SELECT l.seq, uuid_send(l.entry_id), l.leaf_hash, l.mac, e.leaf_hash, convert_to(e.header, 'UTF8'), e.subject_tag,
           uuid_send(k.subject_id), k.salt, starts_with(e.header, {_BEFORE}) AND right(e.header, length({_AFTER})) = {_AFTER}
    FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id
         LEFT JOIN audit_subject_link k ON k.entry_id = l.entry_id AND k.role = 'subject'
    WHERE l.seq >= %s AND l.seq < %s ORDER BY l.seq
"""  # noqa: S608  # constants of this module


@dataclass(slots=True)
class Swept:
    """All the leaf hashes in a row, recomputed; how many links there were; entries with a subject and no link, 16 bytes each."""

    hashes: bytearray = field(default_factory=bytearray)
    links: int = 0
    unlinked: bytearray = field(default_factory=bytearray)


def sweep(size: int, step: Callable[[int], None], *, alone: bool) -> Swept | None:
    """Check the first ``size`` entries; None when there is any doubt. ``step`` is told how many were read, roughly.

    ``alone`` keeps it to this process: inside somebody's transaction nobody else sees what they wrote.
    """
    parts = _parts(1 if alone or size < WORTH_A_PROCESS else len(os.sched_getaffinity(0)), size)
    with tempfile.TemporaryDirectory() as made:
        children = [_fork(Path(made) / str(low), low, high) for low, high in parts[1:]]
        swept: Swept | None = Swept()
        low, high = parts[0]
        for chunk in _chunks(low, high):
            if swept is None or not _check(_rows(connection.connection, *chunk), chunk, swept):
                swept = None
                break
            step(min(size, chunk[1] * len(parts)))
        for child, file in children:
            swept = _join(swept, child, file)
    return swept


def _parts(processes: int, size: int) -> list[tuple[int, int]]:
    """A range for each process; at most eight, each with something to do."""
    count = max(1, min(processes, 8, 2 * size // WORTH_A_PROCESS))
    return [(size * part // count, size * (part + 1) // count) for part in range(count)]


def _chunks(low: int, high: int) -> Iterator[tuple[int, int]]:
    for start in range(low, high, CHUNK):
        yield start, min(high, start + CHUNK)


def _rows(raw: Any, low: int, high: int) -> list[tuple[Any, ...]]:
    """The rows of a range as bytes, past Django's cursor, which would read them as text."""
    with psycopg.Cursor(raw) as cursor:
        return cursor.execute(_QUERY.encode(), (low, high), binary=True).fetchall()


def _check(rows: list[tuple[Any, ...]], chunk: tuple[int, int], swept: Swept) -> bool:
    """Whether the rows are all there and without a flaw. The loop of this module: two hashes and two tags for each entry."""
    low, high = chunk
    if len(rows) != high - low:
        return False
    inner, outer = _pads(keys.index_key())
    hashes = []
    digest, compute = hmac.digest, sha256
    for place, (seq, entry, indexed, mac, stored, header, tag, subject, salt, agrees) in enumerate(rows, start=low):
        leaf = compute(b"\x00" + header).digest()
        hashes.append(leaf)
        if not (agrees and seq == place and leaf == indexed and leaf == stored):
            return False
        inside, outside = inner.copy(), outer.copy()
        inside.update(place.to_bytes(8, "big") + entry + leaf)
        outside.update(inside.digest())
        if outside.digest() != mac:
            return False
        if subject is not None:
            if digest(salt, b"zgoda audit subject " + subject, "sha256").hex() != tag:
                return False
            swept.links += 1
        elif tag:
            swept.unlinked += entry
    swept.hashes += b"".join(hashes)
    return True


def _pads(key: bytes) -> tuple[Any, Any]:
    """The two halves of HMAC-SHA-256 (RFC 2104) under one key, begun once instead of with every row: twice as fast."""
    padded = key.ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in padded)), sha256(bytes(byte ^ 0x5C for byte in padded))


def _fork(file: Path, low: int, high: int) -> tuple[int, Path]:
    """A process for a range, which leaves what it found in a file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = str(cursor.fetchone()[0])
    parameters = connection.get_connection_params()
    child = os.fork()
    if child:
        return child, file
    status = _DOUBTFUL
    try:
        with file.open("wb") as out:
            status = _work(parameters, snapshot, (low, high), out)
    finally:
        os._exit(status)  # nothing of the parent's is closed or flushed here


def _work(parameters: dict[str, Any], snapshot: str, part: tuple[int, int], out: IO[bytes]) -> int:
    with psycopg.connect(**parameters) as own:
        own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        own.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        own.execute("; ".join(BY_INDEX))
        swept = Swept()
        for chunk in _chunks(*part):
            if not _check(_rows(own, *chunk), chunk, swept):
                return _DOUBTFUL
    out.write(swept.links.to_bytes(8, "big") + len(swept.hashes).to_bytes(8, "big") + swept.hashes + swept.unlinked)
    return _CLEAN


def _join(swept: Swept | None, child: int, file: Path) -> Swept | None:
    _, status = os.waitpid(child, 0)
    if swept is None or os.waitstatus_to_exitcode(status) != _CLEAN:
        return None
    found = file.read_bytes()
    length = int.from_bytes(found[8:16], "big")
    swept.links += int.from_bytes(found[:8], "big")
    swept.hashes += found[16 : 16 + length]
    swept.unlinked += found[16 + length :]
    return swept
