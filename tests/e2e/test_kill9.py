"""Promise 8: kill any process at any time, and nothing that was accepted is lost or doubled, and nothing is sent without a verdict."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
import urllib.error
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="needs the extra `demo`")
psutil = pytest.importorskip("psutil")

from engine.channels.loopback_sink import Faults, LoopbackSink  # noqa: E402
from tests.e2e.houses import House, free_port, post, ready  # noqa: E402

# Fifty kills with the processes coming back in between take about a minute and a half.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("houses")]

KILLS = 50
PEOPLE = 1000
EVENTS_A_REQUEST = 50

SET_UP = f"""
from datetime import timedelta
from consent import ledger, notices
from consent.drafts import ConsentDraft
from engine.channels import campaigns
from engine.content import templates
from governance.accounts import clients
from governance.demo import setting
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from pseudonymize import vault
from pseudonymize.vault import Identity, IdentifierKind as K

setting.set_stage()
setting.define_purposes()
notice = setting.publish_notices()["en"]
def person(n):
    return Identity({{K.CUSTOMER_ID: f"k{{n}}", K.EMAIL: f"person{{n}}@example.com", K.NAME: f"Person {{n}}", K.LANGUAGE: "en"}})
people = [person(n) for n in range({PEOPLE})]
subjects = vault.enrol(people, actor=SYSTEM, source="test").subjects
at = clock.now() - timedelta(days=1)
def drafts(kind, some):
    return [ConsentDraft(subject=s, purpose="offers", channel="email", event_type=kind, occurred_at=at, method="web_form",
                         idempotency_key=f"{{kind}}:{{s}}", notice_version_id=notice) for s in some]
ledger.record(drafts("given", subjects), actor=SYSTEM)
ledger.record(drafts("confirmed", subjects), actor=SYSTEM)
ledger.record(drafts("withdrawn", subjects[:100]), actor=SYSTEM)
templates.publish("hello", [templates.Draft("en", "Hello", "Hello {{{{ name }}}}, stop here: {{{{ unsubscribe_url }}}}")],
                  slots_declared=["name", "unsubscribe_url"], actor=SYSTEM)
campaign = campaigns.prepare("kill test", purpose="offers", template="hello", actor=SYSTEM)
key = clients.issue("till", ["events:write"], clock.now() + timedelta(days=1), SYSTEM)
print(json.dumps({{"campaign": str(campaign), "subjects": [str(s) for s in subjects], "key": key.key_text}}))
"""
LAUNCH = """
from uuid import UUID
from engine.channels import campaigns
from governance.kernel.actors import SYSTEM
from pseudonymize.models import DataSubject
campaigns.launch(UUID({campaign!r}), list(DataSubject.objects.values_list("id", flat=True)), actor=SYSTEM)
"""
STATUS = """
from uuid import UUID
from engine.channels import campaigns
status = campaigns.status(UUID({campaign!r}))
print(json.dumps({{"open": status.open, "counts": {{str(state): count for state, count in status.counts.items()}},
                   "withheld": status.withheld_because}}))
"""
PRESENT = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT event_id::text, count(*) FROM engine_event GROUP BY 1")
    print(json.dumps(dict(cursor.fetchall())))
"""


class Till(threading.Thread):
    """A shop that sends its sales until told to stop, and repeats what got no answer, as a shop does."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self.url, self.key = f"http://127.0.0.1:{port}/api/v1/events/", key
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.done.is_set():
            events = [
                {
                    "event_id": str(uuid.uuid4()),
                    "customer": {"kind": "customer_id", "value": f"k{(number * EVENTS_A_REQUEST + line) % PEOPLE}"},
                    "kind": "purchase",
                    "occurred_at": "2026-01-05T10:00:00Z",
                    "attributes": {"basket": f"b{number}", "product": f"p{line}", "quantity": 1, "value_cents": 199},
                }
                for line in range(EVENTS_A_REQUEST)
            ]
            number += 1
            while not self.done.is_set():
                try:
                    answer = post(self.url, {"origin": "till", "events": events}, self.key)
                except urllib.error.HTTPError as error:
                    if error.code < 500:
                        self.refused.append(error.read().decode())
                        return
                except OSError:
                    pass
                else:
                    assert answer["accepted"] + answer["duplicates"] == EVENTS_A_REQUEST, answer
                    self.acknowledged += [event["event_id"] for event in events]
                    break
                time.sleep(0.05)


def _victims(serving: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Masters and children of web and worker; neither the supervisor nor the database."""
    try:
        family = psutil.Process(serving.pid).children(recursive=True)
        return [
            process for process in family if any(name in " ".join(process.cmdline()) for name in ("gunicorn", "celery"))
        ]
    except psutil.NoSuchProcess:
        return []


