"""A run that is killed goes on where it was, and its output is that of a run nobody disturbed, byte for byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from governance.kernel.errors import GovernanceError
from pseudonymize.errors import AlreadyPseudonymized, ResidualPersonalData, RunInProgress
from pseudonymize.models import Manifest
from pseudonymize.policies import load
from pseudonymize.runs import files, manifests, parts
from tests.integration.pseudonymize.arranging import IMPORTER
from tests.integration.pseudonymize.tables import policy, table

ROOT = Path(__file__).parents[3]
RISK = "risk: {quasi: [born, post], k: 3, on_violation: suppress, max_suppressed: 0.9}\n"


class Interrupted(BaseException):
    """Stands for a kill: nothing catches it."""


def over(source: Path, output: Path, rules: Any, **terms: Any) -> files.FileRun:
    return files.apply(rules, source, output, actor=IMPORTER, activity="test", **terms)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    whole = table(60)
    emails = whole["email"].to_pylist()
    emails[3], emails[40] = "nobody", "x@"
    path = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(whole.set_column(1, "email", pa.array(emails)), path)
    return path


def interrupted_after(monkeypatch: pytest.MonkeyPatch, parts_done: int) -> None:
    """Let so many parts be made, then stop as a kill would: at once, cleaning nothing up."""
    make, made = parts.make, []

    def until_then(work: parts.Work) -> int:
        if len(made) == parts_done:
            raise Interrupted
        made.append(work.number)
        return make(work)

    monkeypatch.setattr(parts, "make", until_then)


@pytest.mark.django_db
@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("extra", ["", RISK])
@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, extra: str, workers: int
) -> None:
    rules = policy(on_error="quarantine", extra=extra)
    whole = over(source, tmp_path / f"whole.{ending}", rules)
    output = tmp_path / f"out.{ending}"
    for stop_after in (2, 3):
        with monkeypatch.context() as patch:
            interrupted_after(patch, stop_after)
            with pytest.raises(Interrupted):
                over(source, output, rules)
        assert not output.exists()
    left = sorted(path.name for path in (tmp_path / f".out.{ending}.run").glob("part-*.tally"))
    assert len(left) == 5
    done = over(source, output, rules, workers=workers)

    assert output.read_bytes() == whole.output.read_bytes()
    assert done.quarantine is not None
    assert whole.quarantine is not None
    assert done.quarantine.read_bytes() == whole.quarantine.read_bytes()
    for part in ("rows", "columns", "risk", "input_sha256", "output_sha256"):
        assert done.manifest.statement[part] == whole.manifest.statement[part]
    assert not (tmp_path / f".out.{ending}.run").exists()


@pytest.mark.django_db
def test_a_run_that_died_after_it_was_signed_has_one_manifest(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.parquet"

    def killed(*args: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(files, "_publish", killed)
        with pytest.raises(Interrupted):
            over(source, output, policy(on_error="quarantine"))
    assert Manifest.objects.count() == 1
    done = over(source, output, policy(on_error="quarantine"))
    assert Manifest.objects.get().id == done.manifest.id
    assert manifests.verify(done.manifest.jws, output)


@pytest.mark.django_db
def test_parts_of_another_input_or_policy_are_not_gone_on_with(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.parquet"
    with monkeypatch.context() as patch:
        interrupted_after(patch, 4)
        with pytest.raises(Interrupted):
            over(source, output, policy(on_error="quarantine"))
    other = table(60)
    pyarrow.parquet.write_table(other, source)
    done = over(source, output, policy(on_error="quarantine"))
    assert done.quarantine is None
    assert pyarrow.parquet.read_table(output)["label"].to_pylist() == other["label"].to_pylist()


@pytest.mark.django_db
def test_a_refused_run_leaves_nothing_and_two_do_not_write_one_output(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    strict = policy(on_error="fail")
    with pytest.raises(GovernanceError):
        over(source, output, strict)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["in.parquet"]
    with parts.workshop(output, ".parquet", {"another": "run"}), pytest.raises(RunInProgress):
        over(source, output, policy(on_error="quarantine"))


@pytest.mark.django_db
def test_workers_make_the_same_file(source: Path, tmp_path: Path) -> None:
    rules = policy(on_error="quarantine")
    one = over(source, tmp_path / "one.parquet", rules)
    many = over(source, tmp_path / "many.parquet", rules, workers=4)
    assert one.output.read_bytes() == many.output.read_bytes()


@pytest.mark.django_db
def test_an_output_is_not_worked_a_second_time_where_nothing_else_could_tell(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    pyarrow.csv.write_csv(pa.table({"card": ["4111111111111111", "5555555555554444"]}), source)
    text = "version: 1\ndomain: {{id: cards, purpose: training}}\nengine: {{idempotent: {}}}\ncolumns: {{card: {{transform: fpe_ff1}}}}"
    first = over(source, tmp_path / "once.csv", load(text.format("true")))
    with pytest.raises(AlreadyPseudonymized) as refused:
        over(first.output, tmp_path / "twice.csv", load(text.format("true")))
    assert refused.value.fields["columns"] == ["card"]
    assert over(first.output, tmp_path / "twice.csv", load(text.format("false"))).manifest.rows == 2


@pytest.mark.slow  # detection is loaded
@pytest.mark.django_db
def test_the_gate_over_a_file_looks_at_what_its_rows_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    source = tmp_path / "in.parquet"
    rows = 40
    names = [f"Wilhelmina Oddname{row}" for row in range(rows)]
    notes = [f"ask for {name.lower()}" if row % 8 == 0 else "prefers evenings." for row, name in enumerate(names)]
    pyarrow.parquet.write_table(pa.table({"name": names, "note": notes}), source)
    text = (
        "version: 1\ndomain: {{id: n, purpose: t}}\n"
        "columns: {{name: {{transform: token_mac}}, note: {{transform: keep}}}}\ngate: {{residual_pii_per_1000_rows: {}}}"
    )
    with pytest.raises(ResidualPersonalData) as refused:
        over(source, tmp_path / "out.parquet", load(text.format(100)))
    assert refused.value.fields["hits"] == 5
    assert over(source, tmp_path / "out.parquet", load(text.format(200))).manifest.rows == rows


CHILD = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[4]
settings.ZGODA_KEYS_DIR = __import__("pathlib").Path(sys.argv[5])
from pathlib import Path
from governance.kernel.actors import SYSTEM
from pseudonymize.runs import files
from pseudonymize import policies
files.BATCH_ROWS = 2_000
files.apply(policies.load(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), actor=SYSTEM, activity="test")
print("done")
"""


