"""`manage.py revoke_key PREFIX --reason leaked`: end a service client's key at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.accounts import clients
from governance.accounts.models import ServiceClient
from governance.kernel.actors import SYSTEM


class Command(BaseCommand):
    help = "Revoke a service client's key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the part between the two underscores; a whole key works too")
        parser.add_argument("--reason", default="retired")

    def handle(self, *args: Any, **options: Any) -> None:
        prefix = options["prefix"].removeprefix("zg_").partition("_")[0]
        client = ServiceClient.objects.filter(prefix=prefix).first()
        if client is None:
            raise CommandError("No key has this prefix.")
        clients.revoke(client.pk, actor=SYSTEM, reason=options["reason"])
        self.stdout.write(f"revoked: {client.name}")