def _kill_at_random(serving: subprocess.Popen[bytes], times: int) -> Counter[str]:
    chance = random.Random(9)
    killed: Counter[str] = Counter()
    while sum(killed.values()) < times:
        time.sleep(chance.uniform(0.2, 1.6))
        assert serving.poll() is None, "the supervisor gave up"
        if victims := _victims(serving):
            victim = chance.choice(victims)
            try:
                name = "web" if "gunicorn" in " ".join(victim.cmdline()) else "worker"
                victim.send_signal(signal.SIGKILL)
                killed[name] += 1
            except psutil.NoSuchProcess:
                pass
    return killed


def _until(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to rest"
        time.sleep(0.5)


@pytest.fixture
def sink() -> Iterator[LoopbackSink]:
    # Slow enough that the campaign is still going out while processes die.
    with LoopbackSink(faults=Faults(seconds_per_message=0.03)) as running:
        yield running


def test_fifty_kills_lose_nothing_double_nothing_and_send_nothing_without_a_verdict(
    tmp_path: Path, sink: LoopbackSink
) -> None:
    house = House(tmp_path, EMAIL_HOST=sink.host, EMAIL_PORT=str(sink.port))
    stage = house.run(SET_UP)
    port = free_port()
    serving = house.serve(port)
    till = Till(port, stage["key"])
    try:
        _until(lambda: ready(port), 60)
        till.start()
        house.run(LAUNCH.format(**stage))
        killed = _kill_at_random(serving, KILLS)
        assert min(killed["web"], killed["worker"]) >= 5, killed
        till.done.set()
        if till.is_alive():
            till.join(60)
        # A lease of a killed worker lasts up to a minute; what it held is then taken over.
        _until(lambda: house.run(STATUS.format(**stage))["open"] == 0, 300)
    finally:
        till.done.set()
        serving.terminate()
        serving.wait(30)
        if till.is_alive():
            till.join(60)
    status = house.run(STATUS.format(**stage))
    _check_events(till, house.run(PRESENT))
    _check_mail(status, sink)
    report = house.manage("check_invariants", "--json", check=False)
    assert report.returncode == 0, report.stdout + report.stderr[-2000:]


def _check_events(till: Till, present: dict[str, int]) -> None:
    assert not till.refused
    assert len(till.acknowledged) >= 2 * EVENTS_A_REQUEST, "the shop hardly got through"
    lost = [event for event in till.acknowledged if event not in present]
    doubled = [event for event, count in present.items() if count > 1]
    assert not lost
    assert not doubled


def _check_mail(status: dict[str, dict[str, int]], sink: LoopbackSink) -> None:
    counts = status["counts"]
    # At most once: a message whose fate a kill made unknown is never sent again.
    recipients = Counter(sink.recipients())
    assert max(recipients.values()) == 1
    unknown = counts.get("unknown", 0)
    assert counts.get("sent", 0) <= len(recipients) <= counts.get("sent", 0) + unknown
    assert counts.get("withheld", 0) == 100, counts
    assert status["withheld"] == {"consent_withdrawn": 100}
    assert not {f"person{number}@example.com" for number in range(100)} & set(recipients), (
        "mail went to who had withdrawn"
    )
    assert sum(counts.values()) == PEOPLE
