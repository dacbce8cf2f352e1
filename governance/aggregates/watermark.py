"""The last spend of this installation, kept outside the database: how a restored backup is noticed.

A restore brings back a ledger in which some spends never happened, while their answers are out. The database cannot
know; the key directory, which is never restored from an old copy (see the design of key destruction), can. For each
budget it holds the number and id of the last reservation made on this machine and what was used by then. Before the
next charge that reservation must exist.

Limits: each machine notices the loss of its own reservations, and a backup from before the budget existed is not
noticed here; the audit log's checkpoints notice both.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from governance.aggregates.errors import LedgerRolledBack


@dataclass(frozen=True, slots=True)
class Mark:
    """The last reservation that this machine made on a budget, and what the budget had used when it was made."""

    number: int
    reservation: str
    epsilon_used_micro: int
    delta_used_pico: int


def read(budget: UUID) -> Mark | None:
    """The mark of a budget, or None before the first spend. Raises LedgerRolledBack when the file does not hold one."""
    try:
        return Mark(**json.loads(_path(budget).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise LedgerRolledBack("The mark of the last spend cannot be read.") from error


def advance(budget: UUID, mark: Mark) -> None:
    """Move the mark forward, durably. Whoever comes late with a lower number leaves it as it is."""
    with _locked(budget):
        before = read(budget)
        if before is None or before.number < mark.number:
            _write(budget, mark)


def replace(budget: UUID, mark: Mark) -> None:
    """Set the mark, also backwards: only after a restore was accepted."""
    with _locked(budget):
        _write(budget, mark)


def _write(budget: UUID, mark: Mark) -> None:
    path = _path(budget)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(json.dumps(asdict(mark)).encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _locked(budget: UUID) -> Iterator[None]:
    path = _path(budget)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path(budget: UUID) -> Path:
    return Path(settings.ZGODA_KEYS_DIR) / "privacy-spent" / f"{budget}.json"
