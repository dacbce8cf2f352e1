"""``manage.py export_log --out DIR``: write the log for an outsider, with the verifier beside it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from audit import sequencer
from audit.publication import bundles


class Command(BaseCommand):
    help = "Export the log as a bundle that audit/verify.py verifies without this service."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, type=Path, help="a new or empty directory")

    def handle(self, *args: Any, **options: Any) -> None:
        sequencer.sequence()
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Exporting the log", total=None)
            try:
                bundle = bundles.export(
                    options["out"], progress=lambda done, total: bar.update(task, completed=done, total=total)
                )
            except FileExistsError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{bundle.size} entries in {bundle.files} files under {bundle.directory}")
        self.stdout.write(f"root {bundle.root_sha256}")
        self.stdout.write(f"python {bundle.directory}/verify.py {bundle.directory} --public-key FILE")
