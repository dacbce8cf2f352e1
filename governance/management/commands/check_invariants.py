"""`manage.py check_invariants`: is anything lost, doubled, or done without a ground?"""

from __future__ import annotations

import inspect
import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction

from governance.kernel.invariants import Finding, registered


class Command(BaseCommand):
    help = "Check every registered invariant over the whole database. Exits with 1 when one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--only", action="append", default=[], help="Names of invariants to check (all unless given)."
        )

    def handle(self, *args: Any, json: bool, only: list[str], **options: Any) -> None:
        checks = {name: check for name, check in registered().items() if not only or name in only}
        results = {}
        for name, check in checks.items():
            started = time.perf_counter()
            with transaction.atomic():
                # One snapshot per invariant: work that goes on meanwhile cannot look like a violation.
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                finding = check()
            results[name] = (finding, time.perf_counter() - started, inspect.getdoc(check) or "")
        broken = [name for name, (finding, _, _) in results.items() if finding.violations]
        self._print(results, broken, as_json=json)
        if broken:
            sys.exit(1)

    def _print(self, results: dict[str, tuple[Finding, float, str]], broken: list[str], *, as_json: bool) -> None:
        if as_json:
            report = {
                "ok": not broken,
                "invariants": {
                    name: {
                        "checked": finding.checked,
                        "violations": list(finding.violations),
                        "seconds": round(seconds, 3),
                    }
                    for name, (finding, seconds, _) in results.items()
                },
            }
            self.stdout.write(json.dumps(report, indent=2))
            return
        for name, (finding, seconds, statement) in results.items():
            state = f"BROKEN by {', '.join(finding.violations[:5])}" if finding.violations else "holds"
            self.stdout.write(f"{name}: {state} ({finding.checked} checked, {seconds:.2f} s)")
            self.stdout.write(f"    {statement.splitlines()[0]}")
