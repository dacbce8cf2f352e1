"""`manage.py issue_key NAME --scope events:write --days 90`: a service client; its key is printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.accounts import clients
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    help = "Issue a key to a service client and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", required=True)
        parser.add_argument("--days", type=int, default=90)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            issued = clients.issue(options["name"], options["scope"], now() + timedelta(days=options["days"]), SYSTEM)
        except GovernanceError as refusal:
            raise CommandError(f"{refusal.detail} {refusal.fields or ''}") from refusal
        self.stdout.write(issued.key_text)
