"""Erasing a person empties the links; the log stays whole, older receipts still verify, and nothing new leads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from audit import decisions, log, models, receipts, sequencer, sources
from audit.errors import SubjectErased
from audit.verification import verify_log
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.personal_data import covered_tables
from tests.integration.audit.arrange import CLIENT, sql, write
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
    dump = " ".join(str(row) for table in ("audit_entry", "audit_subject_link", "audit_erased_subject", "audit_pending")
                    for row in sql(f"SELECT {table}::text FROM {table}"))  # fmt: skip
    for person in people[:5]:
        assert str(person) not in dump
        assert person.hex not in dump


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
    assert personal == {"audit_subject_link", "audit_decision", "audit_review"}
    assert personal <= covered_tables()


def test_nothing_is_decided_about_an_erased_person_any_more():
    erin = SubjectId(uuid7())
    sources.DecisionRecords().erase(erin)
    with pytest.raises(SubjectErased):
        decisions.record(batch(2, subjects=[SubjectId(uuid7()), erin]))
    assert not models.DecisionBatch.objects.exists()
