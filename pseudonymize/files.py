"""A policy over a file: batch by batch, so that memory does not grow with the file, and all or nothing.

The output is written beside its place and moved there only after the gates have passed and the manifest is signed; a run that
stops leaves nothing behind. With groups to judge (k, l) it takes two passes: the first writes what may have to lose rows.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from governance.kernel.actors import Actor
from governance.kernel.progress import Progress, no_progress
from pseudonymize.errors import TableUnreadable
from pseudonymize.manifests import Manifest, file_sha256
from pseudonymize.policies.policy import Buckets, DateShift, Keep, Periods, Policy
from pseudonymize.run import PolicyRun

BATCH_ROWS = 100_000
_CSV_BLOCK = 16 * 1024 * 1024


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
    progress: Progress = no_progress,
) -> FileRun:
    """Pseudonymise a Parquet or CSV file into another; the endings (`.parquet`, `.csv`) say which is which.

    Writes `output`, `output.manifest.json` (the signed manifest), and `output.quarantine.csv` (row number and column, no values)
    when rows were left out. Progress counts rows of the input; its total is 0 where it is not known (CSV). Raises what
    `batch.apply` raises.
    """
    reader = _Reader(source, policy)
    write = _writer(output)
    run = PolicyRun(policy, actor=actor, activity=activity, verdict_id=verdict_id)
    with _beside(output) as first, _beside(output) as final, _beside(output) as bad:
        quarantined = _first_pass(run, reader, first, bad, progress)
        run.settle()
        write(_admitted(run, first), final)
        manifest = run.finish(file_sha256(final))
        return _publish(manifest, output, final, bad if quarantined else None)


def _first_pass(run: PolicyRun, reader: _Reader, first: Path, bad: Path, progress: Progress) -> int:
    """Transform every batch into the intermediate file; note the rows that could not be."""
    done = quarantined = 0
    writer: pa.ipc.RecordBatchFileWriter | None = None
    with bad.open("w") as rows:
        rows.write("row\n")
        try:
            for batch in reader.batches():
                transformed = run.transform(batch)
                writer = writer or pa.ipc.new_file(str(first), transformed.table.schema)
                writer.write_table(transformed.table)
                for row in transformed.failed.nonzero()[0].tolist():
                    rows.write(f"{done + row}\n")
                    quarantined += 1
                done += len(batch)
                progress(done, reader.rows)
        except pa.ArrowException:
            raise TableUnreadable("The batches of the file do not fit together.") from None
        finally:
            if writer is not None:
                writer.close()
    return quarantined


def _admitted(run: PolicyRun, first: Path) -> Iterator[pa.Table]:
    with pa.memory_map(str(first)) as mapped, pa.ipc.open_file(mapped) as stored:
        if stored.num_record_batches == 0:
            yield run.admit(stored.schema.empty_table())
        for number in range(stored.num_record_batches):
            yield run.admit(pa.Table.from_batches([stored.get_batch(number)]))


class _Reader:
    """A file as tables of at most BATCH_ROWS rows."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self._path, self._policy = path, policy
        self.rows = 0
        if not path.is_file():
            raise TableUnreadable("The input file does not exist.")
        match path.suffix:
            case ".parquet":
                self.batches = self._parquet
            case ".csv":
                self.batches = self._csv
            case _:
                raise TableUnreadable("The input is neither .parquet nor .csv.")

    def _parquet(self) -> Iterator[pa.Table]:
        try:
            with pyarrow.parquet.ParquetFile(self._path) as file:
                self.rows = file.metadata.num_rows
                empty = file.schema_arrow.empty_table()
                found = False
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    found = True
                    yield pa.Table.from_batches([batch])
                if not found:
                    yield empty
        except (pa.ArrowException, OSError):
            raise TableUnreadable("The input is not a Parquet file that can be read.") from None

    def _csv(self) -> Iterator[pa.Table]:
        """Identifiers and free text stay as they are written (0123 is no number); only rules about numbers and dates infer."""
        inferring = (Buckets, Periods, DateShift, Keep)
        types = {name: pa.string() for name, rule in self._policy.columns.items() if not isinstance(rule, inferring)}
        options = pyarrow.csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        try:
            with pyarrow.csv.open_csv(
                self._path, pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK), convert_options=options
            ) as stream:
                found = False
                for batch in stream:
                    found = True
                    yield pa.Table.from_batches([batch])
                if not found:
                    yield stream.schema.empty_table()
        except pa.ArrowException:
            # Arrow's message quotes the cell.
            raise TableUnreadable("The input is not a CSV file with one type per column.") from None


def _writer(output: Path) -> Callable[[Iterator[pa.Table], Path], None]:
    match output.suffix:
        case ".parquet":
            return _write_parquet
        case ".csv":
            return _write_csv
        case _:
            raise TableUnreadable("The output is neither .parquet nor .csv.")


def _write_parquet(tables: Iterator[pa.Table], path: Path) -> None:
    first = next(tables)
    with pyarrow.parquet.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _write_csv(tables: Iterator[pa.Table], path: Path) -> None:
    first = next(tables)
    with pyarrow.csv.CSVWriter(str(path), first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


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
    quarantine = output.with_name(f"{output.name}.quarantine.csv") if bad else None
    with _beside(manifest_path) as written:
        written.write_text(manifest.as_file())
        _move(written, manifest_path)
    if bad is not None and quarantine is not None:
        _move(bad, quarantine)
    _move(final, output)
    return FileRun(output, manifest_path, manifest, quarantine)


def _move(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
