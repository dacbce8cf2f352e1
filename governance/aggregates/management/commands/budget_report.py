"""`manage.py budget_report`: what each privacy budget has left, what used it, and whether the ledger is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from governance.aggregates import budgets, invariants, ledger
from governance.aggregates.budgets import BudgetStatus
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from governance.kernel.invariants import Finding


class Command(BaseCommand):
    help = "What each privacy budget has left, and whether its ledger is whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("budget", nargs="?", help="Only this one: dataset/purpose. Shows its burn-down too.")
        parser.add_argument("--json", action="store_true", help="One JSON object on standard output.")
        parser.add_argument(
            "--recover",
            action="store_true",
            help="After a restore: write off what this machine knows was spent and the ledger does not.",
        )

    def handle(self, *args: Any, budget: str | None, json: bool, recover: bool, **options: Any) -> None:
        try:
            if recover:
                self._recover(budget)
            found = [budgets.get(budget)] if budget else budgets.all_budgets()
        except GovernanceError as error:
            raise CommandError(error.detail) from error
        whole = invariants.ledger_was_not_rolled_back()
        if json:
            self._as_json(found, whole, budget is not None)
        else:
            self._as_table(found, whole, budget is not None)

    def _recover(self, budget: str | None) -> None:
        if budget is None:
            raise CommandError("Name the budget whose restored ledger you accept.")
        lost = ledger.recover(budgets.get(budget).id, reason="restored_backup", actor=SYSTEM)
        self.stderr.write(f"Written off: epsilon {lost.epsilon}, delta {lost.delta}.")

    def _as_json(self, found: list[BudgetStatus], whole: Finding, steps: bool) -> None:
        report: dict[str, Any] = {
            "budgets": [asdict(status) for status in found],
            "rolled_back": list(whole.violations),
        }
        if steps:
            report["burn_down"] = [asdict(step) for step in budgets.burn_down(found[0].id)]
        self.stdout.write(json.dumps(report, default=str))

    def _as_table(self, found: list[BudgetStatus], whole: Finding, steps: bool) -> None:
        console = Console(file=self.stdout, width=None)  # type: ignore[arg-type]  # Django's wrapper writes like a file
        table = Table("budget", "epsilon", "used", "left", "unsettled", "releases", "ledger")
        for status in found:
            verdict = "ROLLED BACK" if str(status.id) in whole.violations else "whole"
            figures = (status.epsilon_total, status.epsilon_used, status.epsilon_left, status.epsilon_unsettled)
            table.add_row(status.key, *(f"{figure:g}" for figure in figures), str(status.releases), verdict)
        console.print(table)
        if not steps:
            return
        steps_table = Table("at (UTC)", "what", "epsilon", "used after it", "settled")
        for step in budgets.burn_down(found[0].id):
            steps_table.add_row(
                f"{step.at:%Y-%m-%d %H:%M:%S}",
                step.state.label,
                f"{step.epsilon:g}",
                f"{step.epsilon_used:g}",
                "yes" if step.settled else "no",
            )
        console.print(steps_table)
