"""A file that was handed in is never readable on the disk: not on arrival, not in a part, not in the output, not after a kill."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import BodyTooLarge, GovernanceError
from pseudonymize import policies, publishing
from pseudonymize.errors import FileJobNotDone
from pseudonymize.models import FileJob
from pseudonymize.runs import file_jobs, files, parts
from tests.integration.pseudonymize.arranging import IMPORTER

ROOT = Path(__file__).parents[3]
CLIENT = Actor(ActorKind.CLIENT, "pipeline")
POLICY = """\
version: 1
domain: {id: sealed, purpose: model_training}
engine: {on_error: quarantine}
columns:
  email: {transform: token_mac, canonical: email@1}
  name: {transform: mask, keep: {first: 1}}
  note: {transform: keep}
"""
CANARY = "Przemyslawa-Canaryjska"


def table(rows: int = 60) -> pa.Table:
    """Every value has the canary; those of `note` pass into the output."""
    return pa.table(
        {
            "email": [f"{CANARY}{row}@Example.com" if row % 20 else CANARY for row in range(rows)],
            "name": [f"{CANARY} {row}" for row in range(rows)],
            "note": [f"called about {CANARY} {row}" for row in range(rows)],
        }
    )


def body(form: str, rows: int = 60) -> bytes:
    sink = io.BytesIO()
    if form == "csv":
        pyarrow.csv.write_csv(table(rows), sink)
    else:
        pq.write_table(table(rows), sink, compression="none", use_dictionary=False)
    assert CANARY.encode() in sink.getvalue()
    return sink.getvalue()


def readable(*roots: Path) -> list[str]:
    """The files under these directories in which the canary can be read, in any case and in UTF-16 too."""
    found = []
    for path in (path for root in roots for path in root.rglob("*") if path.is_file()):
        try:
            data = path.read_bytes().lower()
        except FileNotFoundError:
            continue
        if any(CANARY.lower().encode(code) in data for code in ("utf-8", "utf-16-le")):
            found.append(path.name)
    return found


@pytest.fixture
def var(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.ZGODA_VAR = tmp_path / "var"
    (tmp_path / "var").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    return tmp_path


def submitted(form: str, stream: Any = None) -> FileJob:
    publishing.publish(policies.load(POLICY), actor=IMPORTER)
    return file_jobs.submit(
        "sealed", form, stream or io.BytesIO(body(form)), activity="test", verdict_id=None, actor=CLIENT
    )


class Watched(io.BytesIO):
    """A body that looks at the disk after every piece."""

    def __init__(self, data: bytes, look: Callable[[], None]) -> None:
        super().__init__(data)
        self._look = look

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(min(size or 0, 500))
        self._look()
        return piece


@pytest.fixture
def watched(var: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was readable whenever a run made a part, put parts together or published."""
    seen: list[str] = []

    def before_and_after(module: Any, name: str) -> None:
        real = getattr(module, name)

        def looking(*given: Any, **terms: Any) -> Any:
            seen.extend(readable(var))
            done = real(*given, **terms)
            seen.extend(readable(var))
            return done

        monkeypatch.setattr(module, name, looking)

    for module, name in (
        (parts, "make"),
        (files._Counts, "add"),
        (files, "_admitted"),
        (files, "_gate"),
        (files, "_publish"),
    ):
        before_and_after(module, name)
    return seen


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_nothing_that_was_handed_in_is_readable_at_any_time(var: Path, watched: list[str], form: str) -> None:
    job = submitted(form, Watched(body(form), lambda: watched.extend(readable(var))))
    watched.extend(readable(var))
    assert drain(kinds=[file_jobs.RUN]).done == 1
    watched.extend(readable(var))
    assert watched == []

    with file_jobs.result(job.id, actor=CLIENT).file as file:
        data = file.read()
    back = pq.read_table(io.BytesIO(data)) if form == "parquet" else pyarrow.csv.read_csv(io.BytesIO(data))
    assert back["note"].to_pylist() == [text for row, text in enumerate(table()["note"].to_pylist()) if row % 20]
    quarantine = next(var.rglob("*.quarantine.csv")).read_text().splitlines()
    assert quarantine[0] == "row,column,reason"
    assert len(quarantine) == 4
    held = FileJob.objects.get().wrapped
    assert held is not None
    file_jobs.delete(job.id, actor=CLIENT)
    assert FileJob.objects.get().wrapped is None
    assert not list(file_jobs._places())
    assert readable(var) == []


