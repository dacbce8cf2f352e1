"""Who writes, and how much of it was committed: so that nobody can take an entry away before it has a number.

The tree protects what is numbered. Between its commit and its number an entry is two rows that the owner of the database could delete.
So each thread of each process counts its entries, and the count goes into the tag of the staged row: the sequencer sees a hole. A hole
at the end shows in a file beside the service, where the writer notes how far it has committed.

A rollback leaves no hole: the next entry takes the number again. A writer that cannot know whether its last commit went through (the
connection broke) is succeeded by a new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.kernel.ids import uuid7

_NUMBER_BYTES = 8


@dataclass(slots=True, eq=False)
class Writer:
    """One thread's count. ``committed`` is certain; ``reserved`` is what an open transaction, or one in doubt, has taken."""

    id: UUID = field(default_factory=uuid7)
    process: int = field(default_factory=os.getpid)
    session: object = None
    committed: int = 0
    reserved: int = 0
    file: int | None = None

    def note(self, number: int) -> None:
        """Everything up to ``number`` is committed: say so where no row can be deleted."""
        self.committed = self.reserved = number
        if self.file is None:
            directory = _directory()
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.file = os.open(directory / str(self.id), os.O_WRONLY | os.O_CREAT, 0o600)
            fcntl.flock(self.file, fcntl.LOCK_EX)  # held for as long as this process lives, however it ends
        os.pwrite(self.file, number.to_bytes(_NUMBER_BYTES, "big"), 0)

    def __del__(self) -> None:
        """Its thread has ended."""
        if self.file is not None:
            os.close(self.file)


class _Transaction:
    """Stands first among a transaction's commit hooks, where Django forgets it when the transaction ends, however it ends."""

    __slots__ = ("id",)

    def __init__(self) -> None:
        self.id = uuid7()

    def __call__(self) -> None:
        """Nothing is left to do at commit."""


class _Tally:
    """The numbers that one savepoint took; behind the transaction's hook. Django drops it when the savepoint is rolled back."""

    __slots__ = ("savepoints", "upto", "writer")

    def __init__(self, writer: Writer, upto: int, savepoints: frozenset[str | None]) -> None:
        self.writer, self.upto, self.savepoints = writer, upto, savepoints

    def __call__(self) -> None:
        if not connection.in_atomic_block:  # some tests run hooks without a commit
            self.writer.note(self.upto)


def here() -> BaseDatabaseWrapper:
    """This thread's connection itself: ``django.db.connection`` looks it up with every attribute that one asks for."""
    return connections[DEFAULT_DB_ALIAS]


def transaction_group(here: BaseDatabaseWrapper) -> UUID:
    """The id that groups the entries of the open transaction.

    PostgreSQL's own number would cost a round trip and does not survive a restore.
    """
    hooks = here.run_on_commit
    if hooks and isinstance(hooks[0][1], _Transaction):
        return hooks[0][1].id
    marker = _Transaction()
    # Not transaction.on_commit(): a hook of no savepoint stays when an inner block is rolled back. First, so that a hook that writes
    # entries of its own finds the count of this transaction settled.
    hooks.insert(0, (set(), marker, False))  # type: ignore[arg-type]  # the stubs lack Django's third element
    return marker.id


def take(here: BaseDatabaseWrapper, count: int) -> tuple[UUID, int]:
    """The writer of this thread, and the first of ``count`` numbers for entries of the open transaction."""
    transaction_group(here)
    hooks = here.run_on_commit
    savepoints = frozenset(here.savepoint_ids)
    last, place = _last_tally(hooks, savepoints)
    if last is None:
        writer = _writer(here)
        first = writer.committed + 1
    else:
        writer = last.writer
        first = last.upto + 1
    writer.reserved = first + count - 1
    if last is not None and last.savepoints == savepoints:
        last.upto = writer.reserved
    else:
        tally = _Tally(writer, writer.reserved, savepoints)
        hooks.insert(place, (set(savepoints), tally, False))  # type: ignore[arg-type]  # as above
    return writer.id, first


def _last_tally(hooks: list[Any], open_savepoints: frozenset[str | None]) -> tuple[_Tally | None, int]:
    """The last tally that no rollback took away, and the place behind it. Tallies that share their fate become one, so there are
    never more of them than nested savepoints."""
    last: _Tally | None = None
    place = 1
    while place < len(hooks):
        tally = hooks[place][1]
        if not isinstance(tally, _Tally):
            break
        tally.savepoints &= open_savepoints  # a savepoint that was released is its parent's
        if last is not None and last.savepoints == tally.savepoints:
            del hooks[place - 1]
            place -= 1
        last = tally
        place += 1
    return last, place


def _writer(here: BaseDatabaseWrapper) -> Writer:
    """The count of this thread; a new one after a fork, and after a connection broke with a commit in doubt."""
    writer: Writer | None = getattr(here, "_zgoda_writer", None)
    session = here.connection
    doubtful = writer is not None and writer.session is not session and writer.reserved != writer.committed
    if writer is None or writer.process != os.getpid() or doubtful:
        writer = Writer()
        here._zgoda_writer = writer  # type: ignore[attr-defined]
    writer.session = session
    return writer


def holes(counted: int, found: Iterable[int]) -> Iterator[tuple[int, int]]:
    """What is missing of a writer that counted so far, where these numbers came after: the numbers before and at the end of each hole."""
    last = counted
    for number in sorted(found):
        if number > last + 1:
            yield last, number - 1
        last = max(last, number)


def forget() -> None:
    """Begin anew: for tests that empty the database under a process that goes on."""
    connection._zgoda_writer = None  # type: ignore[attr-defined]
    if _directory().is_dir():
        for file in _directory().iterdir():
            file.unlink(missing_ok=True)


def noted() -> Iterator[tuple[UUID, int]]:
    """What the writers of this machine said they have committed. Read before the rows are."""
    if not _directory().is_dir():
        return
    for path in sorted(_directory().iterdir()):
        try:
            yield UUID(path.name), int.from_bytes(path.read_bytes()[:_NUMBER_BYTES], "big")
        except (ValueError, FileNotFoundError):
            continue  # not ours, or cleared away just now


def clear(writer: UUID) -> None:
    """Take away the note of a writer all of whose entries have numbers, once its process has ended."""
    path = _directory() / str(writer)
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return  # it lives, or somebody else cleared it


def _directory() -> Path:
    """Per database, so that a test's writers are no concern of the service's."""
    where = connection.settings_dict
    return Path(settings.ZGODA_VAR) / "writers" / f"{where['NAME']}-{where['HOST']}-{where['PORT']}".replace("/", "_")
