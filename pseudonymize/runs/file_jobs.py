"""Files that clients hand in: kept in a directory of the job's own, worked by a job, collected, deleted.

Everything that holds rows is sealed from its first byte on, under a key of the job's own: the input as it arrives, the parts of the run,
the output. The key is wrapped in the job's row and goes with the files, so that no copy of them opens afterwards. The input is deleted
when the run ends, whatever came of it; the output when it is collected and deleted, or after a day. Only whoever handed a file in sees
its job.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction

from governance.jobs.handlers import Args, every, handles
from governance.jobs.queue import schedule
from governance.kernel import crypto
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import BodyTooLarge, GovernanceError
from governance.kernel.ids import uuid7
from pseudonymize import locks
from pseudonymize.errors import BodyUnreadable, FileJobNotDone, FileJobUnknown, KeyDestroyed, PolicyUnknown
from pseudonymize.keys import kek, wrapping
from pseudonymize.models import FileJob, PolicyVersion, WorkState
from pseudonymize.policies.parsing import parse
from pseudonymize.runs import files
from pseudonymize.storage import Sealed
from pseudonymize.tables import bounded

if TYPE_CHECKING:
    from governance.jobs.leases import Lease

RUN = "pseudonymize.file"
FORMATS = {"application/vnd.apache.parquet": "parquet", "text/csv": "csv"}
MOST_BYTES = 1024**3
KEPT = timedelta(hours=24)
_PIECE = 1024 * 1024


class Stream(Protocol):
    """A body that is read piece by piece."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Result:
    """A job's output: its form (`parquet` or `csv`), and its bytes, opened as they are read. Whoever takes it closes it."""

    form: str
    file: BinaryIO


def submit(policy: str, form: str, body: Stream, *, activity: str, verdict_id: UUID | None, actor: Actor) -> FileJob:
    """Take a file (`parquet` or `csv`) and have a job run the latest version of a policy over it.

    Raises PolicyUnknown, BodyTooLarge, BodyUnreadable for an empty one, KeyProviderUnavailable, and what `bounded.require_file` raises:
    then nothing is kept.
    """
    version = PolicyVersion.objects.filter(name=policy).order_by("-number").first()
    if version is None:
        raise PolicyUnknown(name=policy)
    identifier, at = uuid7(), now()
    storage, wrapped = _new_key(identifier)
    place = _directory(identifier)
    place.mkdir(parents=True, mode=0o700)
    try:
        size = _write(place / f"input.{form}", body, storage)
        rows = bounded.require_file(place / f"input.{form}", storage)
        with transaction.atomic():
            row = FileJob.objects.create(
                id=identifier,
                policy=version,
                activity=activity,
                verdict_id=verdict_id,
                format=form,
                actor=str(actor),
                rows_total=rows,
                bytes_in=size,
                wrapped=wrapped.record,
                kek_version=wrapped.version,
                created_at=at,
                expires_at=at + KEPT,
            )
            schedule(RUN, {"file": str(identifier)}, key=f"{RUN}:{identifier}")
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return row


def find(identifier: UUID, *, actor: Actor) -> FileJob:
    """The job, for whoever handed it in. Raises FileJobUnknown."""
    row = FileJob.objects.select_related("policy", "manifest").filter(id=identifier, actor=str(actor)).first()
    if row is None:
        raise FileJobUnknown
    return row


def result(identifier: UUID, *, actor: Actor) -> Result:
    """The output. Raises FileJobUnknown, FileJobNotDone while there is none, or none any more."""
    row = find(identifier, actor=actor)
    path = _directory(identifier) / f"output.{row.format}"
    if row.state != WorkState.DONE or row.wrapped is None or not path.exists():
        raise FileJobNotDone(state=row.state)
    return Result(row.format, _storage(row).opened(path))


def delete(identifier: UUID, *, actor: Actor) -> None:
    """Delete a finished job's files now. Raises FileJobUnknown, FileJobNotDone while it runs."""
    row = find(identifier, actor=actor)
    if row.state in (WorkState.WAITING, WorkState.RUNNING):
        raise FileJobNotDone(state=row.state)
    _forget(row)


