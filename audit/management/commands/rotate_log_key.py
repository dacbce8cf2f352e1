"""``manage.py rotate_log_key``: sign the log with a new key from here on; the old one says so and is destroyed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit import sequencer
from governance.kernel.actors import SYSTEM


class Command(BaseCommand):
    help = "Rotate the log's signing key: logged under the old key, which is destroyed. Verifiers follow by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sequencer.rotate_key(actor=SYSTEM)}")
        self.stderr.write("Publish this key where you publish the log's key, and give it to the witnesses.")
