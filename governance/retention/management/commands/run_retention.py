"""`manage.py run_retention`: execute the retention rules now, or show what they would take."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from governance.kernel.actors import SYSTEM
from governance.retention import disposables, rules, runs
from governance.retention.runs import RunReport


class Command(BaseCommand):
    help = "Execute the retention rules in force."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what the rules would take, take nothing.")
        parser.add_argument("--source", help="Only the rules of this place.")
        parser.add_argument("--json", action="store_true", help="One JSON object on standard output.")

    def handle(self, *args: Any, dry_run: bool, source: str | None, json: bool, **options: Any) -> None:
        rules.install_defaults()
        found = [rule for rule in rules.in_force() if source in (None, rule.source)]
        if source is not None and not found:
            raise CommandError(
                f"No rule is in force for {source}. Places: {', '.join(p.key for p in disposables.registered())}."
            )
        reports = [runs.run(rule.id, actor=SYSTEM, dry_run=dry_run) for rule in found]
        if json:
            self._as_json(reports)
        else:
            self._as_table(reports, dry_run)

    def _as_json(self, reports: list[RunReport]) -> None:
        self.stdout.write(json.dumps({"runs": [asdict(report) for report in reports]}, default=str))

    def _as_table(self, reports: list[RunReport], dry_run: bool) -> None:
        console = Console(file=self.stdout)  # type: ignore[arg-type]  # Django's wrapper writes like a file
        table = Table("place", "older than", "too old", "would go" if dry_run else "gone", "kept by a hold")
        for report in reports:
            would = 0 if report.held else report.candidates
            kept = "everything" if report.held else f"{report.held_people} people" if report.held_people else "-"
            table.add_row(
                report.source,
                f"{report.before:%Y-%m-%d %H:%M}",
                str(report.candidates),
                str(would if dry_run else report.disposed),
                kept,
            )
        console.print(table)
