"""A policy over a file: part by part, so that memory does not grow with the file; resumable, so that a kill costs a part; all or nothing.

The output is put in its place only after the gates have passed and the manifest is signed. What a run does, in order: read the input in
batches of one size and make a part of each, by as many workers as asked; judge groups (k, l) over all parts and drop the rows that must
not leave; search a sample for personal data; put the parts together; sign. Called again with the same input and terms after a kill, it
goes on with the parts that are there, and the output is the same byte for byte.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from uuid import UUID

import pyarrow as pa

from governance.kernel.actors import Actor
from governance.kernel.progress import Progress, no_progress
from pseudonymize.errors import AlreadyPseudonymized, TableUnreadable
from pseudonymize.policies.policy import (
    DateShift,
    DetectText,
    Fpe,
    Noise,
    Policy,
    Rule,
    Synthetic,
    TokenForm,
    TokenMac,
)
from pseudonymize.risk import GroupCounts, RiskTerms, enforce
from pseudonymize.runs import manifests, parts
from pseudonymize.runs.manifests import Manifest, stream_sha256
from pseudonymize.runs.parts import Work, Workshop
from pseudonymize.runs.residual import Sample
from pseudonymize.runs.run import Purpose, Run
from pseudonymize.storage import PLAIN, Storage
from pseudonymize.tables import row_files
from pseudonymize.tables.frames import frame
from pseudonymize.tables.row_files import Reader

if TYPE_CHECKING:
    from governance.kernel.errors import JSON

BATCH_ROWS = 131_072
MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class FileRun:
    """A finished run over a file. `quarantine` is the list of rows that could not be transformed, when there are any."""

    output: Path
    manifest_path: Path
    manifest: Manifest
    quarantine: Path | None


def apply(
    policy: Policy,
    source: Path,
    output: Path,
    *,
    actor: Actor,
    activity: str,
    verdict_id: UUID | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
    storage: Storage = PLAIN,
) -> FileRun:
    """Pseudonymise a Parquet or CSV file into another; the endings (`.parquet`, `.csv`) say which is which.

    Writes `output`, `output.manifest.json` (the signed manifest), and `output.quarantine.csv` (row number, column and reason, no values)
    when rows were left out. Progress counts rows of the input; its total is 0 where it is not known (CSV). `workers`: how many parts are
    made at a time, each on a core of its own. `storage`: how the input lies there, and how whatever holds rows is written. Raises what
    `batch.apply` raises, AlreadyPseudonymized for an output of an earlier run where the policy could not tell, RunInProgress while
    another process writes this output.
    """
    reader = Reader(source, policy, BATCH_ROWS, storage)
    ending = row_files.format_of(output, "output")
    with storage.opened(source) as file:
        input_sha256 = stream_sha256(file)
    _require_new(policy, input_sha256)
    run = Run.begin(policy, Purpose(actor, activity, verdict_id))
    same: dict[str, JSON] = parts.identity(
        source,
        input_sha256=input_sha256,
        policy_sha256=policy.sha256,
        epoch=run.kit.epoch,
        activity=activity,
        verdict_id=str(verdict_id),
        ending=ending,
        batch_rows=BATCH_ROWS,
    )
    with parts.workshop(output, ending, same, storage) as place:
        run = _continued(run, place)
        return _carried_out(run, place, reader, output, workers=min(max(workers, 1), MOST_WORKERS), progress=progress)


def _continued(run: Run, place: Workshop) -> Run:
    """The run with the identity and the day of the one that was killed, where one was."""
    state = place.state
    return Run(
        policy=run.policy,
        purpose=run.purpose,
        published=run.published,
        kit=replace(run.kit, today=state.today),
        profiles=run.profiles,
        id=state.run_id,
        started_at=state.started_at,
    )


def _carried_out(
    run: Run, place: Workshop, reader: Reader, output: Path, *, workers: int, progress: Progress
) -> FileRun:
    schema = _schema(run, reader)
    with _beside(output) as bad:
        with place.storage.created(place.joined, name=output.name) as file, bad.open("w") as listed:
            joint = row_files.Joint(file, place.ending, schema)
            counts = _Counts(run, place, listed)

            def settled(number: int) -> None:
                counts.add(number)
                # Where no group is judged every row leaves, and a part is put behind the others while the next ones are made.
                if not run.policy.risk:
                    joint.add(place.storage.opened(place.data(number)))

            count = _make_parts(run, place, reader, schema, settled, workers=workers, progress=progress)
            if run.policy.risk:
                for path in _admitted(run, place, count, schema, run.policy.risk):
                    joint.add(place.storage.opened(path))
            _gate(run, place, reader, count, schema)
            digest = joint.finish()
        manifest = run.finish(digest, str(place.state.same["input_sha256"]))
        return _publish(manifest, output, place.joined, bad if run.tally.quarantined else None)


def _require_new(policy: Policy, sha256: str) -> None:
    """Tokens that say what they are are recognised one by one; of all others only the file as a whole can be."""
    blind = [name for name, rule in policy.columns.items() if _cannot_tell(rule)]
    if policy.idempotent and blind and manifests.is_output(sha256):
        raise AlreadyPseudonymized(
            f"The input is the output of an earlier run, and would be worked a second time: {', '.join(blind)}.",
            columns=blind,
        )


def _cannot_tell(rule: Rule) -> bool:
    bare = isinstance(rule, TokenMac) and rule.form in (TokenForm.BASE32, TokenForm.HEX)
    return bare or isinstance(rule, Fpe | Synthetic | DateShift | Noise)


def _schema(run: Run, reader: Reader) -> pa.Schema:
    """The columns of the output, from the policy over no rows at all: what cannot be worked is refused before anything is."""
    empty = reader.schema()
    return run.transformer.transform(empty, run.prepare(empty)).table.schema


def _make_parts(
    run: Run,
    place: Workshop,
    reader: Reader,
    schema: pa.Schema,
    settled: Callable[[int], None],
    *,
    workers: int,
    progress: Progress,
) -> int:
    """Make every part that is not there yet, and tell of each in order that it is. Returns how many there are. At most two per worker
    are in memory."""
    done = 0
    waiting: deque[tuple[Future[int], int]] = deque()

    def settle(most: int) -> None:
        nonlocal done
        while len(waiting) > most:
            future, rows = waiting.popleft()
            settled(future.result())
            done += rows
            progress(done, reader.rows)

    number = -1
    with _workers(run.policy, workers) as submit:
        for number, table in enumerate(reader.batches()):
            if place.tally(number) is None:
                work = Work(run.kit, schema, table, run.prepare(table), place, number)
                waiting.append((submit(work), len(table)))
            else:
                waiting.append((_already(number), len(table)))
            settle(most=0 if workers == 1 else 2 * workers - 1)
        settle(most=0)
    return number + 1


def _already(number: int) -> Future[int]:
    made: Future[int] = Future()
    made.set_result(number)
    return made


@contextlib.contextmanager
def _workers(policy: Policy, workers: int) -> Iterator[Callable[[Work], Future[int]]]:
    """Who makes parts: this thread alone; threads, whose work is in Arrow, NumPy and OpenSSL, outside of the interpreter's lock (two wait
    for it a fourteenth of their time); or processes where texts are searched, which is work inside it."""
    if workers == 1:
        yield _at_once
        return
    searches = any(isinstance(rule, DetectText) for rule in policy.columns.values())
    pool: Executor = (
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if searches else ThreadPoolExecutor(workers)
    )
    try:
        yield lambda work: pool.submit(parts.make, work)
    finally:
        pool.shutdown(cancel_futures=True)


def _at_once(work: Work) -> Future[int]:
    made: Future[int] = Future()
    made.set_result(parts.make(work))
    return made


class _Counts:
    """The counts of parts, added up in order in the run's tally while others are made; rows that could not be transformed are listed."""

    def __init__(self, run: Run, place: Workshop, listed: TextIO) -> None:
        self._run, self._place, self._listed = run, place, listed
        listed.write("row,column,reason\n")

    def add(self, number: int) -> None:
        tally = self._place.tally(number)
        if tally is None:
            raise TableUnreadable("The input changed while it was read.")
        first = self._run.tally.rows_in
        self._listed.writelines(f"{first + row},{_quoted(column)},{reason}\n" for row, column, reason in tally.bad)
        self._run.tally.add(tally)


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"' if set(column) & set(',"\n\r') else column


