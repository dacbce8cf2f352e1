"""`manage.py rebuild_consent_state`: make the consent state anew from the ledger, after a restore or a doubt."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from consent.events import fold


class Command(BaseCommand):
    help = "Make the consent state anew from the ledger. Writers and claims wait meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        differing = fold.difference()
        rows = fold.rebuild()
        self.stdout.write(
            f"{rows} states rebuilt; {len(differing)} subjects differed before (100 at most are counted)."
        )
