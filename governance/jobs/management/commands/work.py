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
        parser.add_argument(
            "--every",
            type=float,
            default=_PAUSE_SECONDS,
            metavar="SECONDS",
            help="How long to rest when nothing is due (default %(default)s). Beside Celery, some seconds make this the fallback for"
            " wake-ups that a broker lost.",
        )

    def handle(self, *args: Any, until_empty: bool, every: float, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.stopping:
            calendar.run_due()
            drained = worker.drain(until=lambda: self.stopping)
            if drained.total == 0:
                if until_empty:
                    break
                self._rest(every)

    def _rest(self, seconds: float) -> None:
        """Sleep in naps, so that a request to stop is heard."""
        ends = time.monotonic() + seconds
        while not self.stopping and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, _PAUSE_SECONDS))

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True