def _admitted(run: Run, place: Workshop, count: int, schema: pa.Schema, terms: RiskTerms) -> list[Path]:
    """The files of the rows that may leave by k and l. Raises RiskTooHigh."""
    whole = [place.data(number) for number in range(count)]
    groups = GroupCounts(terms)
    judged = [*terms.quasi, *terms.l]
    for path in whole:
        groups.add(frame(place.read(path, schema, judged)))
    run.assessment = groups.assess()
    enforce(run.assessment, terms)
    if not run.assessment.violating_rows:
        return whole
    run.tally.recount_output()
    return [_without_violating(run, place, number, schema, groups) for number in range(count)]


def _without_violating(run: Run, place: Workshop, number: int, schema: pa.Schema, groups: GroupCounts) -> Path:
    table = place.read(place.data(number), schema, schema.names)
    table = table.filter(groups.allow(frame(table)).to_arrow()).cast(schema)
    run.tally.count_output(table)
    place.write(table, place.admitted(number))
    return place.admitted(number)


def _gate(run: Run, place: Workshop, reader: Reader, count: int, schema: pa.Schema) -> None:
    """Search a sample of the output, beside what its rows were. Raises ResidualPersonalData."""
    if run.policy.gate is None:
        return
    sample = Sample(run.policy, run.policy.gate, place.state.seed)
    for number, source in zip(range(count), reader.batches(sample.columns_before), strict=True):
        output = place.read(place.data(number), schema, sample.columns_after)
        tally = place.tally(number)
        lost = sorted({row for row, _, _ in tally.bad}) if tally else []
        kept = [True] * len(source)
        for row in lost:
            kept[row] = False
        sample.add(
            source.filter(pa.array(kept, pa.bool_())) if lost else source, output, tally.rows_out if tally else 0
        )
    run.gate = sample.judge()


@contextlib.contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A file of its own in the output's directory, readable by nobody else, gone at the end unless it was moved away."""
    path = output.with_name(f".{output.name}.{secrets.token_hex(6)}")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        raise TableUnreadable("The output's directory cannot be written.") from None
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _publish(manifest: Manifest, output: Path, final: Path, bad: Path | None) -> FileRun:
    """Move everything into place, the output last: where it is, its manifest is too."""
    manifest_path = output.with_name(f"{output.name}.manifest.json")
    quarantine = output.with_name(f"{output.name}.quarantine.csv")
    with _beside(manifest_path) as written:
        written.write_text(manifest.as_file())
        _move(written, manifest_path)
    if bad is None:
        quarantine.unlink(missing_ok=True)  # that of an earlier output in this place
    else:
        _move(bad, quarantine)
    _move(final, output)
    return FileRun(output, manifest_path, manifest, quarantine if bad is not None else None)


def _move(source: Path, target: Path) -> None:
    row_files.fsync(source)
    source.replace(target)
