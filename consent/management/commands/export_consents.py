"""`manage.py export_consents FILE`: where everybody stands, now or as of an instant."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from consent import reports
from governance.kernel.actors import SYSTEM


class Command(BaseCommand):
    help = (
        "Write where everybody stands to a CSV (or, by the name *.jsonl, JSON Lines) file; people by their opaque ids."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--as-of", type=datetime.fromisoformat, help="An instant with its offset; now unless given."
        )
        parser.add_argument("--purpose")
        parser.add_argument("--channel")

    def handle(self, *args: Any, file: Path, as_of: datetime | None, **options: Any) -> None:
        path = Path(file)
        form = "jsonl" if path.suffix == ".jsonl" else "csv"
        with path.open("w", newline="") as out:
            count = reports.export(
                out, actor=SYSTEM, form=form, at=as_of, purpose=options["purpose"], channel=options["channel"]
            )
        self.stdout.write(f"{count} rows.")
