"""Decision records: recorded in batches, proven one by one, erased with their person, verified with the log."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from django.db import DatabaseError, transaction

import audit
from audit import decisions, keys, models, sequencer, sources
from audit.decisions import Alternative, Attribution, Change
from audit.errors import BatchNotValid, NotInTransaction, NotYetSequenced, UnknownDecision
from audit.verification import verify_log
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.invariants import registered
from tests import triggers
from tests.integration.audit.arrange import sql, undone, unguarded, write_log
from tests.integration.audit.deciding import FEATURES, batch

pytestmark = pytest.mark.django_db
VERIFIER = Path(audit.__file__).with_name("verify.py")


def outside(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the one-file verifier in a process of its own, without this project on its path."""
    key = tmp_path / "log.vkey"
    key.write_text(str(keys.verifier()))
    command = [sys.executable, "-I", str(VERIFIER), "--public-key", str(key), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)


def test_a_decision_is_read_back_as_it_was_made():
    given = batch(600)
    recorded = decisions.record(given)
    for number in (0, 1, 2, 255, 256, 599):
        found = decisions.get(recorded.decision_ids[number])
        assert found.subject == given.subjects[number]
        assert (found.verdict_id, found.consent_event_id) == (
            given.verdict_ids[number],
            given.consent_event_ids[number],
        )
        assert found.chosen == given.chosen[number]
        assert np.float32(found.score) == given.scores[number]
        assert found.random_draw == given.random_draw[number]
        assert found.alternatives == tuple(given.alternatives[number])
        assert found.sealed_input == given.sealed_inputs[number]
        assert [term.feature for term in found.terms] == list(FEATURES)
        assert [term.bin for term in found.terms] == given.bins[number].tolist()
        assert abs(found.intercept + sum(term.contribution for term in found.terms) - found.score) < 1e-6
        assert (found.model_family, found.model_version, found.effect) == ("lapse", "lapse@3", "marketing")
    with pytest.raises(UnknownDecision):
        decisions.get(uuid7())
    assert decisions.find(recorded.id) == recorded.decision_ids


