"""`manage.py report_consents`: how many people stand how, now or as of an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from consent import reports


class Command(BaseCommand):
    help = "Print how many people stand how with each purpose and channel, now or by what was known at an instant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of", type=datetime.fromisoformat, help="An instant with its offset; now unless given."
        )
        parser.add_argument("--purpose")

    def handle(self, *args: Any, as_of: datetime | str | None, purpose: str | None, **options: Any) -> None:
        at = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
        self.stdout.write(
            f"{'purpose':<24} {'channel':<10} {'status':<22} {'people':>10} {'objected':>9} {'restricted':>10}"
        )
        for one in reports.as_of(at, purpose=purpose):
            self.stdout.write(
                f"{one.purpose:<24} {one.channel:<10} {one.status:<22} {one.people:>10,} {one.objected:>9,} {one.restricted:>10,}"
            )
