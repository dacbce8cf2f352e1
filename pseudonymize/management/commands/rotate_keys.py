"""`manage.py rotate_keys`: a new key-encryption key, every live key rewrapped under it, the old ones destroyed when asked.

After `--destroy-old`, copies of the key tables from before (backups) open nothing: who was erased before is gone from them too.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from pseudonymize import keys
from pseudonymize.models import KeyStatus


class Command(BaseCommand):
    """Parse, call the verbs, present. May be stopped and run again with --resume."""

    help = "Rotate the key-encryption key and rewrap every subject's key; data is not touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--resume", action="store_true", help="no new version: finish an interrupted rewrap")
        parser.add_argument("--destroy-old", action="store_true", help="destroy versions that wrap nothing any more")

    def handle(self, *args: Any, **options: Any) -> None:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        try:
            if not options["resume"]:
                self.stdout.write(f"Version {keys.rotate(actor=SYSTEM)} of the key-encryption key is current.")
            with bar:
                task = bar.add_task("Rewrap", total=None)
                moved = keys.rewrap(
                    actor=SYSTEM, progress=lambda done, total: bar.update(task, completed=done, total=total)
                )
            self.stdout.write(f"{moved} keys rewrapped.")
            if options["destroy_old"]:
                self._destroy()
        except GovernanceError as error:
            raise CommandError(f"{error.title}. {error.detail}") from None

    def _destroy(self) -> None:
        for state in keys.states():
            if state.status == KeyStatus.DECRYPT_ONLY:
                keys.destroy_version(state.version, actor=SYSTEM)
                self.stdout.write(f"Version {state.version} destroyed.")
