"""`manage.py pseudonymize POLICY INPUT OUTPUT`: a file by a policy, with a signed manifest beside it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import opaque
from pseudonymize import files, policies


class Command(BaseCommand):
    """Parse, call the verb, present."""

    help = (
        "Pseudonymise a Parquet or CSV file by a policy. Writes OUTPUT and its signed OUTPUT.manifest.json, or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", type=Path, help="the policy (YAML)")
        parser.add_argument("input", type=Path, help="a .parquet or .csv file")
        parser.add_argument("output", type=Path, help="a .parquet or .csv file, replaced when it is there")
        parser.add_argument("--activity", default="command line", help="the processing activity that wants the data")
        parser.add_argument("--verdict", type=UUID, default=None, help="the gate verdict that permits it")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        # Progress goes to standard error, so that --json leaves one object on standard output.
        console = Console(stderr=True)
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        try:
            policy = policies.load(options["policy"])
            with bar:
                task = bar.add_task(f"Pseudonymise for {policy.domain.id}", total=None)
                done = files.apply(
                    policy,
                    options["input"],
                    options["output"],
                    actor=SYSTEM,
                    activity=options["activity"],
                    verdict_id=options["verdict"],
                    progress=lambda at, total: bar.update(task, completed=at, total=total or None),
                )
        except GovernanceError as error:
            raise CommandError(_explained(error)) from None
        self._show(done, as_json=options["json"])

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


def _explained(error: GovernanceError) -> str:
    """The error, and for a policy every problem with its line."""
    lines = [f"{error.title}. {error.detail}" if error.detail != error.title else str(error.title)]
    problems = error.fields.get("errors")
    for problem in problems if isinstance(problems, list) else []:
        if isinstance(problem, dict):
            lines.append(f"  line {problem.get('line')}: {problem.get('pointer')}: {problem.get('detail')}")
    return "\n".join(lines)
