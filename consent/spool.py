"""Withdrawals while the database is away: accepted to encrypted files, applied in order when it is back (Art. 7(3)).

Each is a file of its own. It is written beside, flushed, and renamed into place, and the directory is flushed too, before anybody is
told that it was accepted: so a kill at any point leaves it whole or not at all, and a torn file is never mistaken for one. Names
begin with the instant, so that their order is that of acceptance; each name is bound into the ciphertext, so that nobody reorders them.
The key is a file, not in the database.

While anything waits here the gate permits nothing: what was acknowledged is not yet in the ledger that it reads. A spool belongs to one
host: each host that takes withdrawals runs a worker, or they share the directory. What waits too long is told (`overdue`).

Packages say how their kind of withdrawal is applied (`applies`); applying one twice must come to the same.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from consent.errors import SpoolFull
from governance.kernel import crypto, secret_files
from governance.kernel.canonical import canonical_json
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Unavailable
from governance.kernel.ids import uuid7
from governance.kernel.logs import get_logger

DATABASE_AWAY: Final = (OperationalError, InterfaceError)
"""What Django raises when the database does not answer."""
MOST: Final = 50_000
"""How many withdrawals the spool holds; beyond that the answer is an honest 503."""
PATIENCE: Final = timedelta(minutes=5)
"""How long a withdrawal may wait once it was accepted before somebody is told."""
LONGEST: Final = 16_384
"""Bytes of one withdrawal."""

_logger = get_logger(__name__)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SUFFIX: Final = ".withdrawal"
_REFUSED: Final = "refused"
_WHERE: Final = "spool/consent"
_SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a directory's instant of change is taken at its word."""
_known_empty: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One withdrawal in the spool. `id` stays the same however often it is applied: make idempotency keys of it."""

    id: UUID
    kind: str
    accepted_at: datetime
    content: Mapping[str, str]


Apply: TypeAlias = "Callable[[Waiting], None]"
_appliers: dict[str, Apply] = {}


def applies(kind: str) -> Callable[[Apply], Apply]:
    """Register how withdrawals of a kind are applied. A GovernanceError that time does not mend puts one aside for a person to see."""

    def register(apply: Apply) -> Apply:
        _appliers[kind] = apply
        return apply

    return register


def accept(kind: str, content: Mapping[str, str]) -> UUID:
    """Keep a withdrawal; when this returns, it survives a crash of the machine. Returns its id.

    Raises SpoolFull when it cannot be kept: then nothing was accepted.
    """
    identifier, at = uuid7(), now()
    name = f"{int(at.timestamp() * 1_000_000):020d}-{identifier.hex}{_SUFFIX}"
    plain = canonical_json({"kind": kind, "at": at.isoformat(), "content": dict(content)})
    if len(plain) > LONGEST:
        raise SpoolFull("A withdrawal is short.")
    try:
        directory = _directory()
        if sum(1 for _ in os.scandir(directory)) >= MOST:
            raise SpoolFull("Too many withdrawals wait already.")
        _write(directory, name, crypto.seal(_key(), plain, [b"consent.spool", name.encode()]))
    except OSError as error:
        raise SpoolFull("The disk does not take it.") from error
    _logger.warning("withdrawal_spooled", kind=kind)
    return identifier


def pending() -> int:
    """How many withdrawals wait. Every question to the gate asks: while there are none it costs one `stat`."""
    directory = f"{settings.ZGODA_VAR}/{_WHERE}"
    try:
        changed = os.stat(directory).st_mtime_ns
    except FileNotFoundError:
        return 0
    if _known_empty.get(directory) == changed:
        return 0
    count = sum(1 for _ in _names(directory))
    # The clock of a file system ticks every few milliseconds: what changes twice within a tick looks as if it had changed once.
    if count == 0 and time.time_ns() - changed > _SETTLED:
        _known_empty[directory] = changed
    return count


def waiting_since() -> datetime | None:
    """Since when the withdrawal that waits longest here waits; None when none does. Names begin with that instant."""
    if not pending():
        return None
    oldest = min(_names(_directory()), default=None)
    return None if oldest is None else _EPOCH + timedelta(microseconds=int(oldest.partition("-")[0]))


def overdue() -> bool:
    """Whether something waits here longer than `PATIENCE`: then nobody drains this host's spool, and its gate stays shut."""
    since = waiting_since()
    return since is not None and now() - since > PATIENCE


def drain() -> int:
    """Apply what waits, in order; returns how many. One runner at a time. Stops where the database is away again.

    A file goes when what it says is committed. After a crash in between it is applied once more, which changes nothing.
    """
    if not pending():
        return 0
    applied = 0
    with _one_runner() as mine:
        if not mine:
            return 0
        directory = _directory()
        for name in sorted(_names(directory)):
            try:
                _apply(directory / name)
            except (*DATABASE_AWAY, Unavailable):
                _logger.warning("spool_not_drained", count=applied)
                break
            applied += 1
        _forget_torn(directory)
        _flush(directory)
    return applied


def refused() -> int:
    """How many withdrawals could not be applied and wait for a person."""
    path = _path() / _REFUSED
    return sum(1 for _ in path.iterdir()) if path.exists() else 0


def _apply(path: Path) -> None:
    try:
        waiting = _read(path)
        _appliers[waiting.kind](waiting)
    except Unavailable:
        raise
    except (GovernanceError, KeyError, ValueError) as error:
        aside = path.parent / _REFUSED
        aside.mkdir(exist_ok=True, mode=0o700)
        path.rename(aside / path.name)
        _logger.warning("spooled_withdrawal_refused", error_class=type(error).__name__)
    else:
        path.unlink()


def _read(path: Path) -> Waiting:
    plain = crypto.unseal(_key(), path.read_bytes(), [b"consent.spool", path.name.encode()])
    said = json.loads(plain)
    identifier = path.name.removesuffix(_SUFFIX).partition("-")[2]
    return Waiting(UUID(identifier), said["kind"], datetime.fromisoformat(said["at"]).astimezone(UTC), said["content"])


def _write(directory: Path, name: str, record: bytes) -> None:
    part = directory / f".{name}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(record)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, directory / name)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    _flush(directory)


def _flush(directory: Path) -> None:
    """Make what was renamed or removed there survive a crash of the machine."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget_torn(directory: Path) -> None:
    """Files that a crash left half written, of which nobody was told that they were accepted. Younger ones are being written."""
    old = now().timestamp() - 60
    for entry in os.scandir(directory):
        if entry.name.endswith(".part"):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < old:
                    os.unlink(entry.path)


def _names(directory: str | Path) -> Iterator[str]:
    return (entry.name for entry in os.scandir(directory) if entry.name.endswith(_SUFFIX))


@contextmanager
def _one_runner() -> Iterator[bool]:
    """Whether nobody else drains; asks the database, which has to be there anyway."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended('consent.spool', 0))")
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(*DATABASE_AWAY), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended('consent.spool', 0))")


def _path() -> Path:
    return Path(settings.ZGODA_VAR) / _WHERE


def _directory() -> Path:
    path = _path()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _key() -> bytes:
    return secret_files.load_or_create("spool.key", crypto.random_key)
