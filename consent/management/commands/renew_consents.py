"""`manage.py renew_consents`: ask people again before their consent ends, and write down what has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from consent import renewals


class Command(BaseCommand):
    help = "Ask people again before their consent ends, and write down what has ended. The worker does the same every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--within", type=int, default=renewals.LEAD.days, metavar="DAYS", help="How long before.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen and do nothing.")

    def handle(self, *args: Any, within: int, dry_run: bool, **options: Any) -> None:
        lead = timedelta(days=within)
        for one in renewals.plan(lead):
            self.stdout.write(f"{one.purpose} {one.channel}: {one.to_ask} to ask again, {one.to_expire} ended")
        if dry_run:
            self.stdout.write("Nothing was done.")
            return
        asked = 0
        while count := renewals.ask(lead):
            asked += count
        self.stdout.write(f"{asked} asked again, {renewals.expire_due()} written down as ended.")
