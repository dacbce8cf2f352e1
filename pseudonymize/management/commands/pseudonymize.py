"""`manage.py pseudonymize POLICY INPUT OUTPUT`: a file by a policy, with a signed manifest beside it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import opaque
from pseudonymize import policies
from pseudonymize.policies import Policy
from pseudonymize.runs import files, forecast
from pseudonymize.runs.forecast import DryRun
from pseudonymize.tables import row_files

SAMPLE_ROWS = 100_000
"""Rows that a dry run looks at."""


class Command(BaseCommand):
    """Parse, call the verb, present."""

    help = (
        "Pseudonymise a Parquet or CSV file by a policy. Writes OUTPUT and its signed OUTPUT.manifest.json, or nothing. "
        "Killed, it goes on where it was when it is called again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", type=Path, help="the policy (YAML)")
        parser.add_argument("input", type=Path, help="a .parquet or .csv file")
        parser.add_argument(
            "output", type=Path, nargs="?", help="a .parquet or .csv file, replaced when it is there; not for a dry run"
        )
        parser.add_argument("--workers", type=int, default=1, help="parts that are made at a time, each on a core")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=f"say what the policy would do to the first {SAMPLE_ROWS:,} rows and what the output would give away; write nothing",
        )
        parser.add_argument("--activity", default="command line", help="the processing activity that wants the data")
        parser.add_argument("--verdict", type=UUID, default=None, help="the gate verdict that permits it")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            policy = policies.load(options["policy"])
            if options["dry_run"]:
                self._forecast(forecast.dry_run(policy, _first_rows(policy, options["input"])), as_json=options["json"])
                return
            if options["output"] is None:
                raise CommandError("Say where the output goes, or ask for a --dry-run.")
            done = self._run(policy, options)
        except GovernanceError as error:
            raise CommandError(_explained(error)) from None
        self._show(done, as_json=options["json"])

    def _run(self, policy: Policy, options: dict[str, Any]) -> files.FileRun:
        # Progress goes to standard error, so that --json leaves one object on standard output.
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        with bar:
            task = bar.add_task(f"Pseudonymise for {policy.domain.id}", total=None)
            return files.apply(
                policy,
                options["input"],
                options["output"],
                actor=SYSTEM,
                activity=options["activity"],
                verdict_id=options["verdict"],
                workers=options["workers"],
                progress=lambda at, total: bar.update(task, completed=at, total=total or None),
            )

    def _show(self, done: files.FileRun, *, as_json: bool) -> None:
        rows = done.manifest.statement["rows"]
        if as_json:
            shown = {"manifest": opaque("man", done.manifest.id), "rows": rows, "output": str(done.output)}
            self.stdout.write(json.dumps(shown))
            return
        counted = rows if isinstance(rows, dict) else {}
        self.stdout.write(f"{counted['out']} of {counted['in']} rows in {done.output}")
        if done.quarantine:
            self.stdout.write(f"{counted['quarantined']} rows could not be transformed: {done.quarantine}")
        if counted["suppressed"]:
            self.stdout.write(f"{counted['suppressed']} rows suppressed: they would have stood out")
        self.stdout.write(f"Signed manifest: {done.manifest_path}")

    def _forecast(self, found: DryRun, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
            return
        self.stdout.write(f"{found.rows_out} of {found.rows_in} rows would be in the output. Nothing was written.")
        for column in found.columns:
            self.stdout.write(f"\n{column.name}: {column.transform}{', reversible' if column.reversible else ''}")
            for reason, count in column.failures.items():
                self.stdout.write(f"  {count} values cannot be transformed: {reason}")
            for sentence in column.says:
                self.stdout.write(f"  {sentence}")
        if found.risk:
            self.stdout.write(
                f"\nRisk: the smallest of {found.risk.groups} groups has {found.risk.smallest} rows; "
                f"{found.risk.violating_rows} rows are in groups that are too small or too uniform."
            )
        if found.gate_rows:
            self.stdout.write(f"\nGate: personal data in {found.gate_hits} of {found.gate_rows} rows searched.")
        self.stdout.write(f"\n{found.shredding}")
        if found.refused:
            self.stdout.write(f"\nA run would be refused: {found.refused}.")


def _first_rows(policy: Policy, source: Path) -> Any:
    """The first rows of a file, up to what a dry run looks at."""
    batch = next(iter(row_files.Reader(source, policy, SAMPLE_ROWS).batches()))
    return batch.slice(0, SAMPLE_ROWS)


def _explained(error: GovernanceError) -> str:
    """The error, and for a policy every problem with its line."""
    lines = [f"{error.title}. {error.detail}" if error.detail != error.title else str(error.title)]
    problems = error.fields.get("errors")
    for problem in problems if isinstance(problems, list) else []:
        if isinstance(problem, dict):
            lines.append(f"  line {problem.get('line')}: {problem.get('pointer')}: {problem.get('detail')}")
    return "\n".join(lines)
