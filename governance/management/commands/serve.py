"""`manage.py serve`: web, worker and scheduler on loopback, started by one command and stopped with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from governance.kernel.logs import get_logger

_logger = get_logger(__name__)
_GRACE_SECONDS = 15
_RESTARTS_PER_MINUTE = 30
_HOLD_OFF_SECONDS = 10
_FALLBACK_SECONDS = 10


class Supervised:
    """A process that is started again when it dies: nothing it had accepted was in its memory alone."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = list(command)
        self.starts: deque[float] = deque(maxlen=_RESTARTS_PER_MINUTE)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts.append(time.monotonic())
        # A group of its own, so that what a killed parent leaves behind can be cleared away before it starts again.
        return subprocess.Popen(self.command, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603 - our own programs

    def revive(self) -> None:
        """Start it again if it has ended. One that ends again and again gets a pause in between: the others still serve."""
        if self.process.poll() is None:
            return
        often = len(self.starts) == _RESTARTS_PER_MINUTE and time.monotonic() - self.starts[0] < 60
        if often and time.monotonic() - self.starts[-1] < _HOLD_OFF_SECONDS:
            return
        _logger.warning("process_restarted", name=self.name, code=str(self.process.returncode))
        self._clear_group(signal.SIGKILL)
        self.process = self._start()

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._clear_group(signal.SIGKILL)

    def _clear_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Command(BaseCommand):
    help = "Start web, worker and scheduler on loopback, and print the addresses. Ctrl-C stops them all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--web-workers", type=int, default=2)
        parser.add_argument("--job-workers", type=int, default=2)

    def handle(self, *args: Any, port: int, web_workers: int, job_workers: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        _empty_local_broker()
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        processes = [Supervised(name, command) for name, command in _commands(port, web_workers, job_workers).items()]
        self._print_addresses(f"http://127.0.0.1:{port}")
        try:
            while not self.stopping:
                for process in processes:
                    process.revive()
                time.sleep(0.2)
        finally:
            _end(processes)

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True

    def _print_addresses(self, base: str) -> None:
        lines = [
            ("Privacy centre", f"{base}/"),
            ("Console", f"{base}/console/"),
            ("API documentation", f"{base}/api/v1/docs"),
            ("Public log", f"{base}/log/checkpoint"),
            ("Ready?", f"{base}/readyz"),
        ]
        for name, address in lines:
            self.stdout.write(f"{name:<18} {address}")
        self.stdout.flush()


def _commands(port: int, web_workers: int, job_workers: int) -> dict[str, list[str]]:
    programs = Path(sys.executable).parent
    web = f"--bind 127.0.0.1:{port} --workers {web_workers} --threads 4 --worker-class gthread --log-level warning --no-control-socket"
    # Threads, not forked children: those share one pipe and its lock over a local broker, and a child that is killed while it holds
    # the lock leaves the others waiting for ever. A killed process of threads is simply started again.
    worker = f"--pool threads --loglevel WARNING --concurrency {job_workers} --without-gossip --without-mingle --without-heartbeat"
    return {
        "web": [str(programs / "gunicorn"), "governance.wsgi:application", *web.split()],
        "worker": [str(programs / "celery"), "-A", "governance", "worker", *worker.split()],
        # The scheduler only wakes workers every two seconds; what is due is written in the job table.
        "scheduler": [str(programs / "celery"), "-A", "governance", "beat", "--loglevel", "WARNING", "--pidfile="],
        # When the broker is down or loses wake-ups, work is late by this much and no more.
        "fallback": [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--every", str(_FALLBACK_SECONDS)],
    }


def _end(processes: list[Supervised]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        process.wait(max(0.1, deadline - time.monotonic()))


def _empty_local_broker() -> None:
    """Old wake-ups say nothing that the job table does not say."""
    options: dict[str, Any] = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    for key in ("data_folder_in", "processed_folder", "control_folder"):
        if key in options:
            shutil.rmtree(options[key], ignore_errors=True)
            Path(options[key]).mkdir(parents=True)
