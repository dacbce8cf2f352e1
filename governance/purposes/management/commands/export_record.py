"""`manage.py export_record [FILE]`: the record of processing activities (Art. 30) as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from governance.purposes.records import export_record


class Command(BaseCommand):
    help = "Write the record of processing activities (Art. 30) as JSON, to a file or to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="Where to write; standard output unless given.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = json.dumps(export_record(), ensure_ascii=False, indent=2)
        path: Path | None = options["file"]
        if path is None:
            self.stdout.write(text)
        else:
            path.write_text(text + "\n", encoding="utf-8")