@pytest.mark.django_db
def test_files_open_no_more_when_their_key_is_gone(var: Path) -> None:
    job = submitted("csv")
    drain(kinds=[file_jobs.RUN])
    FileJob.objects.update(expires_at=now() - timedelta(seconds=1))
    kept = {path: path.read_bytes() for path in var.rglob("output.csv")}
    assert file_jobs.purge() == 1
    assert not list(file_jobs._places())
    for path, data in kept.items():  # as a backup would bring them back
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    with pytest.raises(FileJobNotDone):
        file_jobs.result(job.id, actor=CLIENT)


@pytest.mark.django_db
def test_a_file_is_not_read_as_another_jobs(var: Path) -> None:
    first, second = submitted("csv"), submitted("csv")
    paths = [file_jobs._directory(job.id) / "input.csv" for job in (first, second)]
    paths[1].write_bytes(paths[0].read_bytes())
    with pytest.raises(GovernanceError) as broken:
        files.apply(
            policies.load(POLICY),
            paths[1],
            paths[1].with_name("output.csv"),
            actor=CLIENT,
            activity="test",
            storage=file_jobs._storage(FileJob.objects.get(id=second.id)),
        )
    assert broken.value.code == "seal_broken"


@pytest.mark.django_db
def test_an_upload_that_is_refused_or_cut_off_leaves_nothing_readable(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pseudonymize.runs.file_jobs.MOST_BYTES", 2_000)
    with pytest.raises(BodyTooLarge):
        submitted("csv")
    assert not list(file_jobs._places())

    class CutOff(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                os._exit(9)
            return super().read(1_000)

    child = os.fork()
    if not child:
        file_jobs._write(_arriving(), CutOff(body("csv")), file_jobs.Sealed(os.urandom(32), b"job"))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(list(file_jobs._places())) == 1
    assert readable(var) == []
    assert file_jobs.purge() == 0  # it may still be arriving
    (place,) = file_jobs._places()
    os.utime(place, (0, 0))
    assert file_jobs.purge() == 1


def _arriving() -> Path:
    place = file_jobs._root() / "01a2015b-0000-7000-8000-000000000000"
    place.mkdir(parents=True)
    return place / "input.csv"


CHILD = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from pathlib import Path
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
settings.ZGODA_KEYS_DIR, settings.ZGODA_VAR = Path(sys.argv[2]), Path(sys.argv[3])
from governance.jobs.worker import drain
from pseudonymize.runs import file_jobs, files
from pseudonymize.tables import row_files as tables
files.BATCH_ROWS, tables.CSV_BLOCK = 500, 40_000
print(drain(kinds=[file_jobs.RUN]))
"""


@pytest.mark.slow  # real processes are started and killed
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_kill_9_in_the_middle_leaves_nothing_readable_and_the_run_goes_on(var: Path, settings: Any, form: str) -> None:
    from django.db import connection

    job = submitted(form, io.BytesIO(body(form, 12_000)))
    arguments = [sys.executable, "-c", CHILD, connection.settings_dict["NAME"]]
    arguments += [str(settings.ZGODA_KEYS_DIR), str(settings.ZGODA_VAR)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(var / "scratch")}
    child = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.extend(readable(var))
            time.sleep(0.02)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        place = file_jobs._directory(job.id)
        until = time.monotonic() + 300  # against hanging; two seconds are usual
        while len(list(place.glob(f".output.{form}.run/*.tally"))) < 5:
            assert time.monotonic() < until
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    finally:
        stop.set()
        looking.join()
    assert list(place.glob(f".output.{form}.run/part-*"))
    assert seen + readable(var) == []

    Job.objects.filter(kind=file_jobs.RUN).update(lease_until=now() - timedelta(seconds=1))
    done = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
    assert "done=1" in done.stdout, done
    with file_jobs.result(job.id, actor=CLIENT).file as file:
        assert len(file.read()) > 100_000
    assert readable(var) == []
    assert json.loads(next(var.rglob("output.*.manifest.json")).read_text())["statement"]["rows"]["in"] == 12_000
