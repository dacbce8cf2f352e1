"""`manage.py import_consents FILE`: take consents, withdrawals and objections from another system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import importing
from consent.errors import FileUnreadable
from governance.kernel.actors import SYSTEM


class Command(BaseCommand):
    help = "Import consents from a CSV or JSON Lines file. Try it with --dry-run first; running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen and record nothing.")
        parser.add_argument("--errors", type=Path, help="Write row, field and reason of what was refused to this file.")

    def handle(self, *args: Any, file: Path, dry_run: bool, errors: Path | None, **options: Any) -> None:
        try:
            report = importing.run(Path(file), actor=SYSTEM, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from None
        except FileUnreadable as error:
            raise CommandError(str(error.detail)) from None
        self.stdout.write(
            f"{report.rows} rows: {report.recorded} {'would be recorded' if dry_run else 'recorded'}, "
            f"{report.duplicates} known already, {len({row for row, *_ in report.refused})} refused."
        )
        if errors is not None:
            with Path(errors).open("w", newline="") as out:
                importing.write_refused(report, out)
