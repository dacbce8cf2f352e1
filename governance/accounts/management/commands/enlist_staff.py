"""`manage.py enlist_staff EMAIL --role dpo`: a staff account with its roles. The password is asked for, or made and shown once."""

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.accounts import staff
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    help = "Create a staff account with its roles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", action="append", choices=[role.value for role in Role], default=[])
        parser.add_argument("--name", default="", help="the name that colleagues see")
        parser.add_argument("--superuser", action="store_true", help="administers staff and keys")
        parser.add_argument("--make-password", action="store_true", help="make a random password and print it once")

    def handle(self, *args: Any, **options: Any) -> None:
        made = options["make_password"] or not sys.stdin.isatty()
        password = secrets.token_urlsafe(15) if made else getpass.getpass("Password: ")
        try:
            user_id = staff.enlist(
                options["email"],
                roles_held=[Role(role) for role in options["role"]],
                password=password,
                display_name=options["name"],
                superuser=options["superuser"],
                actor=SYSTEM,
            )
        except GovernanceError as refusal:
            raise CommandError(f"{refusal.detail} {refusal.fields or ''}") from refusal
        self.stdout.write(f"staff:{user_id}")
        if made:
            self.stdout.write(f"password (shown once): {password}")
