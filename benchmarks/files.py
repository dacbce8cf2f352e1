"""A policy over a table of 20 columns, 6 of them personal, from Parquet to Parquet: beside presidio-structured, Arrow alone, and itself.

The whole way is measured: reading, transforming, counting for the manifest, writing, digests, the signature and the entry in the log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks import _house, _table
from benchmarks._contest import ROWS, Contest, Figure, Party, installed

CORES = 2  # the contest of workers takes two; the others are one thread
FEW = 5_000  # rows for the peer that takes a millisecond each
GROWTH = (ROWS // 5, ROWS)
"""Rows between which the peak of memory must not grow with the file; a million and ten are tried by hand, with ZGODA_BENCH_ROWS."""


def presidio(source: Path, target: Path) -> Any:
    """The peer: hashes, masks and replacements for the same six columns, from file to file."""
    import pandas as pd
    from presidio_anonymizer.entities import OperatorConfig
    from presidio_structured import PandasDataProcessor, StructuredEngine
    from presidio_structured.config import StructuredAnalysis

    engine = StructuredEngine(data_processor=PandasDataProcessor())
    analysis = StructuredAnalysis(entity_mapping={name: name.upper() for name in _table.PERSONAL})
    hashed, masked = OperatorConfig("hash", {"hash_type": "sha256"}), OperatorConfig("replace", {"new_value": "*"})
    operators = {name.upper(): masked if name in {"name", "born"} else hashed for name in _table.PERSONAL}

    def work() -> None:
        frame = pd.read_parquet(source)
        for name in _table.PERSONAL:
            frame[name] = frame[name].astype(str)
        engine.anonymize(frame, analysis, operators=operators).to_parquet(target)

    return work


def untouched(source: Path, target: Path) -> None:
    """Reading and writing, and nothing between."""
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=131_072, use_threads=False):
            writer.write_batch(batch)


def contests() -> Iterable[Contest | Figure]:
    """See the package."""
    with _house.house() as directory:
        from governance.kernel.actors import SYSTEM
        from pseudonymize import policies
        from pseudonymize.runs import files

        policy = policies.load(_table.policy())
        source, few = directory / "orders.parquet", directory / "few.parquet"
        table = _table.orders(ROWS)
        pq.write_table(table, source)
        pq.write_table(table.slice(0, FEW), few)
        del table

        def ours(workers: int = 1) -> None:
            out = directory / "out.parquet"
            files.apply(policy, source, out, actor=SYSTEM, activity="benchmark", workers=workers)

        parties = [
            Party("Zgoda, one worker", ROWS, ours),
            Party("read and write untouched (Arrow)", ROWS, lambda: untouched(source, directory / "same.parquet")),
        ]
        targets = {"read and write untouched (Arrow)": 0.25}
        if installed("presidio_structured"):
            parties.append(Party("presidio-structured", FEW, presidio(few, directory / "theirs.parquet")))
            targets["presidio-structured"] = 50
        yield Contest("Policy over a table, Parquet to Parquet", parties, targets, unit="rows")
        yield Contest(
            "Policy over a table, two workers beside one, by the clock",
            [Party("two workers", ROWS, lambda: ours(2)), Party("one worker", ROWS, ours)],
            {"one worker": 1.7},
            clock=time.perf_counter,
            unit="rows",
        )
        peaks = [_peak(directory, rows) for rows in GROWTH]
        grown = peaks[1] / peaks[0]
        yield Figure(
            f"Policy over a table: peak memory at {GROWTH[1]:,} rows beside {GROWTH[0]:,}",
            f"{peaks[1] / 2**20:,.0f} MiB, {grown:.2f}x",
            target="<= 1.25x",
            met=grown <= 1.25,
        )


_CHILD = """
import resource, sys
import django
django.setup()
from pathlib import Path
from governance.kernel.actors import SYSTEM
from pseudonymize.runs import files
from pseudonymize import policies
from benchmarks import _table
files.apply(policies.load(_table.policy()), Path(sys.argv[1]), Path(sys.argv[2]), actor=SYSTEM, activity="benchmark")
anonymous = [line for line in open("/proc/self/status") if line.startswith("VmHWM")] if sys.platform == "linux" else []
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
mapped = sum(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("RssFile")) if anonymous else 0
print("PEAK", peak - mapped)
"""


def _peak(directory: Path, rows: int) -> float:
    """The most memory, in bytes, that a process of its own holds over a file of so many rows; pages of mapped files apart."""
    source = directory / f"peak{rows}.parquet"
    step = 1_000_000
    with pq.ParquetWriter(source, _table.orders(1).schema) as writer:
        for start in range(0, rows, step):
            writer.write_table(_table.orders(min(step, rows - start), seed=start), row_group_size=200_000)
    target = directory / "peak.out.parquet"
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(source), str(target)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    source.unlink()
    return float(done.stdout.rpartition("PEAK ")[2])
