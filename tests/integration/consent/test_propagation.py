"""A change reaches every system that has to hear of it: signed, in order, at least once, settled or escalated."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse

from audit.models import Entry
from consent import ledger, propagation
from consent.delivery import webhooks
from consent.errors import InvalidTarget, UnknownTarget, WebhookInvalid
from consent.ledger import ANY
from consent.models import Propagation
from consent.sources import ConsentLedgerSource
from governance.accounts import roles, staff
from governance.accounts.models import User
from governance.jobs import worker
from governance.jobs.models import Job
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import opaque
from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.people import ALICE, DANA

pytestmark = pytest.mark.django_db


class Receiver(ThreadingHTTPServer):
    """Another company's system: checks signatures, remembers ids, answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = webhooks.secret_of("crm")
        self.answers: list[int] = []
        self.got: list[dict[str, Any]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/consents"

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [change for message in self.got for change in message["changes"]]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        webhooks.verify(headers, body, key=self.server.key, at=int(time.time()))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.got.append(json.loads(body))
            self.server.raw.append((headers, body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def crm() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    thread.join()
    receiver.server_close()


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    return arrange.notice()


def drain() -> worker.Drained:
    return worker.drain(kinds=[propagation.KIND])


def test_a_withdrawal_reaches_a_webhook_signed_and_with_where_the_person_stands(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    subject = person()
    give(subject, shown)
    withdraw(subject)
    drain()
    assert [change["event_type"] for change in crm.changes] == ["given", "withdrawn"]
    assert [change["version"] for change in crm.changes] == sorted(change["version"] for change in crm.changes)
    for change in crm.changes:  # both say what is true now
        assert change["subject"] == opaque("sub", subject)
        assert [(one["purpose"], one["channel"], one["status"]) for one in change["states"]] == [
            ("newsletter", "email", "withdrawn")
        ]
    assert propagation.lags()[0].waiting == 0
    assert not Job.objects.filter(kind=propagation.KIND, state="ready").exists()


def test_nothing_leaves_when_the_event_is_rolled_back(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    with transaction.atomic():
        withdraw(person())
        transaction.set_rollback(True)
    drain()
    assert crm.got == []
    assert not Propagation.objects.exists()


def test_what_fails_is_tried_again_in_order_and_nothing_overtakes_it(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    crm.answers = [500, 302, 503]
    crowd = people(3)
    with time_machine.travel(now(), tick=True) as clock:
        for subject in crowd:
            withdraw(subject)
            drain()
            clock.shift(timedelta(hours=1))
        drain()
    assert [change["subject"] for change in crm.changes] == [opaque("sub", subject) for subject in crowd]
    assert Propagation.objects.exclude(state="settled").count() == 0
    assert Propagation.objects.order_by("id")[0].attempts == 4


def test_a_large_recording_arrives_in_batches_each_change_once(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    crowd = people(propagation.BATCH + 20)
    ledger.record([draft(subject, "withdrawn") for subject in crowd], actor=STAFF)
    drain()
    assert [len(message["changes"]) for message in crm.got] == [propagation.BATCH, 20]
    assert [change["subject"] for change in crm.changes] == [opaque("sub", subject) for subject in crowd]


def test_a_system_hears_only_of_its_purposes_and_of_what_is_about_all(shown: Any, crm: Receiver) -> None:
    arrange.purpose("profiling", channels=["profiling"])
    propagation.register("crm", "webhook", crm.url, purposes=["profiling"], actor=STAFF)
    subject = person()
    withdraw(subject)
    withdraw(subject, purpose="profiling", channel="profiling")
    withdraw(subject, purpose=ANY, channel=ANY)
    drain()
    assert [change["purpose"] for change in crm.changes] == ["profiling", ANY]
    assert {one["status"] for one in crm.changes[1]["states"]} == {"withdrawn"}


def test_people_are_named_as_the_system_knows_them_and_it_is_on_record(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, subject_as="customer_id", actor=STAFF)
    identity = vault.Identity({vault.IdentifierKind(kind): value for kind, value in ALICE.values().items() if value})
    (alice,) = vault.enrol([identity], actor=STAFF, source="test").subjects
    assert alice is not None
    withdraw(alice)
    drain()
    assert crm.changes[0]["subject"] == ALICE.customer_id
    assert Entry.objects.filter(purpose="consent_propagation").exists()
    assert ALICE.customer_id not in str(list(Propagation.objects.values()))


def test_a_system_that_acknowledges_later_settles_by_reference_and_twice_is_once(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, acknowledges=True, actor=STAFF)
    withdraw(person())
    drain()
    assert Propagation.objects.get().state == "sent"
    reference = crm.got[0]["id"]
    assert (propagation.settle(reference), propagation.settle(reference)) == (1, 0)
    assert Propagation.objects.get().settled_at is not None


def test_what_is_not_settled_in_time_is_escalated_once_and_handed_over_again(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, acknowledges=True, settle_within=timedelta(minutes=10), actor=STAFF)
    with time_machine.travel(now(), tick=False) as clock:
        withdraw(person())
        drain()
        assert (propagation.escalate(), propagation.overdue()) == (0, 0)
        clock.shift(timedelta(minutes=11))
        assert propagation.overdue() == 1
        assert propagation.escalate() == 1
        assert propagation.escalate() == 0
        assert propagation.lags()[0].overdue == 1
        assert Entry.objects.filter(action="consent.propagation_overdue").count() == 1
    propagation.sweep()
    drain()
    assert len(crm.got) == 2
    assert crm.got[0]["id"] == crm.got[1]["id"], "the same message, for the receiver to know it"


def test_changes_can_be_handed_over_again(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    start = now()
    for subject in people(2):
        withdraw(subject)
    drain()
    assert propagation.replay("crm", start, actor=STAFF) == 2
    drain()
    assert len(crm.changes) == 4
    with pytest.raises(UnknownTarget):
        propagation.replay("erp", start, actor=STAFF)


def test_a_receiver_refuses_forgeries_old_messages_and_repetitions(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    withdraw(person())
    drain()
    headers, body = crm.raw[0]
    at, seen = int(headers["webhook-timestamp"]), set[str]()

    def new(identifier: str) -> bool:
        return not (identifier in seen or seen.add(identifier))

    assert webhooks.verify(headers, body, key=crm.key, at=at, is_new=new) == crm.got[0]["id"]
    with pytest.raises(WebhookInvalid):  # replayed
        webhooks.verify(headers, body, key=crm.key, at=at, is_new=new)
    for changes in (
        {"body": body + b" "}, {"at": at + 301}, {"key": webhooks.secret_of("erp")}, {"headers": headers | {"webhook-id": "x"}},
        {"headers": headers | {"webhook-timestamp": str(at + 1)}}, {"headers": headers | {"webhook-signature": "v1,"}},
    ):  # fmt: skip
        said: dict[str, Any] = {"headers": headers, "body": body, "key": crm.key, "at": at} | changes
        with pytest.raises(WebhookInvalid):
            webhooks.verify(said.pop("headers"), said.pop("body"), **said)


def test_a_webhook_can_be_signed_with_our_key(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, signed_with="eddsa", actor=STAFF)
    crm.key = webhooks.signing_key().public_bytes
    withdraw(person())
    drain()
    assert crm.raw[0][0]["webhook-signature"].startswith("v1a,")


def test_a_csv_file_appears_whole_and_the_same_batch_writes_the_same_file(shown: Any, tmp_path: Path) -> None:
    target = propagation.register("files", "csv", str(tmp_path / "drop"), actor=STAFF)
    subject = person()
    give(subject, shown)
    withdraw(subject)
    drain()
    (file,) = (tmp_path / "drop").iterdir()
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["event_type"], row["status"], row["subject"]) for row in rows] == [
        ("given", "withdrawn", opaque("sub", subject)),
        ("withdrawn", "withdrawn", opaque("sub", subject)),
    ]
    before = file.read_bytes()
    Propagation.objects.filter(target_id=target).update(state="waiting", settled_at=None)
    propagation.sweep()
    drain()
    assert [one.read_bytes() for one in (tmp_path / "drop").iterdir()] == [before]


def test_a_message_goes_through_a_broker(shown: Any) -> None:
    import kombu

    propagation.register("bus", "broker", "memory://#consents", actor=STAFF)
    withdraw(person())
    drain()
    with kombu.Connection("memory://") as broker:
        message = broker.SimpleQueue("consents").get(timeout=60)
        assert message.payload["changes"][0]["event_type"] == "withdrawn"
        assert message.headers["webhook-signature"].startswith("v1,")
        message.ack()


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "http://example.com/x"}, {"address": "https://me:secret@example.com/x"}, {"kind": "fax"}, {"key": "C R M"},
        {"kind": "csv", "address": "relative"}, {"kind": "broker", "address": "amqp://host"},
        {"kind": "csv", "address": "/drop", "subject_as": "email"}, {"settle_within": timedelta(0)},
    ],
)  # fmt: skip
def test_a_system_that_could_leak_or_never_hear_is_refused(changes: dict[str, Any]) -> None:
    content: dict[str, Any] = {"key": "crm", "kind": "webhook", "address": "https://example.com/x"} | changes
    with pytest.raises(InvalidTarget):
        propagation.register(actor=STAFF, **content)


def test_after_an_erasure_a_system_is_still_told_and_nothing_else_stays(shown: Any, crm: Receiver) -> None:
    propagation.register("crm", "webhook", crm.url, actor=STAFF)
    subject = person()
    give(subject, shown)
    drain()
    withdraw(subject)
    done = ConsentLedgerSource().erase(subject)
    assert {one.table: one.count for one in done.retained}["consent_propagation"] == 1
    drain()
    assert crm.changes[-1]["event_type"] == "withdrawn"
    ConsentLedgerSource().erase(subject)
    assert not Propagation.objects.filter(subject_id=subject).exists()


def test_staff_see_what_is_late(shown: Any, crm: Receiver, client: Any) -> None:
    boss = staff.enlist(DANA.email, actor=SYSTEM)
    roles.grant(boss, roles.Role.DPO)
    client.force_login(User.objects.get(pk=boss))
    propagation.register("crm", "webhook", crm.url, settle_within=timedelta(seconds=1), actor=STAFF)
    crm.answers = [500]
    with time_machine.travel(now(), tick=False) as clock:
        withdraw(person())
        drain()
        clock.shift(timedelta(minutes=1))
        propagation.escalate()
        assert b"1 changes of consents have not reached a system" in client.get("/console/").content
        page = client.get(reverse("admin:consent_propagation_changelist") + "?escalated_at__isempty=0")
        assert page.status_code == 200
        assert b"crm" in page.content
        assert client.get(reverse("admin:consent_propagationtarget_changelist")).status_code == 200
