"""A run over a file holds as much memory over ten million rows as over few: it is streamed, whatever the policy asks."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pseudonymize import policies
from pseudonymize.runs import files
from tests.integration.pseudonymize.arranging import IMPORTER

ROWS = int(os.environ.get("ZGODA_TEST_FILE_ROWS", "480000"))
"""Rows of the larger file; ten million take minutes."""
MEMORY = Path("/proc/self")
SLACK = 32 * 1024  # KiB that allocators keep or not
POLICY = """\
version: 1
domain: {id: memory, purpose: model_training}
engine: {on_error: quarantine}
columns:
  customer: {transform: token_siv, canonical: id@1}
  email: {transform: token_mac, canonical: email@1}
  card: {transform: fpe_ff1, keep: {last: 4}}
  born: {transform: generalise, to: 5y, top: 90}
  ordered: {transform: date_shift, key: customer, max_days: 30}
  spend: {transform: keep}
"""
JUDGED = "risk: {quasi: [born], k: 2, on_violation: suppress, max_suppressed: 0.5}\n"


def _rows(first: int, count: int) -> pa.Table:
    """Everyone with two rows, nobody like another, and one address of a thousand that is none."""
    numbers = np.arange(first, first + count)
    person = pa.array(numbers // 2).cast(pa.string())
    address = pc.if_else(
        pa.array(numbers % 1_000 == 7), "none", pc.binary_join_element_wise("person", person, "@example.com", "")
    )
    return pa.table(
        {
            "customer": pc.binary_join_element_wise("c-", person, ""),
            "email": address,
            "card": pa.array(4_000_000_000_000_000 + numbers * 7_919 % 10**15).cast(pa.string()),
            "born": pa.array((numbers * 97 % 22_000 - 5_000).astype(np.int32), pa.date32()),
            "ordered": pa.array((20_000 + numbers % 900).astype(np.int32), pa.date32()),
            "spend": pa.array(numbers * 0.5),
        }
    )


def _grown(directory: Path, rows: int, text: str, workers: int) -> int:
    """KiB that a run over so many rows holds at its peak, beyond what was held before it."""
    source = directory / f"in{rows}.parquet"
    step = 100_000
    with pq.ParquetWriter(source, _rows(0, 1).schema) as writer:
        for first in range(0, rows, step):
            writer.write_table(_rows(first, min(step, rows - first)))
    pa.default_memory_pool().release_unused()
    (MEMORY / "clear_refs").write_text("5")  # the peak is now what is held; see proc(5)
    before = _held("VmRSS")
    done = files.apply(
        policies.load(text), source, directory / "out.parquet", actor=IMPORTER, activity="test", workers=workers
    )
    peak = _held("VmHWM") - before
    assert done.manifest.statement["rows"]["in"] == rows  # type: ignore[index,call-overload]
    source.unlink()
    return peak


def _held(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", (MEMORY / "status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.slow  # half a million rows: seconds
@pytest.mark.django_db
@pytest.mark.skipif(not (MEMORY / "clear_refs").exists(), reason="peaks are read from Linux's /proc")
@pytest.mark.parametrize(("extra", "workers"), [("", 1), (JUDGED, 2)], ids=["one worker", "two workers, judged"])
def test_the_peak_of_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str, workers: int
) -> None:
    if ROWS < 2_000_000:
        monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 16_384)
    few, many = ROWS // 8, ROWS
    _grown(tmp_path, few, POLICY + extra, workers)  # what loads at the first run loads now
    at_few = max(_grown(tmp_path, few, POLICY + extra, workers), 0)
    at_many = _grown(tmp_path, many, POLICY + extra, workers)
    print(f"{few:,} rows: {at_few / 1024:,.0f} MiB; {many:,} rows: {at_many / 1024:,.0f} MiB")
    assert at_many <= 1.25 * at_few + SLACK
