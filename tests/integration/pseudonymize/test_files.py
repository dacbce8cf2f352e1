"""Files: streamed, all or nothing, the same as a table in memory."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

from governance.kernel.errors import GovernanceError
from pseudonymize.errors import ManifestInvalid, RiskTooHigh, TableUnreadable
from pseudonymize.models import Manifest
from pseudonymize.runs import batch, files, manifests
from pseudonymize.tables.row_files import Reader
from tests.integration.pseudonymize.arranging import IMPORTER
from tests.integration.pseudonymize.tables import policy, table

RISK = "risk: {quasi: [born, post], k: 2, on_violation: suppress, max_suppressed: 0.5}\n"


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(table(), path)
    return path


def run(source: Path, output: Path, rules: object) -> files.FileRun:
    return files.apply(rules, source, output, actor=IMPORTER, activity="test")  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize("extra", ["", RISK])
def test_a_file_in_small_batches_comes_out_as_the_table_does(
    parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    rules = policy(extra=extra)
    seen: list[tuple[int, int]] = []
    done = files.apply(
        rules, parquet, tmp_path / "out.parquet", actor=IMPORTER, activity="test", progress=lambda *at: seen.append(at)
    )

    in_memory = batch.apply(table(), rules, actor=IMPORTER, activity="test")
    assert pyarrow.parquet.read_table(done.output).to_pydict() == in_memory.table.to_pydict()
    for part in ("rows", "columns", "risk", "shredding", "software"):
        assert done.manifest.statement[part] == in_memory.manifest.statement[part]
    assert seen[-1] == (40, 40)
    written = json.loads(done.manifest_path.read_text())
    assert manifests.verify(written["jws"], done.output)["manifest"] == written["statement"]["manifest"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "in.parquet",
        "out.parquet",
        "out.parquet.manifest.json",
    ]
    done.output.write_bytes(done.output.read_bytes() + b"x")
    with pytest.raises(ManifestInvalid):
        manifests.verify(written["jws"], done.output)


@pytest.mark.django_db
def test_csv_keeps_identifiers_as_they_are_written(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    pyarrow.csv.write_csv(table().set_column(0, "customer", pa.array([f"00{row}" for row in range(40)])), source)
    done = run(source, tmp_path / "out.csv", policy())

    back = pyarrow.csv.read_csv(done.output).to_pydict()
    assert len(set(back["customer"])) == 40
    assert set(back["post"]) == {0, None} or set(back["post"]) == {"00", None}
    assert back["born"][39] == "1955-1959"


@pytest.mark.django_db
def test_a_run_that_stops_leaves_nothing_behind(parquet: Path, tmp_path: Path) -> None:
    strict = policy(extra="risk: {quasi: [born, post], k: 30, on_violation: fail}\n")
    before = tmp_path / "out.parquet"
    before.write_bytes(b"yesterday's output")
    with pytest.raises(RiskTooHigh):
        run(parquet, before, strict)

    assert before.read_bytes() == b"yesterday's output"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.parquet", "out.parquet"]
    assert not Manifest.objects.exists()


@pytest.mark.django_db
def test_rows_left_out_are_listed_by_number_without_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    source = table()
    emails = source["email"].to_pylist()
    emails[3], emails[12] = "secret-not-an-address", "x@"
    path = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(source.set_column(1, "email", pa.array(emails)), path)

    done = run(path, tmp_path / "out.parquet", policy(on_error="quarantine"))

    assert done.quarantine is not None
    assert done.quarantine.read_text() == ("row,column,reason\n3,email,no canonical form\n12,email,no canonical form\n")
    assert pyarrow.parquet.read_metadata(done.output).num_rows == 38


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_empty_files_and_single_rows_go_through(tmp_path: Path, rows: int, ending: str) -> None:
    source = tmp_path / f"in.{ending}"
    small = table(2)[:rows]
    if ending == "parquet":
        pyarrow.parquet.write_table(small, source)
    else:
        pyarrow.csv.write_csv(small, source)
    if ending == "csv" and rows == 0:
        with pytest.raises(GovernanceError):  # without a row nothing says what is a number and what a date
            run(source, tmp_path / "out.csv", policy())
        return
    assert run(source, tmp_path / f"out.{ending}", policy()).manifest.rows == rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.parquet", b"PAR1 not a file hidden@example.com PAR1"),
        ("in.parquet", b""),
        ("in.csv", b"customer,email\n1,2,3,hidden@example.com\n"),
        ("in.csv", b"customer,customer\n1,2\n"),
        ("in.csv", b"\x00\x01\xff"),
        ("in.csv", b""),
        ("in.xlsx", b"x"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_typed_error_that_quotes_nothing(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GovernanceError) as caught:
        run(tmp_path / name, tmp_path / "out.parquet", policy())
    assert "hidden" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.fields)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]


@pytest.mark.django_db
def test_an_output_that_cannot_be_written_is_a_typed_error(parquet: Path, tmp_path: Path) -> None:
    for output in (tmp_path / "no such directory" / "out.parquet", tmp_path / "out.xlsx"):
        with pytest.raises(TableUnreadable):
            run(parquet, output, policy())


@pytest.mark.django_db
def test_the_command_says_what_it_did_or_what_is_wrong(parquet: Path, tmp_path: Path) -> None:
    rules = tmp_path / "policy.yaml"
    rules.write_text(policy().text)
    out = io.StringIO()
    call_command("pseudonymize", str(rules), str(parquet), str(tmp_path / "out.parquet"), "--json", stdout=out)
    assert json.loads(out.getvalue())["rows"]["out"] == 40

    out = io.StringIO()
    call_command("pseudonymize", str(rules), str(parquet), str(tmp_path / "out.csv"), stdout=out)
    assert "40 of 40 rows" in out.getvalue()

    rules.write_text(policy().text.replace("token_mac", "token_mcs"))
    with pytest.raises(CommandError, match="line 5: /columns/customer/transform"):
        call_command("pseudonymize", str(rules), str(parquet), str(tmp_path / "out.csv"), stdout=out)


@pytest.mark.parametrize(("rows", "batches"), [(0, 1), (30, 1), (31, 4), (100, 4), (1_000, 36)])
def test_a_file_is_cut_evenly_so_that_workers_end_together(tmp_path: Path, rows: int, batches: int) -> None:
    pyarrow.parquet.write_table(pa.table({"label": range(rows)}), tmp_path / "in.parquet")
    cut = [len(part) for part in Reader(tmp_path / "in.parquet", policy(), 30).batches()]
    assert (sum(cut), len(cut)) == (rows, batches)
    assert max(cut) <= 30
    assert len(set(cut[:-1])) <= 1
