"""`manage.py sync_catalogue`: bring the data map up to the code, and say which fields lack a purpose or a retention."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from governance.catalogue.sync import gaps, sync


class Command(BaseCommand):
    help = "Bring the data map up to the code; lists fields with personal data that lack a purpose or a retention."

    def handle(self, *args: Any, **options: Any) -> None:
        done = sync()
        self.stdout.write(
            f"{done.systems} systems, {done.datasets} data sets, {done.fields} fields; "
            f"{done.appeared} appeared, {done.vanished} vanished."
        )
        lacking = gaps()
        for gap in lacking:
            self.stdout.write(f"{gap.field} lacks {' and '.join(gap.lacks)}")
        self.stdout.write(f"{len(lacking)} fields with personal data lack a purpose or a retention.")
