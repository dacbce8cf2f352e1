"""Reading the whole log quickly, to say that all is well: what ``rows`` does to name what is wrong, in large strides and on all cores.

Each row is checked as there: the header's hash against the stored one and the indexed one, the tag of the index, the columns beside the
header, the subject link against the tag that the entry commits to. The first doubt ends it; then ``rows`` looks closely.

Other processes read the same snapshot of the database (``pg_export_snapshot``). They are forked, touch nothing of the parent's
connection and do nothing but read and hash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from django.db import connection

from audit import keys
from audit.merkle import Tree
from audit.rereading import rows
from governance.kernel import logs
from governance.kernel.crypto import mac

_LEVEL = 13
CHUNK = 1 << _LEVEL
WORTH_A_PROCESS = 150_000
# Row by row along the keys. With statistics from before the rows came, PostgreSQL would read a whole table for each stride.
BY_INDEX = (
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
)

# Three walks along keys instead of a join: what has neighbouring numbers lies together in each table, so that walking costs a fifth of
# looking rows up. Texts are read as bytes, which is how they are hashed and compared. The frame of a header (``entries.frame``) is put
# together for names that canonical JSON writes as they are. Where a column was emptied (NULL), what is made of it is, too.
_INDEX = "SELECT seq, uuid_send(entry_id), leaf_hash, mac FROM audit_leaf WHERE seq >= %s AND seq < %s ORDER BY seq"
_ENTRIES = """
    SELECT uuid_send(id), leaf_hash, textsend(header), subject_tag, timestamptz_send(occurred_at),
        textsend('{"action":"' || action || '","actor":"' || actor || '","at":"'),
        textsend('"id":"' || id || CASE object WHEN '' THEN '' ELSE '","object":"' || object END
            || CASE purpose WHEN '' THEN '' ELSE '","purpose":"' || purpose END
            || CASE subject_tag WHEN '' THEN '' ELSE '","subject":"' || subject_tag END || '","tx":"' || transaction_id || '","v":1}'),
        strpos(action || actor || object || purpose || subject_tag, '"') = 0
    FROM ONLY audit_entry WHERE id
"""
_LINKS = "SELECT uuid_send(entry_id), uuid_send(subject_id), salt FROM ONLY audit_subject_link WHERE role = 'subject' AND entry_id"
_COLUMNS = f"SELECT e.id, e.header, {rows.COLUMNS} FROM ONLY audit_entry e WHERE e.id = ANY(%s)"  # noqa: S608  # a constant
_2000 = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds

Read: TypeAlias = Callable[..., list[tuple[Any, ...]]]
_Found: TypeAlias = tuple[list[bytes], int, bytes] | None  # as ``Swept.follow`` takes it; None for a doubt
_logger = logs.get_logger(__name__)


class _Failed:
    """A process ended without a word."""


@dataclass(slots=True)
class Swept:
    """The tree over the entries, recomputed; how many links there were; entries with a subject and no link, 16 bytes each."""

    tree: Tree = field(default_factory=Tree)
    links: int = 0
    unlinked: bytearray = field(default_factory=bytearray)

    def follow(self, levels: Sequence[bytes], links: int, unlinked: bytes) -> None:
        """Go on with what another process found in the entries after a whole number of chunks: so far up, its nodes are nodes here."""
        for level, hashes in enumerate(levels[: _LEVEL + 1]):
            if level == len(self.tree.levels):
                self.tree.levels.append(bytearray())
            self.tree.levels[level] += hashes
        self.tree.extend(())
        self.links += links
        self.unlinked += unlinked


def sweep(size: int, step: Callable[[int], None], *, alone: bool) -> Swept | None:
    """Check the first ``size`` entries; None when there is any doubt. ``step`` is told how many were read, roughly.

    ``alone`` keeps it to this process: inside somebody's transaction nobody else sees what they wrote.
    """
    (own, *others) = _parts(1 if alone or size < WORTH_A_PROCESS else len(os.sched_getaffinity(0)), size)
    children = [(_fork(part), part) for part in others]
    read = _reader(connection.connection)
    swept = _read(read, own, Swept(), lambda done: step(min(size, done * (1 + len(others)))))
    for child, part in children:
        found = _wait_for(child)
        if swept is None or found is None:
            swept = None
        elif isinstance(found, _Failed):  # too many connections, say: that is no doubt about the log
            _logger.warning("verification_process_failed")
            swept = _read(read, part, swept, step)
        else:
            swept.follow(*found)
    return swept


def _read(read: Read, part: tuple[int, int], swept: Swept, step: Callable[[int], None]) -> Swept | None:
    for chunk in _chunks(*part):
        if not _check(read, chunk, swept):
            return None
        step(chunk[1])
    return swept


def _parts(processes: int, size: int) -> list[tuple[int, int]]:
    """A range of whole chunks for each process; at most eight, each with something to do."""
    count = max(1, min(processes, 8, 2 * size // WORTH_A_PROCESS))
    bounds = [size * part // count // CHUNK * CHUNK for part in range(count)]
    return list(zip(bounds, [*bounds[1:], size], strict=True))


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
    leaves = [sha256(b"\x00" + row[2]).digest() for row in entries]
    swept.tree.extend(leaves)
    if leaves != [row[2] for row in index] or leaves != [row[1] for row in entries]:
        return False
    authenticate = keys.index()
    return [authenticate(row[0].to_bytes(8, "big") + row[1] + row[2]) for row in index] == [row[3] for row in index]


def _check_columns(read: Read, entries: list[Any]) -> bool:
    """The columns must say what the header says. Where no column has a quotation mark, no other columns make the same frame."""
    odd = []
    instants = {at: _instant(at) for at in {row[4] for row in entries}}
    for entry, _, header, _, at, before, after, plain in entries:
        if not (plain and header.startswith(before + instants[at]) and header.endswith(after)):
            odd.append(UUID(bytes=entry))
    close = read(_COLUMNS, odd) if odd else []
    return not any(rows.columns_flaw(entry, header, tuple(columns)) for entry, header, *columns in close)


def _instant(at: bytes) -> bytes:
    second, micro = divmod(int.from_bytes(at, "big", signed=True), 1_000_000)
    return f'{_second(second)}{micro:06d}Z",'.encode()


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


def _fork(part: tuple[int, int]) -> tuple[int, Connection]:
    """A process for a range, which sends what it found."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = str(cursor.fetchone()[0])
    parameters = connection.get_connection_params()
    receiver, sender = Pipe(duplex=False)
    child = os.fork()
    if child:
        sender.close()
        return child, receiver
    try:
        sender.send(_work(parameters, snapshot, part))
    finally:
        os._exit(0)  # nothing of the parent's is closed or flushed here


def _work(parameters: dict[str, Any], snapshot: str, part: tuple[int, int]) -> _Found:
    with psycopg.connect(**parameters) as own:
        own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        own.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        own.execute("; ".join(BY_INDEX))
        swept = _read(_reader(own), part, Swept(), lambda _: None)
    return (
        None if swept is None else ([bytes(level) for level in swept.tree.levels], swept.links, bytes(swept.unlinked))
    )


def _wait_for(child: tuple[int, Connection]) -> _Found | _Failed:
    """What a process found: None when it is in doubt."""
    pid, receiver = child
    with receiver:
        try:
            found: _Found = receiver.recv()
        except EOFError:
            return _Failed()
        finally:
            os.waitpid(pid, 0)
    return found
