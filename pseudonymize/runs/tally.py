"""What a run counts on the way: rows, failures by column, distinct values and nulls of each column before and after. Parts add up."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pseudonymize.columns.transformer import Transformed
from pseudonymize.kits import key_use
from pseudonymize.policies.policy import Keep, Rule
from pseudonymize.tables.distinct import DistinctCount


@dataclass
class ColumnCount:
    """Distinct values and nulls of one column."""

    distinct: DistinctCount = field(default_factory=DistinctCount)
    nulls: int = 0

    def add(self, column: pa.ChunkedArray) -> None:
        self.nulls += column.null_count
        self.distinct.add(column)


@dataclass
class Tally:
    """Counts of one part, or of all so far. ``bad``: (row in the part, column, reason) of each value that failed; ``blocks``: what each
    kind of key has worked (`key_use.py`)."""

    rows_in: int = 0
    rows_out: int = 0
    quarantined: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, ColumnCount] = field(default_factory=dict)
    outputs: dict[str, ColumnCount] = field(default_factory=dict)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    blocks: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, source: pa.Table, done: Transformed, rules: Mapping[str, Rule]) -> Tally:
        """The counts of one batch and what became of it."""
        tally = cls(len(source), len(done.table), int(done.failed.sum()), dict(done.failures))
        for name in source.column_names:
            counted = ColumnCount()
            counted.add(source[name])
            tally.inputs[name] = counted
        same = not tally.quarantined
        for name in done.table.column_names:
            if same and isinstance(rules[name], Keep):
                tally.outputs[name] = tally.inputs[name]
            else:
                tally.outputs[name] = ColumnCount()
                tally.outputs[name].add(done.table[name])
        tally.blocks = key_use.of_table(source, rules)
        tally.bad = sorted(
            (int(row), failure.column, failure.reason)
            for failure in done.reasons
            for row in np.flatnonzero(failure.rows)
        )
        return tally

    def add(self, other: Tally) -> None:
        """Add the counts of another part; the list of bad rows is each part's own."""
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.quarantined += other.quarantined
        for name, count in other.failures.items():
            self.failures[name] = self.failures.get(name, 0) + count
        for kind, blocks in other.blocks.items():
            self.blocks[kind] = self.blocks.get(kind, 0) + blocks
        for mine, theirs in ((self.inputs, other.inputs), (self.outputs, other.outputs)):
            for name, counted in theirs.items():
                kept = mine.setdefault(name, ColumnCount())
                kept.nulls += counted.nulls
                kept.distinct.merge(counted.distinct.hashes)

    def recount_output(self) -> None:
        """Start the counts of the output anew: rows of it were suppressed."""
        self.outputs, self.rows_out = {}, 0

    def count_output(self, table: pa.Table) -> None:
        """Count a piece of the output."""
        self.rows_out += len(table)
        for name in table.column_names:
            self.outputs.setdefault(name, ColumnCount()).add(table[name])

    def to_bytes(self) -> bytes:
        """For the file beside a part: hashes of values stay hashes, and rows stay numbers."""
        head: dict[str, Any] = {
            "rows": [self.rows_in, self.rows_out, self.quarantined],
            "failures": self.failures,
            "bad": self.bad,
            "blocks": self.blocks,
            "columns": [[name, side, counted.nulls] for side, name, counted in self._sides()],
        }
        arrays = {f"hashes{place}": counted.distinct.hashes for place, (_, _, counted) in enumerate(self._sides())}
        out = io.BytesIO()
        np.savez(out, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
        return out.getvalue()

    def _sides(self) -> list[tuple[str, str, ColumnCount]]:
        sides = (("in", self.inputs), ("out", self.outputs))
        return [(side, name, counted) for side, counts in sides for name, counted in counts.items()]

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        """What `to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            rows_in, rows_out, quarantined = head["rows"]
            tally = cls(rows_in, rows_out, quarantined, failures=head["failures"], blocks=head["blocks"])
            tally.bad = [(row, column, reason) for row, column, reason in head["bad"]]
            for place, (name, side, nulls) in enumerate(head["columns"]):
                counted = ColumnCount(DistinctCount(arrays[f"hashes{place}"]), nulls)
                (tally.inputs if side == "in" else tally.outputs)[name] = counted
        return tally