def test_alternatives_may_be_shared_by_a_batch_and_a_counterfactual_is_kept():
    shared = (Alternative("coupon_5", 0.5, "lower_value"), Alternative("none", 0.0, "lower_value"))
    given = batch(
        3,
        alternatives=shared,
        random_draw=None,
        counterfactual_features=np.array([[-1, -1], [0, -1], [2, 1]], dtype=np.int16),
        counterfactual_bins=np.array([[0, 0], [7, 0], [9, 3]], dtype=np.uint16),
    )
    recorded = decisions.record(given)
    found = [decisions.get(one) for one in recorded.decision_ids]
    assert all(one.alternatives == shared for one in found)
    assert [one.random_draw for one in found] == [None] * 3
    assert [one.counterfactual for one in found] == [
        (),
        (Change("weeks_since_visit", 7),),
        (Change("coupons_used", 9), Change("spend_last_month", 3)),
    ]
    (unsearched,) = decisions.record(batch(1)).decision_ids
    assert decisions.get(unsearched).counterfactual is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"scores": np.zeros(3, dtype=np.float32)},
        {"scores": np.full(3, np.nan, dtype=np.float32)},
        {"chosen": ["coupon_10"] * 2},
        {"sealed_inputs": [b"x"] * 4},
        {"bins": np.zeros((3, 2), dtype=np.uint16)},
        {"random_draw": [0.5]},
        {"effect": "tremendous"},
        {"attribution": Attribution("tree_shap")},
        {"counterfactual_features": np.array([4, 0, 0], dtype=np.int16), "counterfactual_bins": np.zeros(3, np.uint16)},
        {"chosen": ["alice@example.com"] * 3},
        {"alternatives": [[]] * 2},
        {"alternatives": [[], Alternative("a", 1.0, "b"), []]},
        {"subjects": [], "chosen": [], "verdict_ids": [], "consent_event_ids": [], "sealed_inputs": []},
    ],
)
def test_a_batch_that_does_not_add_up_is_refused_and_leaves_nothing(wrong: dict):
    with pytest.raises(BatchNotValid):
        decisions.record(replace(batch(3), **wrong))
    assert not models.DecisionBatch.objects.exists()
    assert not models.Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_recording_needs_the_callers_transaction():
    with pytest.raises(NotInTransaction):
        decisions.record(batch(3))
    assert not models.Decision.objects.exists()


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
def test_every_decision_has_a_proof_that_an_outsider_verifies(tmp_path: Path, count: int):
    write_log(3)
    recorded = decisions.record(batch(count))
    with pytest.raises(NotYetSequenced):
        decisions.prove(recorded.decision_ids[0])
    sequencer.sequence()
    wanted = sorted({0, count // 2, count - 1})
    for number in wanted:
        receipt = decisions.prove(recorded.decision_ids[number])
        (tmp_path / f"{number}.json").write_text(receipt)
        broken = json.loads(receipt)
        broken["record"] = broken["record"][:-8] + "AAAAAAA="
        (tmp_path / f"broken-{number}.json").write_text(json.dumps(broken))
    files = [part for number in wanted for part in ("--decision", str(tmp_path / f"{number}.json"))]
    verified = outside(tmp_path, *files)
    assert verified.returncode == 0, verified.stderr + verified.stdout
    refused = outside(tmp_path, "--decision", str(tmp_path / f"broken-{wanted[-1]}.json"))
    assert refused.returncode == 1
    assert "decision broken" in refused.stdout


def test_the_log_verifies_decisions_and_names_the_one_that_was_changed():
    triggers.superuser_or_skip()
    write_log(5)
    recorded = decisions.record(batch(300))
    sequencer.sequence()
    assert verify_log().verified
    assert verify_log().decisions == 300
    target = recorded.decision_ids[77]
    forged = [
        ("UPDATE audit_decision SET record = set_bit(record, 500, 1 - get_bit(record, 500)) WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET chosen = 'coupon_99' WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET score = score + 1 WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET subject_id = gen_random_uuid() WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET verdict_id = gen_random_uuid() WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET sealed_input = 'x' WHERE id = %s", "changed"),
        ("UPDATE audit_decision SET position = 300 WHERE id = %s", "added"),
        ("DELETE FROM audit_decision WHERE id = %s", "removed"),
    ]
    for statement, kind in forged:
        with undone():
            unguarded(statement, target)
            report = verify_log()
            assert not report.verified, statement
            assert (report.first_bad.seq, report.first_bad.kind) == (5, kind), statement
            assert report.first_bad.entry_id == recorded.entry_id
            assert str(target) in report.first_bad.detail or kind == "removed"
    for statement in (
        "UPDATE audit_decision_batch SET header = replace(header, 'lapse@3', 'lapse@4')",
        "UPDATE audit_decision_batch SET leaf_hashes = set_bit(leaf_hashes, 9, 1 - get_bit(leaf_hashes, 9))",
        "UPDATE audit_decision_batch SET tile_roots = ''",
        "UPDATE audit_decision_batch SET model_version = 'lapse@4'",
        "DELETE FROM audit_decision_batch",
        "UPDATE audit_decision_batch SET entry_id = gen_random_uuid()",
    ):
        with undone():
            unguarded(statement)
            assert not verify_log().verified, statement
    assert verify_log().verified


def test_erasing_a_person_deletes_their_decisions_and_every_other_proof_still_holds(tmp_path: Path):
    erin, alice = SubjectId(uuid7()), SubjectId(uuid7())
    subjects = [erin if number in (4, 200) else alice if number == 5 else SubjectId(uuid7()) for number in range(300)]
    recorded = decisions.record(batch(300, subjects=subjects))
    sequencer.sequence()
    before = {number: decisions.prove(recorded.decision_ids[number]) for number in (4, 5)}
    source = sources.DecisionRecords()
    assert source.locate(erin).total == 2
    exported = source.export(erin)
    assert {record.data["result"] for record in exported} <= {"none", "coupon_10"}
    assert source.residual(erin).count == 2
    assert source.erase(erin).deleted == 2
    assert source.erase(erin).deleted == 0
    assert source.locate(erin).total == source.residual(erin).count == 0
    with pytest.raises(UnknownDecision):
        decisions.get(recorded.decision_ids[4])
    sequencer.sequence()
    report = verify_log()
    assert report.verified, report.problems
    assert decisions.get(recorded.decision_ids[5]).subject == alice
    for number, receipt in before.items():  # the person's own old receipt too
        (tmp_path / f"{number}.json").write_text(receipt)
        assert outside(tmp_path, "--decision", str(tmp_path / f"{number}.json")).returncode == 0
    assert sql("SELECT count(*) FROM audit_entry WHERE header LIKE %s", f"%{erin}%") == [(0,)]
    unguarded("DELETE FROM audit_decision WHERE id = %s", recorded.decision_ids[5])
    assert verify_log().first_bad.kind == "removed"  # what no erasure speaks of is missing


def test_decisions_leave_by_an_erasure_alone():
    decisions.record(batch(2))
    for statement in ("DELETE FROM audit_decision", "UPDATE audit_decision SET chosen = ''", "TRUNCATE audit_decision"):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(statement)
    assert models.Decision.objects.count() == 2


def test_of_subject_lists_the_latest_first_and_invariants_hold():
    alice = SubjectId(uuid7())
    first = decisions.record(batch(2, subjects=[alice, SubjectId(uuid7())]))
    second = decisions.record(batch(1, subjects=[alice]))
    found = decisions.of_subject(alice)
    assert [one.batch_id for one in found] == [second.id, first.id]
    sequencer.sequence()
    assert all(not check().violations for name, check in registered().items() if name.startswith("audit."))


def test_the_record_commits_to_its_sealed_input_and_to_nobody_by_name():
    given = batch(1)
    recorded = decisions.record(given)
    row = models.Decision.objects.get(pk=recorded.decision_ids[0])
    assert sha256(given.sealed_inputs[0]).digest() in bytes(row.record)
    for secret in (given.subjects[0].bytes, given.verdict_ids[0].bytes, bytes(row.salt)):
        assert secret not in bytes(row.record)
