"""`manage.py demo`: the main job, told as a story."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.demo.narrator import Narrator
from governance.demo.story import PASSWORD, STAFF, Story
from governance.kernel import logs
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    help = (
        "Carry real shopping data through every room of the house. Replaces an earlier demonstration, and nothing else."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the figures as one JSON object; the story goes to stderr."
        )
        parser.add_argument(
            "--households", type=int, default=None, help="Tell it with fewer households (all 2,469 unless given)."
        )

    def handle(self, *args: Any, households: int | None, **options: Any) -> None:
        logs.keep_quiet()
        settings.ZGODA_WAKE_WORKERS = False  # the story drains its own work, so that it can say when it is done
        narrator = Narrator(quiet_stdout=options["json"])
        try:
            figures = Story(narrator, households).tell()
        except GovernanceError as error:
            raise CommandError(f"{error.title}: {error.detail}") from error
        self._close(narrator, figures)
        if options["json"]:
            self.stdout.write(json.dumps(figures, default=str))

    def _close(self, narrator: Narrator, figures: dict[str, Any]) -> None:
        """The table of what happened, and where to look next."""
        rows = [[narrator.titles[key], f"{seconds:.1f} s"] for key, seconds in narrator.seconds.items()]
        rows.append(["Together", f"{sum(narrator.seconds.values()):.1f} s"])
        narrator.table("What happened, and how long it took", ["step", "time"], rows)
        narrator.say("")
        narrator.say("Look around: make serve")
        narrator.say(f"Privacy centre  {settings.ZGODA_PUBLIC_URL}/")
        narrator.say(f"Console         {settings.ZGODA_PUBLIC_URL}/console/")
        for role, name in STAFF:
            narrator.say(f"  {name}@example.com  ({role.value})  password: {PASSWORD}")
