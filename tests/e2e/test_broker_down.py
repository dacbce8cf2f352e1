"""The broker is a wake-up and nothing else: without it the house answers, and its work is done, a little later."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.e2e.houses import House, free_port, ready

# Starts a house, takes its broker away and waits for the fallback: about half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("houses")]

SCHEDULE = """
from audit import log
from django.db import transaction
from governance.kernel.actors import SYSTEM
with transaction.atomic():
    log.emit("tests.broker_down", actor=SYSTEM)
print(json.dumps("scheduled"))
"""
SEQUENCED = """
from audit.models import Staged
print(json.dumps(not Staged.objects.exists()))
"""


def test_work_goes_on_without_the_broker(tmp_path: Path) -> None:
    house, port = House(tmp_path), free_port()
    serving = house.serve(port)
    try:
        _wait(lambda: ready(port), "it did not start")
        # A file where the broker's directory was: whoever asks for it gets an error, root included.
        shutil.rmtree(tmp_path / "broker")
        (tmp_path / "broker").touch()
        assert house.run(SCHEDULE) == "scheduled"
        _wait(lambda: house.run(SEQUENCED), "nobody did the work")
        assert ready(port), "the web process needs no broker"
        assert serving.poll() is None, "the supervisor stays"
    finally:
        serving.terminate()
        serving.wait(30)


def _wait(condition: object, complaint: str) -> None:
    deadline = time.monotonic() + 90
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, complaint
        time.sleep(1)
