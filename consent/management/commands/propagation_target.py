"""`manage.py propagation_target`: systems that have to hear of every change, and how far behind they are."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import propagation
from consent.delivery import webhooks
from consent.terms import SignedWith, SubjectAs, TargetKind
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    help = "Register, show, replay or retire a system that has to hear of every change of a consent."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="Add a system.")
        add.add_argument("key")
        add.add_argument("kind", choices=[kind.value for kind in TargetKind])
        add.add_argument("address")
        add.add_argument(
            "--purpose", action="append", default=[], help="Only changes of this purpose; repeat for more."
        )
        add.add_argument("--subject-as", choices=[one.value for one in SubjectAs], default=SubjectAs.OPAQUE.value)
        add.add_argument("--signed-with", choices=[one.value for one in SignedWith], default=SignedWith.HMAC.value)
        add.add_argument("--acknowledges", action="store_true", help="The system settles changes by calling back.")
        add.add_argument("--settle-within-minutes", type=int, default=60)
        actions.add_parser("lag", help="Say how far every system is behind.")
        for name, what in (("secret", "Print what verifies its webhooks."), ("retire", "Tell it nothing more.")):
            actions.add_parser(name, help=what).add_argument("key")
        replay = actions.add_parser("replay", help="Hand over again what was recorded since an instant.")
        replay.add_argument("key")
        replay.add_argument("since", type=datetime.fromisoformat)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(options)
        except GovernanceError as error:
            raise CommandError(f"{error} {error.fields.get('errors', '')}") from None

    def _add(self, options: dict[str, Any]) -> None:
        propagation.register(
            options["key"], options["kind"], options["address"], actor=SYSTEM, purposes=options["purpose"],
            subject_as=options["subject_as"], signed_with=options["signed_with"], acknowledges=options["acknowledges"],
            settle_within=timedelta(minutes=options["settle_within_minutes"]),
        )  # fmt: skip
        self.stdout.write(f"{options['key']} hears of every change from now on.")

    def _lag(self, options: dict[str, Any]) -> None:
        for one in propagation.lags():
            since = f"since {one.oldest_at:%Y-%m-%d %H:%M:%S} UTC" if one.oldest_at else ""
            took = (
                f"median {one.median.total_seconds():.1f} s, p95 {one.p95.total_seconds():.1f} s"
                if one.median and one.p95
                else ""
            )
            self.stdout.write(f"{one.target:<20} {one.waiting:>8,} waiting {since} {one.overdue:>6,} overdue {took}")

    def _secret(self, options: dict[str, Any]) -> None:
        secret = base64.b64encode(webhooks.secret_of(options["key"])).decode()
        public = base64.b64encode(webhooks.signing_key().public_bytes).decode()
        self.stdout.write(f"whsec_{secret}\nwhpk_{public}")

    def _retire(self, options: dict[str, Any]) -> None:
        propagation.retire(options["key"], actor=SYSTEM)

    def _replay(self, options: dict[str, Any]) -> None:
        count = propagation.replay(options["key"], options["since"], actor=SYSTEM)
        self.stdout.write(f"{count} changes are handed over again.")
