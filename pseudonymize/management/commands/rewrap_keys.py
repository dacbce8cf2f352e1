"""`manage.py rewrap_keys --to PROVIDER`: the root keys move to another provider; nothing that they protect is touched.

Set ZGODA_KEY_PROVIDER to the same provider afterwards, so that new versions are made there.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from pseudonymize import keys
from pseudonymize.keys import ProviderName


class Command(BaseCommand):
    """Parse, call the verb, present. May be stopped and run again."""

    help = "Move the root keys to another provider (dry run first). No key leaves this process in the clear."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, choices=[name.value for name in ProviderName])
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would move; ask the provider whether it is there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = ProviderName(options["to"])
        try:
            moves = keys.moves(target) if options["dry_run"] else keys.move(target, actor=SYSTEM)
        except GovernanceError as error:
            raise CommandError(f"{error.title}. {error.detail}") from None
        for move in moves:
            self.stdout.write(f"version {move.version}: {move.source} to {move.target} ({move.status})")
        self.stdout.write(f"{len(moves)} versions {'would move' if options['dry_run'] else 'moved'} to {target}.")
