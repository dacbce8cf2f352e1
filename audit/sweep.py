"""Reading the whole log quickly, to say that all is well: what ``rows`` does to name what is wrong, in large strides and on all cores.

Each row is checked as there: the header's hash against the stored one and the indexed one, the tag of the index, the columns beside the
header, the subject link against the tag that the entry commits to. The first doubt ends it; then ``rows`` looks closely.

Other processes read the same snapshot of the database (``pg_export_snapshot``). They are forked, touch nothing of the parent's
connection and do nothing but read and hash.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import UUID

import psycopg
from django.db import connection

from audit import keys, rows
from governance.kernel.crypto import mac

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

# Three walks along keys instead of a join: what has neighbouring numbers lies together in each table, so that walking costs a fifth of
# looking rows up. The frame of a header (``entries.frame``) is put together for names that canonical JSON writes as they are. Where a
# column was emptied (NULL), the last one is, too.
_INDEX = "SELECT seq, uuid_send(entry_id), leaf_hash, mac FROM audit_leaf WHERE seq >= %s AND seq < %s ORDER BY seq"
_ENTRIES = """
    SELECT uuid_send(id), leaf_hash, header, subject_tag, timestamptz_send(occurred_at),
        concat('{"action":"', action, '","actor":"', actor, '","at":"'),
        concat('"id":"', id, CASE WHEN object <> '' THEN '","object":"' || object END,
            CASE WHEN purpose <> '' THEN '","purpose":"' || purpose END,
            CASE WHEN subject_tag <> '' THEN '","subject":"' || subject_tag END, '","tx":"', transaction_id, '","v":1}'),
        strpos(action || actor || object || purpose || subject_tag, '"') = 0
    FROM audit_entry WHERE id
"""
_LINKS = "SELECT uuid_send(entry_id), uuid_send(subject_id), salt FROM audit_subject_link WHERE role = 'subject' AND entry_id"
_COLUMNS = f"SELECT e.id, e.header, {rows.COLUMNS} FROM audit_entry e WHERE e.id = ANY(%s)"  # noqa: S608  # a constant
_2000 = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds

Read: TypeAlias = Callable[..., list[tuple[Any, ...]]]


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
        read = _reader(connection.connection)
        for chunk in _chunks(low, high):
            if swept is None or not _check(read, chunk, swept):
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


def _reader(raw: Any) -> Read:
    """Reads rows as bytes, past Django's cursor, which would read them as text."""

    def read(query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.Cursor(raw) as cursor:
            return cursor.execute(query.encode(), parameters, binary=True).fetchall()

    return read


def _near(read: Read, query: str, ids: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """The rows of entries whose ids lie together; some of others between them, too. One by one where they are scattered."""
    few = 4 * CHUNK
    found = read(f"{query} BETWEEN %s AND %s LIMIT {few}", UUID(bytes=min(ids)), UUID(bytes=max(ids)))
    return found if len(found) < few else read(f"{query} = ANY(%s)", [UUID(bytes=entry) for entry in ids])


def _check(read: Read, chunk: tuple[int, int], swept: Swept) -> bool:
    """Whether the rows of a range are all there and without a flaw: two hashes and two tags for each entry."""
    index = read(_INDEX, *chunk)
    ids = [row[1] for row in index]
    if [row[0] for row in index] != list(range(*chunk)) or None in ids:
        return False
    there = {row[0]: row for row in _near(read, _ENTRIES, ids)}
    entries = [there.get(entry) for entry in ids]
    if any(row is None or None in row for row in entries):
        return False
    return (
        _check_hashes(index, entries, swept)
        and _check_columns(read, entries)
        and _check_links(read, ids, entries, swept)
    )


def _check_hashes(index: list[tuple[Any, ...]], entries: list[Any], swept: Swept) -> bool:
    """Header, stored hash and indexed hash must be one, and the index ours."""
    leaves = [sha256(b"\x00" + row[2].encode()).digest() for row in entries]
    swept.hashes += b"".join(leaves)
    if leaves != [row[2] for row in index] or leaves != [row[1] for row in entries]:
        return False
    authenticate = keys.index()
    return [authenticate(row[0].to_bytes(8, "big") + row[1] + row[2]) for row in index] == [row[3] for row in index]


def _check_columns(read: Read, entries: list[Any]) -> bool:
    """The columns must say what the header says. Where no column has a quotation mark, no other columns make the same frame."""
    odd = []
    for entry, _, header, _, at, before, after, plain in entries:
        if not (plain and header.startswith(before + _instant(at)) and header.endswith(after)):
            odd.append(UUID(bytes=entry))
    close = read(_COLUMNS, odd) if odd else []
    return not any(rows.columns_flaw(entry, header, tuple(columns)) for entry, header, *columns in close)


def _instant(at: bytes) -> str:
    second, micro = divmod(int.from_bytes(at, "big", signed=True), 1_000_000)
    return f'{_second(second)}{micro:06d}Z",'


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    try:
        return (_2000 + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.")
    except OverflowError:
        return "never"


def _check_links(read: Read, ids: list[bytes], entries: list[Any], swept: Swept) -> bool:
    """A link must lead to the tag that its entry commits to; entries that have none are remembered."""
    links = {entry: (subject, salt) for entry, subject, salt in _near(read, _LINKS, ids)}
    tagged = [(row[0], row[3]) for row in entries if row[3]]
    linked = [(links[entry], tag) for entry, tag in tagged if entry in links]
    swept.links += len(linked)
    if len(linked) != len(tagged):
        swept.unlinked += b"".join(entry for entry, _ in tagged if entry not in links)
    return all(
        salt is not None and subject is not None and mac(salt, b"zgoda audit subject " + subject).hex() == tag
        for (subject, salt), tag in linked
    )


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
            if not _check(_reader(own), chunk, swept):
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