@pytest.mark.slow  # real processes are started and killed
@pytest.mark.django_db(transaction=True)
def test_kill_9_at_any_moment_costs_a_part_and_no_byte(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 2_000)
    source, output, rules = tmp_path / "in.parquet", tmp_path / "out.parquet", tmp_path / "policy.yaml"
    pyarrow.parquet.write_table(table(60_000), source)
    rules.write_text(policy().text)
    whole = over(source, tmp_path / "whole.parquet", policy())
    arguments = [sys.executable, "-c", CHILD, str(rules), str(source), str(output)]
    arguments += [connection.settings_dict["NAME"], str(settings.ZGODA_KEYS_DIR)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    kills = 0
    for wanted in (2, 17, None):
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
        while wanted is not None and process.poll() is None:
            if len(list((tmp_path / ".out.parquet.run").glob("part-*.tally"))) >= wanted:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        if process.wait() == -signal.SIGKILL:
            kills += 1
            assert not output.exists()
    assert kills, "no kill hit"
    assert process.returncode == 0
    assert output.read_bytes() == whole.output.read_bytes()
    statement = json.loads((tmp_path / "out.parquet.manifest.json").read_text())["statement"]
    assert statement["output_sha256"] == whole.manifest.statement["output_sha256"]


def test_two_threads_of_one_process_do_not_take_one_workshop(tmp_path: Path) -> None:
    refused: list[Exception] = []

    def second() -> None:
        try:
            with parts.workshop(tmp_path / "out.csv", ".csv", {}):
                pass
        except RunInProgress as error:
            refused.append(error)

    with parts.workshop(tmp_path / "out.csv", ".csv", {}):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(refused) == 1
