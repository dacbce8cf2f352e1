"""``manage.py acknowledge_gap``: say why entries are missing, so that reports tell this gap from a new one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from audit.rereading import gaps
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    help = (
        "Acknowledge a gap in the log, by the id of its entry log.entries_missing. What you say becomes an entry, too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("entry", type=UUID, help="the entry that verify_log names")
        parser.add_argument("--by", required=True, help="e-mail address of the member of staff who looked into it")
        parser.add_argument("--cause", required=True, choices=[cause.value for cause in gaps.Cause])
        parser.add_argument("--case", required=True, help="where more is written: an incident or a ticket")

    def handle(self, *args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(email__iexact=options["by"], is_active=True).first()
        if person is None:
            raise CommandError("No active member of staff has this address.")
        actor = Actor(ActorKind.STAFF, str(person.pk))
        try:
            entry = gaps.acknowledge(
                options["entry"], actor=actor, cause=gaps.Cause(options["cause"]), case=options["case"]
            )
        except GovernanceError as error:
            raise CommandError(error.detail or error.title) from error
        self.stdout.write(f"acknowledged as entry {entry}")
