"""`manage.py work`: run jobs and periodic verbs without Celery."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from governance.jobs import calendar, worker

_PAUSE_SECONDS = 0.2


class Command(BaseCommand):
    help = "Run jobs and periodic verbs. Stops at the end of the current job when asked to (SIGTERM, SIGINT)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="Stop when nothing is due.")

    def handle(self, *args: Any, until_empty: bool, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.stopping:
            calendar.run_due()
            drained = worker.drain(until=lambda: self.stopping)
            if drained.total == 0:
                if until_empty:
                    break
                time.sleep(_PAUSE_SECONDS)

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True
