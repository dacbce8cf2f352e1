"""``manage.py verify_log``: recompute the whole log and say whether anything was changed, removed, added or moved."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from audit.verification import Report, verify_log


class Command(BaseCommand):
    help = "Verify the whole log; exit with 1 when something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--known", action="append", default=[], help="file with a checkpoint that was kept elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = [self._read(name) for name in options["known"]]
        if options["json"]:
            report = verify_log(known=known)
            self.stdout.write(json.dumps(asdict(report), default=str, indent=2))
        else:
            report = self._with_progress(known)
            self._tell(report)
        if not report.verified:
            raise CommandError("The log is not verified.", returncode=1)

    def _with_progress(self, known: list[str]) -> Report:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Verifying the log", total=None)
            return verify_log(known=known, progress=lambda done, total: bar.update(task, completed=done, total=total))

    def _tell(self, report: Report) -> None:
        self.stdout.write(f"{report.entries} entries, {report.staged} staged, {report.checkpoints} checkpoints")
        self.stdout.write(f"{report.decisions} decision records, {report.kept_elsewhere} checkpoints kept elsewhere")
        self.stdout.write(f"root {report.root_sha256}")
        for state in report.anchors:
            since = "never" if state.anchored_at is None else f"{state.anchored_at:%Y-%m-%d %H:%M} UTC"
            stale = "" if state.fresh else ", stale"
            self.stdout.write(f"anchored by {state.kind} {state.name}: {state.size} entries, {since}{stale}")
        if not report.anchors:
            self.stdout.write("anchored by nobody outside: see docs/how-to/anchor-the-log.md")
        for gap in report.known_gaps:
            why = f"{gap.cause}, case {gap.case}"
            self.stdout.write(f"known gap at entry {gap.seq}: {gap.count} missing, says {gap.acknowledged_by} ({why})")
        if report.first_bad is not None:
            bad = report.first_bad
            self.stdout.write(f"first bad entry: {bad.seq} ({bad.entry_id}) was {bad.kind}: {bad.detail}")
        for problem in report.problems:
            self.stdout.write(f"NOT VERIFIED: {problem}")
        if report.verified:
            self.stdout.write("verified")

    @staticmethod
    def _read(name: str) -> str:
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot read {name}.") from error