@handles(RUN, max_attempts=4, lease_seconds=300)
def work(args: Args, lease: Lease) -> None:
    """Run the policy over the file. After a crash it goes on where it stopped; a problem is the job's result and not tried again."""
    row = FileJob.objects.select_related("policy").get(id=UUID(str(args["file"])))
    if row.state in (WorkState.DONE, WorkState.FAILED):
        return
    FileJob.objects.filter(id=row.id).update(state=WorkState.RUNNING)
    place = _directory(row.id)

    def progress(done: int, total: int) -> None:
        FileJob.objects.filter(id=row.id).update(rows_done=done)
        lease.heartbeat()

    try:
        done = files.apply(
            parse(row.policy.text),
            place / f"input.{row.format}",
            place / f"output.{row.format}",
            actor=_actor(row.actor),
            activity=row.activity,
            verdict_id=row.verdict_id,
            progress=progress,
            storage=_storage(row),
        )
    except GovernanceError as problem:
        if problem.status >= 500:
            raise
        document = {"code": problem.code, "title": str(problem.title), "detail": str(problem.detail)}
        _finish(row, WorkState.FAILED, problem=document)
        _forget(row)
        return
    rows = done.manifest.statement["rows"]
    total = int(str(rows["in"])) if isinstance(rows, dict) else row.rows_done
    _finish(row, WorkState.DONE, manifest_id=done.manifest.id, rows_done=total, rows_total=total)
    (place / f"input.{row.format}").unlink(missing_ok=True)


def _finish(row: FileJob, state: WorkState, **values: object) -> None:
    FileJob.objects.filter(id=row.id).update(state=state, finished_at=now(), **values)


def _new_key(identifier: UUID) -> tuple[Sealed, wrapping.Wrapped]:
    """A key for the files of a job, and the same wrapped under the current version of the key-encryption key."""
    key = crypto.random_key()
    with transaction.atomic():
        locks.share_vault()
        version = kek.current_version()
        unbound = wrapping.of_file_job(identifier, version, b"")
        (record,) = wrapping.wrap(version, [key], [unbound.parts])
    return Sealed(key, identifier.bytes), wrapping.of_file_job(identifier, version, record)


def _storage(row: FileJob) -> Sealed:
    """How the job's files are read and written. Raises KeyDestroyed when their key is gone."""
    if row.wrapped is None or row.kek_version is None:
        raise KeyDestroyed("The key of this file is gone: hand it in again.")
    return Sealed(wrapping.unwrap([_wrapped(row)])[0], row.id.bytes)


def _wrapped(row: FileJob) -> wrapping.Wrapped:
    return wrapping.of_file_job(row.id, row.kek_version or 0, bytes(row.wrapped or b""))


def _forget(row: FileJob) -> None:
    """Destroy the key of a job's files, then delete them: what is left on the disk, or in a copy of it, opens no more."""
    if row.wrapped is not None:
        FileJob.objects.filter(id=row.id).update(wrapped=None)
        wrapping.drop(_wrapped(row))
    shutil.rmtree(_directory(row.id), ignore_errors=True)


@every(seconds=3600, name="pseudonymize.expired_files")
def purge() -> int:
    """Forget the files of jobs that nobody collected in time, and what uploads that were cut off left. Returns how many that were."""
    expired = list(FileJob.objects.filter(expires_at__lte=now(), wrapped__isnull=False))
    for row in expired:
        _forget(row)
    known = {
        str(identifier) for identifier in FileJob.objects.filter(expires_at__gt=now()).values_list("id", flat=True)
    }
    left = [place for place in _places() if place.name not in known and not _arriving(place)]
    for place in left:
        shutil.rmtree(place, ignore_errors=True)
    return len(expired) + len(left)


def _arriving(place: Path) -> bool:
    """Whether a file may still be on its way into a directory: it has no row before it is whole."""
    try:
        return place.stat().st_mtime > (now() - KEPT).timestamp()
    except FileNotFoundError:
        return False


def _places() -> Iterator[Path]:
    root = _root()
    yield from (place for place in root.iterdir() if place.is_dir()) if root.exists() else ()


def _root() -> Path:
    return Path(settings.ZGODA_VAR) / "pseudonymize" / "files"


def _directory(identifier: UUID) -> Path:
    return _root() / str(identifier)


def _write(path: Path, body: Stream, storage: Sealed) -> int:
    size = 0
    with storage.created(path, name=path.name) as file:
        while piece := body.read(_PIECE):
            size += len(piece)
            if size > MOST_BYTES:
                raise BodyTooLarge(f"A file has at most {MOST_BYTES} bytes.", limit=MOST_BYTES)
            file.write(piece)
    if not size:
        raise BodyUnreadable("The body is empty.")
    return size


def _actor(text: str) -> Actor:
    kind, _, identifier = text.partition(":")
    return Actor(ActorKind(kind), identifier)
