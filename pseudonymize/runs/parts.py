"""The parts of a run over a file: what is done stays done, so that a killed run goes on where it was and ends with the same bytes.

They lie in a directory beside the output that nobody else may read, `.OUTPUT.run/`: a state that says which run this is, and for each part
its pseudonymised rows and its counts. The directory goes with the run, whether it ends well or is refused; only a kill leaves it.
Sealed, where the run's storage seals: rows that were not judged yet may hold what detection missed, and counts hold hashes of values.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from governance.kernel.clock import now, today
from governance.kernel.errors import JSON, GovernanceError
from governance.kernel.ids import uuid7
from pseudonymize.columns.transformer import Prepared, Transformer
from pseudonymize.errors import RunInProgress, TableUnreadable
from pseudonymize.kits.kit import Kit
from pseudonymize.runs.tally import Tally
from pseudonymize.storage import PLAIN, Storage
from pseudonymize.tables import row_files

_FORMAT = 3
_STATE, _LOCK = "state.json", "lock"


@dataclass(frozen=True)
class State:
    """Which run this is. What another run over the same input would have to have in common is in ``same``."""

    run_id: UUID
    seed: int
    started_at: datetime
    today: date
    same: dict[str, JSON]

    @classmethod
    def fresh(cls, same: dict[str, JSON]) -> State:
        return cls(uuid7(), secrets.randbits(128), now(), today(), same)

    def as_json(self) -> dict[str, JSON]:
        return {
            "format": _FORMAT,
            "run": str(self.run_id),
            "seed": str(self.seed),
            "started_at": self.started_at.isoformat(),
            "today": self.today.isoformat(),
            "same": self.same,
        }


def identity(source: Path, **terms: JSON) -> dict[str, JSON]:
    """What makes two calls one run: the very input, unchanged, and the same terms and writers."""
    import polars as pl

    at = source.stat()
    return {"size": at.st_size, "modified": at.st_mtime_ns, "arrow": pa.__version__, "polars": pl.__version__, **terms}


@dataclass(frozen=True)
class Workshop:
    """The directory of a run."""

    directory: Path
    ending: str
    state: State
    storage: Storage = PLAIN

    def data(self, number: int) -> Path:
        return self.directory / f"part-{number:06d}{self.ending}"

    def admitted(self, number: int) -> Path:
        """Where the part's rows that may leave lie, when some may not."""
        return self.directory / f"admitted-{number:06d}{self.ending}"

    @property
    def joined(self) -> Path:
        """The parts put together, before anybody may have it."""
        return self.directory / f"joined{self.ending}"

    def tally_path(self, number: int) -> Path:
        return self.directory / f"part-{number:06d}.tally"

    def tally(self, number: int) -> Tally | None:
        """The counts of a part that is done, else None."""
        path = self.tally_path(number)
        if not path.exists() or not self.data(number).exists():
            return None
        with self.storage.opened(path) as file:
            return Tally.from_bytes(file.read())

    def read(self, path: Path, schema: pa.Schema, columns: Iterable[str]) -> pa.Table:
        """These columns of a part's rows."""
        return row_files.read_part(path, self.ending, self.storage, schema, columns)

    def write(self, table: pa.Table, path: Path, repeating: Collection[str] | None = None) -> None:
        """A part's rows; see `tables.write_part`."""
        row_files.write_part(table, path, self.ending, self.storage, repeating=repeating)


@contextlib.contextmanager
def workshop(output: Path, ending: str, same: dict[str, JSON], storage: Storage = PLAIN) -> Iterator[Workshop]:
    """The directory of the run that writes ``output``: that of a killed run which was the same, or a new one.

    It is gone at the end, well or refused; a kill, an interruption or a fault leaves it, and the same call goes on there. Raises
    RunInProgress while another process has it, TableUnreadable where nothing can be written.
    """
    directory = output.with_name(f".{output.name}.run")
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        raise TableUnreadable("The output's directory cannot be written.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunInProgress from None
        try:
            yield Workshop(directory, ending, _state(directory, same), storage)
        except GovernanceError:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)


def _state(directory: Path, same: dict[str, JSON]) -> State:
    """The state of the killed run when it was this one; else a new one, and nothing else in the directory."""
    path = directory / _STATE
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text())
        if kept["format"] == _FORMAT and kept["same"] == same:
            started, day = datetime.fromisoformat(kept["started_at"]), date.fromisoformat(kept["today"])
            return State(UUID(kept["run"]), int(kept["seed"]), started, day, same)
    for entry in directory.iterdir():
        if entry.name != _LOCK:
            entry.unlink()
    state = State.fresh(same)
    half = directory / f"{_STATE}.half"
    half.write_text(json.dumps(state.as_json()))
    row_files.fsync(half)
    half.replace(path)
    return state


@dataclass(frozen=True, repr=False)
class Work:
    """One part to be made. A worker needs nothing else."""

    kit: Kit
    schema: pa.Schema
    source: pa.Table
    prepared: Prepared
    place: Workshop
    number: int


def make(work: Work) -> int:
    """Transform one part, write it and then its counts; returns its number. Raises what `Transformer.transform` raises."""
    done = Transformer(work.kit).transform(work.source, work.prepared)
    tally = Tally.of(work.source, done, work.kit.policy.columns)
    try:
        table = done.table if done.table.schema == work.schema else done.table.cast(work.schema)
    except (pa.ArrowException, ValueError):
        raise TableUnreadable("The batches of the file do not fit together.") from None
    repeating = [name for name in table.column_names if _repeats(name, tally)]
    work.place.write(table, work.place.data(work.number), repeating)
    with row_files.written(work.place.tally_path(work.number), work.place.storage) as counts:
        counts.write(tally.to_bytes())
    return work.number


def _repeats(name: str, tally: Tally) -> bool:
    """Whether a column's values are worth a dictionary in the file: those that come twice on average. Looking for one costs as much as
    writing."""
    return tally.outputs[name].distinct.estimate() * 2 <= tally.rows_out
