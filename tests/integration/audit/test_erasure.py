"""Erasing a person empties the links; the log stays whole, older receipts still verify, and nothing new leads back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from audit import decisions, log, models, sequencer, sources
from audit.errors import SubjectErased
from audit.publication import bundles, receipts
from audit.verification import verify_log
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.personal_data import covered_tables
from tests.integration.audit.arrange import CLIENT, sql, unguarded, write
from tests.integration.audit.deciding import batch
from tests.integration.audit.test_decisions import outside

pytestmark = pytest.mark.django_db


def test_after_an_erasure_every_older_receipt_still_verifies_and_nobody_can_tell_whom_it_was_about(tmp_path: Path):
    people = [SubjectId(uuid7()) for _ in range(20)]
    entries = {person: write(3, about=person) for person in people}
    sequencer.sequence()
    old = [receipts.receipt(entry).text for person in people[:5] for entry in entries[person]]
    source = sources.EntryLinks()
    for person in people[:5]:
        assert source.locate(person).total == 3
        assert len(source.export(person)) == 3
        assert source.erase(person).deleted == 3
        assert source.erase(person).deleted == 0
        assert source.residual(person).count == 0
        assert source.export(person) == []
    sequencer.sequence()
    assert verify_log().verified
    for number, text in enumerate(old):
        (tmp_path / f"{number}.tlog-proof").write_text(text)
    files = [part for number in range(len(old)) for part in ("--receipt", str(tmp_path / f"{number}.tlog-proof"))]
    assert outside(tmp_path, *files).returncode == 0
    assert all(source.locate(person).total == 3 for person in people[5:])
    dump = " ".join(str(row) for table in ("audit_entry", "audit_subject_link", "audit_erased_subject", "audit_staged_link")
                    for row in sql(f"SELECT {table}::text FROM {table}"))  # fmt: skip
    for person in people[:5]:
        assert str(person) not in dump
        assert person.hex not in dump


# Slow: a thousand people, a hundred of whom are erased one by one, and every file and table is read afterwards.
@pytest.mark.slow
def test_of_a_thousand_people_a_hundred_are_erased_and_nobody_finds_them(tmp_path: Path):
    people = [SubjectId(uuid7()) for _ in range(1000)]
    gone, kept = people[:100], people[100:]
    drafts = [
        log.Draft("consent.given", CLIENT, f"consent_event:{number}", person) for number, person in enumerate(people)
    ]
    drafts += [log.Draft("consent.given", Actor(ActorKind.SUBJECT, str(person)), subject=person) for person in people]
    drafts += [log.Draft("consent.given", Actor(ActorKind.GUARDIAN, str(person)), subject=kept[0]) for person in gone]
    with transaction.atomic():
        ids = log.emit_many(drafts)
    sequencer.sequence()
    old = [receipts.receipt(entry).text for entry in ids[:100]]
    bundles.export(tmp_path / "before")
    for person in gone:
        assert sources.EntryLinks().erase(person).deleted == 3
    sequencer.sequence()
    report = verify_log()
    assert report.verified, report.problems
    bundles.export(tmp_path / "after")
    (tmp_path / "receipts").mkdir()
    for number, text in enumerate(old):
        (tmp_path / "receipts" / f"{number}.tlog-proof").write_text(text)
    files = [part for file in sorted((tmp_path / "receipts").iterdir()) for part in ("--receipt", str(file))]
    assert outside(tmp_path, *files).returncode == 0
    tables = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'audit%%'")
    dump = " ".join(str(row) for (table,) in tables for row in sql(f'SELECT t::text FROM "{table}" t'))
    dump += " ".join(file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file())
    assert not [person for person in gone if str(person) in dump or person.hex in dump or person.bytes.hex() in dump]
    assert all(models.SubjectLink.objects.filter(subject_id=person).count() >= 2 for person in kept)
    assert models.ErasedLink.objects.count() == 300


def test_a_link_that_was_deleted_is_told_from_one_that_was_erased():
    erin, frank = SubjectId(uuid7()), SubjectId(uuid7())
    write(3, about=erin)
    (spared, *_) = write(3, about=frank)
    sources.EntryLinks().erase(erin)
    log.emit("erasure.completed", actor=CLIENT, subject=erin)
    log.emit_many([log.Draft("erasure.completed", CLIENT, subject=erin)] * 2)
    sequencer.sequence()
    assert verify_log().verified
    unguarded("DELETE FROM audit_subject_link WHERE entry_id = %s", spared)
    report = verify_log()
    assert (report.first_bad.entry_id, report.first_bad.kind) == (spared, "removed")
    unguarded("INSERT INTO audit_erased_link (tag) VALUES (%s)", b"made up by somebody without the key"[:32])
    assert not verify_log().verified


def test_a_tombstone_that_was_deleted_is_missed():
    erin = SubjectId(uuid7())
    write(3, about=erin)
    sources.EntryLinks().erase(erin)
    sequencer.sequence()
    unguarded("DELETE FROM audit_erased_link")
    assert verify_log().first_bad.kind == "removed"


def test_what_is_logged_later_about_an_erased_person_makes_no_link():
    erin = SubjectId(uuid7())
    write(1, about=erin)
    sources.EntryLinks().erase(erin)
    log.emit("erasure.completed", actor=CLIENT, subject=erin)
    log.emit("erasure.completed", actor=Actor(ActorKind.GUARDIAN, str(uuid7())), subject=erin)
    log.emit_many(
        [
            log.Draft("erasure.completed", CLIENT, subject=erin),
            log.Draft("consent.given", CLIENT, subject=SubjectId(uuid7())),
        ]
    )
    assert sources.EntryLinks().residual(erin).count == 0
    assert models.SubjectLink.objects.filter(role="subject").count() == 1
    sequencer.sequence()
    assert verify_log().verified


def test_an_erasure_that_is_rolled_back_erases_nothing():
    erin = SubjectId(uuid7())
    write(1, about=erin)
    with pytest.raises(RuntimeError), transaction.atomic():
        sources.EntryLinks().erase(erin)
        raise RuntimeError
    assert sources.EntryLinks().locate(erin).total == 1


def test_every_table_about_a_person_has_a_source():
    personal = {
        model._meta.db_table
        for model in vars(models).values()
        if hasattr(model, "_meta")
        and {"subject", "subject_id"} & {field.column for field in model._meta.concrete_fields}
    }
    assert personal == {"audit_subject_link", "audit_staged_link", "audit_decision", "audit_review"}
    assert personal <= covered_tables()


def test_nothing_is_decided_about_an_erased_person_any_more():
    erin = SubjectId(uuid7())
    sources.DecisionRecords().erase(erin)
    with pytest.raises(SubjectErased):
        decisions.record(batch(2, subjects=[SubjectId(uuid7()), erin]))
    assert not models.DecisionBatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_reaches_links_that_the_sequencer_is_moving():
    erin, alice = SubjectId(uuid7()), SubjectId(uuid7())
    write(3, about=erin)
    write(2, about=alice)
    moved, go = threading.Event(), threading.Event()

    def number() -> None:
        with transaction.atomic():
            sequencer.sequence()
            moved.set()
            go.wait(60)
        connection.close()

    def erase() -> None:
        erased.append(sources.EntryLinks().erase(erin).deleted)
        connection.close()

    erased: list[int] = []
    threads = [threading.Thread(target=number), threading.Thread(target=erase)]
    threads[0].start()
    assert moved.wait(60)
    threads[1].start()
    while not sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE%%'"):
        assert threads[1].is_alive()
    go.set()
    for thread in threads:
        thread.join()
    assert erased == [3]
    assert sources.EntryLinks().residual(erin).count == 0
    assert sources.EntryLinks().locate(alice).total == 2
    sequencer.sequence()
    assert verify_log().verified
