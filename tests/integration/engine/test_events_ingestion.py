"""Events are accepted once each: sent again, sent by two at a time, or cut off in the middle."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from django.db import connection, transaction

from audit.models import Entry
from engine.events import followers, ingestion, quarantine
from engine.events.errors import QuarantineUnknown, TableMalformed
from engine.events.identity import event_ids
from engine.events.ingestion import ingest
from engine.events.models import Event, IngestBatch, QuarantinedEvent
from engine.events.sources import EventHistory, Quarantine
from governance.jobs.handlers import handles
from governance.jobs.models import Job
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import registered
from pseudonymize import vault
from tests.integration.engine.shopping import IMPORTER, OPENED, customers, event_id, purchase, shopping, table


def invariants_hold() -> bool:
    checks = [check for name, check in registered().items() if name.startswith("engine.events.")]
    return len(checks) >= 2 and all(not check().violations for check in checks)


@pytest.mark.django_db
def test_the_same_events_again_change_nothing() -> None:
    offered = shopping(customers(5), days=60)

    first = ingest(offered, source="till", actor=IMPORTER, batch_rows=50)
    again = ingest(offered, source="till", actor=IMPORTER, batch_rows=70)

    assert (first.accepted, first.duplicates) == (offered.num_rows, 0)
    assert (again.accepted, again.duplicates) == (0, offered.num_rows)
    assert Event.objects.count() == offered.num_rows
    assert invariants_hold()


@pytest.mark.django_db
def test_an_event_keeps_what_it_said() -> None:
    (subject,) = customers(1)
    rows = [
        purchase(subject, OPENED, "b1", store="12", department="deli", quantity=3, value_cents=799, discount_cents=5),
        {
            "event_id": event_id("r"),
            "subject": str(subject),
            "kind": "coupon_redeemed",
            "occurred_at": OPENED,
            "campaign": "c9",
            "coupon": "k7",
        },
    ]

    ingest(table(rows), source="till", actor=IMPORTER)

    bought, redeemed = Event.objects.order_by("-kind")
    assert (bought.subject_id, bought.occurred_at, bought.basket, bought.product) == (subject, OPENED, "b1", "p0")
    assert (bought.store, bought.department, bought.quantity, bought.value_cents) == ("12", "deli", 3, 799)
    assert (bought.discount_cents, bought.coupon_cents, bought.attributes) == (5, None, None)
    assert redeemed.attributes == {"campaign": "c9", "coupon": "k7"}


@pytest.mark.django_db
def test_every_batch_has_one_log_entry_with_its_counts() -> None:
    offered = shopping(customers(3), days=40)

    done = ingest(offered, source="till", actor=IMPORTER, batch_rows=30)

    entries = Entry.objects.filter(action="events.ingested")
    assert entries.count() == len(done.batches) == -(-offered.num_rows // 30)
    assert {batch.entry_id for batch in IngestBatch.objects.all()} == {entry.id for entry in entries}


@pytest.mark.django_db(transaction=True)
def test_two_that_send_the_same_events_at_once_accept_each_once() -> None:
    offered = shopping(customers(6), days=60)
    shuffled = offered.take(pa.array(sorted(range(offered.num_rows), key=event_id)))
    start = threading.Barrier(3)

    def send(part: pa.Table) -> ingestion.Ingested:
        try:
            start.wait()
            return ingest(part, source="till", actor=IMPORTER, batch_rows=40)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(send, [offered, shuffled, offered.slice(offered.num_rows // 2)]))

    assert sum(one.accepted for one in done) == offered.num_rows == Event.objects.count()
    assert invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_leaves_nothing_and_the_rest_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = shopping(customers(4), days=60)
    told: Counter[str] = Counter()

    def fail(batch: IngestBatch, actor: object) -> None:
        told["batches"] += 1
        if told["batches"] == 3:
            raise KeyboardInterrupt  # as a kill would: after the rows were written, before the commit
        return plain(batch, actor)  # type: ignore[arg-type, return-value]

    plain = ingestion._record
    monkeypatch.setattr(ingestion, "_record", fail)
    with pytest.raises(KeyboardInterrupt):
        ingest(offered, source="till", actor=IMPORTER, batch_rows=30)

    assert Event.objects.count() == 60
    assert IngestBatch.objects.count() == Entry.objects.filter(action="events.ingested").count() == 2
    assert invariants_hold()

    monkeypatch.undo()
    again = ingest(offered, source="till", actor=IMPORTER, batch_rows=30)
    assert (again.duplicates, again.accepted) == (60, offered.num_rows - 60)


@pytest.mark.django_db
def test_rows_that_do_not_fit_wait_in_the_quarantine_with_reasons() -> None:
    (subject,) = customers(1)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    rows = [
        purchase(subject, OPENED, "good"),
        purchase(subject, OPENED, "alice@example.com", 1),
        purchase(subject, tomorrow, "b3"),
        purchase(subject, OPENED, "b4", quantity=None),
        purchase(subject, OPENED, "b5", campaign="c1"),
        purchase(subject, OPENED, "b6", value_cents=-1),
        purchase(subject, OPENED, "b7", kind="theft"),
        purchase(subject, OPENED, "b8") | {"subject": None},
        purchase(subject, OPENED, "b9", department="pharmacy"),
        purchase(subject, OPENED, "b10", event_id=None),
    ]

    done = ingest(table(rows), source="till", actor=IMPORTER)
    ingest(table(rows), source="till", actor=IMPORTER)

    assert (done.accepted, done.quarantined) == (1, 9)
    kept = {tuple(row.reasons): row for row in QuarantinedEvent.objects.all()}
    assert QuarantinedEvent.objects.count() == 9
    assert set(kept) == {
        ("field_malformed:basket",),
        ("occurred_in_the_future",),
        ("field_missing:quantity",),
        ("field_not_declared:campaign",),
        ("field_malformed:value_cents",),
        ("kind_unknown",),
        ("subject_missing",),
        ("field_malformed:department",),
        ("event_id_malformed",),
    }  # fmt: skip
    row = kept[("field_malformed:basket",)]
    assert b"alice" not in bytes(row.payload)
    assert quarantine.read([row.id])[0]["basket"] == "alice@example.com"
    assert quarantine.read([kept[("subject_missing",)].id])[0]["basket"] == "b8"
    assert quarantine.discard([row.id], reason="typing error", actor=IMPORTER) == 1
    with pytest.raises(QuarantineUnknown):
        quarantine.read([row.id])
    assert invariants_hold()


@pytest.mark.django_db
def test_an_id_that_comes_again_with_another_event_is_not_lost() -> None:
    (subject,) = customers(1)
    ingest(table([purchase(subject, OPENED, "b1")]), source="till", actor=IMPORTER)

    done = ingest(table([purchase(subject, OPENED, "b1", value_cents=9_999)]), source="till", actor=IMPORTER)

    assert (done.accepted, done.duplicates, done.quarantined) == (0, 0, 1)
    assert QuarantinedEvent.objects.get().reasons == ["event_id_reused"]
    assert Event.objects.get().value_cents == 250


@pytest.mark.django_db
def test_events_of_an_erased_person_are_refused() -> None:
    erased, other = customers(2)
    vault.forget(erased, actor=IMPORTER, reason="erasure request")
    rows = [purchase(erased, OPENED, "b1"), purchase(erased, OPENED, "bad one"), purchase(other, OPENED, "b3")]

    done = ingest(table(rows), source="till", actor=IMPORTER)

    assert (done.accepted, done.refused, done.quarantined) == (1, 2, 0)
    assert set(Event.objects.values_list("subject_id", flat=True)) == {other}
    assert not QuarantinedEvent.objects.exists()


@pytest.mark.django_db
def test_an_erasure_takes_every_event_and_the_books_still_balance() -> None:
    erin, other = customers(2)
    ingest(shopping([erin, other], days=60), source="till", actor=IMPORTER, batch_rows=20)
    ingest(table([purchase(erin, OPENED, "not a basket")]), source="till", actor=IMPORTER)
    held, of_other = Event.objects.filter(subject_id=erin).count(), Event.objects.filter(subject_id=other).count()
    source, aside = EventHistory(), Quarantine()
    assert source.locate(erin).total == len(source.export(erin)) == source.residual(erin).count == held > 0
    assert aside.export(erin)[0].data["basket"] == "not a basket"

    assert (source.erase(erin).deleted, aside.erase(erin).deleted) == (held, 1)
    assert (source.erase(erin).deleted, aside.erase(erin).deleted) == (0, 0)

    assert source.residual(erin).count == aside.residual(erin).count == 0
    assert Event.objects.filter(subject_id=other).count() == of_other
    assert invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_batch_that_is_being_written() -> None:
    (erin,) = customers(1)
    written, go_on = threading.Event(), threading.Event()

    def send() -> None:
        try:
            with transaction.atomic():
                ingest(table([purchase(erin, OPENED, "b1")]), source="till", actor=IMPORTER)
                written.set()
                go_on.wait(10)
        finally:
            connection.close()

    def erase() -> int:
        try:
            return EventHistory().erase(erin).deleted
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        sender = pool.submit(send)
        assert written.wait(10)
        eraser = pool.submit(erase)
        go_on.set()
        sender.result(10)
        assert eraser.result(10) == 1
    assert not Event.objects.exists()
    assert invariants_hold()


@pytest.mark.django_db
def test_followers_get_a_job_for_each_batch_that_brought_something_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "_followers", set())
    handles("test.events.follower")(lambda args, lease: None)
    followers.follow("test.events.follower")
    offered = table([purchase(customers(1)[0], OPENED, "b1")])

    first = ingest(offered, source="till", actor=IMPORTER)
    ingest(offered, source="till", actor=IMPORTER)

    assert [job.args for job in Job.objects.filter(kind="test.events.follower")] == [{"batch": first.batches[0]}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.drop_columns(["kind"]),
        lambda rows: rows.append_column("email", pa.array(["alice@example.com"])),
        lambda rows: rows.set_column(3, "occurred_at", pa.array([datetime(2025, 1, 1)], pa.timestamp("us"))),
        lambda rows: rows.set_column(4, "basket", pa.array([1.5])),
    ],
)
def test_a_table_of_another_shape_is_refused_before_anything_is_written(change: Any) -> None:
    rows = table([purchase(SubjectId(uuid4()), OPENED, "b1")])

    with pytest.raises(TableMalformed):
        ingest(change(rows), source="till", actor=IMPORTER)

    assert not IngestBatch.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["text", "digits", "binary", "fixed", "arrow"])
def test_ids_come_in_any_of_the_usual_forms(form: str) -> None:
    (subject,) = customers(1)
    rows = table([purchase(subject, OPENED, "b1")])
    identifier = UUID(bytes=rows.column("event_id")[0].as_py())
    column = {
        "text": lambda: pa.array([str(identifier)]),
        "digits": lambda: pa.array([identifier.hex.upper()]),
        "binary": lambda: pa.array([identifier.bytes], pa.binary()),
        "fixed": lambda: pa.array([identifier.bytes], pa.binary(16)),
        "arrow": lambda: pa.ExtensionArray.from_storage(pa.uuid(), pa.array([identifier.bytes], pa.binary(16))),
    }[form]()

    ingest(rows.set_column(0, "event_id", column), source="till", actor=IMPORTER)

    assert Event.objects.get().event_id == identifier


def test_made_ids_are_the_same_again_follow_time_and_differ_by_source() -> None:
    keys = pa.array(["r1:1", "r1:2", "r2:1"])
    at = pa.array([OPENED, OPENED, OPENED + timedelta(milliseconds=1)], pa.timestamp("us", "UTC"))

    first, again, other = event_ids("till", keys, at), event_ids("till", keys, at), event_ids("web", keys, at)

    assert first.equals(again)
    assert len({*first.to_pylist(), *other.to_pylist()}) == 6
    assert first[0].as_py() < first[2].as_py()
    assert {UUID(bytes=value).version for value in first.to_pylist()} == {8}
    with pytest.raises(ValueError, match="key and an instant"):
        event_ids("till", pa.array(["a"]), pa.array([None], pa.timestamp("us", "UTC")))
