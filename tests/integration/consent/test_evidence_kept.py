"""What erasure does here, what the invariants find, and that the state can be made anew."""

import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from consent import gate, ledger
from consent.events import evidence, fold, heads
from consent.models import ConsentEvidence, ConsentState
from consent.sources import EMPTIED, GROUND, MARK
from governance.kernel import personal_data
from governance.kernel.clock import today
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import registered
from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.people import ALICE, ERIN

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    return arrange.notice()


def enrol(*cast: Any) -> list[SubjectId]:
    identities = [
        vault.Identity({vault.IdentifierKind(kind): value for kind, value in one.values().items() if value})
        for one in cast
    ]
    return [subject for subject in vault.enrol(identities, actor=STAFF, source="test").subjects if subject is not None]


def source() -> Any:
    (found,) = [one for one in personal_data.sources() if one.key == "consent.ledger"]
    return found


def broken() -> dict[str, tuple[str, ...]]:
    findings = {name: check() for name, check in registered().items() if name.startswith("consent.")}
    return {name: finding.violations for name, finding in findings.items() if finding.violations}


def tamper(statement: str, *tables: str) -> None:
    """As somebody who owns the database: past the triggers."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_a_person_s_package_has_their_choices_with_the_evidence(shown: Any) -> None:
    (alice,) = enrol(ALICE)
    give(alice, shown, evidence={"form": ALICE.name})
    withdraw(alice)
    gate.cite(gate.check(alice, "newsletter", "email"))
    records = source().export(alice)
    assert [(record.table, record.provenance, record.purpose) for record in records] == [
        ("consent_event", "given", "newsletter"),
        ("consent_event", "given", "newsletter"),
        ("consent_verdict", "inferred", "newsletter"),
    ]
    assert records[0].data["evidence"] == {"form": ALICE.name}
    assert source().locate(alice).counts == {
        "consent_event": 2, "consent_evidence": 1, "consent_state": 1, "consent_verdict": 1, "consent_ledger_head": 1,
        "consent_link": 0, "consent_propagation": 0,
    }  # fmt: skip


def test_erasure_shreds_the_evidence_drops_the_state_and_keeps_the_proof(shown: Any) -> None:
    erin, alice = enrol(ERIN, ALICE)
    event = give(erin, shown, evidence={"form": ERIN.name}).event_id
    give(alice, shown, evidence={"form": ALICE.name})
    gate.cite(gate.check(erin, "newsletter", "email"))
    assert source().residual(erin).count > 0
    done = source().erase(erin)
    assert (done.deleted, done.shredded) == (1, 1)
    assert [(one.table, one.count, one.ground) for one in done.retained] == [
        ("consent_event", 1, GROUND),
        ("consent_verdict", 1, GROUND),
        ("consent_evidence", 1, EMPTIED),
        ("consent_ledger_head", 1, MARK),
    ]
    assert all(one.until >= today() + timedelta(days=365) for one in done.retained if one.until is not None)
    assert source().residual(erin).count == 0
    assert evidence.reveal(event) is None
    assert ConsentEvidence.objects.get(event_id=event).ciphertext is None
    assert gate.check(erin, "newsletter", "email").reason == "erased"
    assert gate.check(alice, "newsletter", "email").allowed
    assert source().residual(alice).count > 0
    assert [one.event_type for one in ledger.history(erin)] == ["given"]
    assert broken() == {}


def test_erasing_twice_reports_zeros_and_the_same_kept_rows(shown: Any) -> None:
    (erin,) = enrol(ERIN)
    give(erin, shown, evidence={"form": "a"})
    first, second = source().erase(erin), source().erase(erin)
    assert (second.deleted, second.shredded, second.retained) == (0, 0, first.retained)


def test_somebody_unknown_is_erased_too(shown: Any) -> None:
    stranger = person()
    assert [one.table for one in source().erase(stranger).retained] == ["consent_ledger_head"]
    assert source().residual(stranger).count == 0
    assert gate.check(stranger, "newsletter", "email").reason == "erased"


def test_an_erased_person_has_no_state_again_after_a_rebuild_or_a_late_withdrawal(shown: Any) -> None:
    erin = person()
    give(erin, shown)
    source().erase(erin)
    withdraw(erin)
    fold.rebuild()
    assert not ConsentState.objects.filter(subject_id=erin).exists()
    assert source().residual(erin).count == 0
    assert heads.erased_among([erin]) == {erin}


def test_an_honest_ledger_breaks_no_invariant(shown: Any) -> None:
    crowd = people(20)
    ledger.record([draft(subject, "given", notice_version_id=shown) for subject in crowd], actor=STAFF)
    ledger.record([draft(subject, "withdrawn") for subject in crowd[:5]], actor=STAFF)
    gate.cite_set(gate.filter(crowd, "newsletter", "email"))
    gate.cite(gate.check(crowd[7], "newsletter", "email"))
    assert broken() == {}


@pytest.mark.parametrize(
    ("statement", "table", "invariant"),
    [
        ("UPDATE consent_event SET valid_until = now() + interval '9 years'", "consent_event", "every_event_is_in_the_log"),
        ("UPDATE consent_event SET purpose_key = 'x', event_sha256 = repeat('0', 64)", "consent_event", "every_event_is_in_the_log"),
        ("UPDATE consent_event SET occurred_at = occurred_at - interval '1 microsecond'", "consent_event", "every_event_is_in_the_log"),
        ("UPDATE consent_event SET entry_id = gen_random_uuid()", "consent_event", "every_event_is_in_the_log"),
        ("DELETE FROM consent_event", "consent_event", "no_event_was_removed"),
        ("UPDATE consent_state SET status = 'given'", "", "state_is_the_fold_of_the_ledger"),
        ("DELETE FROM consent_state", "", "state_is_the_fold_of_the_ledger"),
        ("INSERT INTO consent_state (subject_id, purpose_key, channel, status) VALUES (gen_random_uuid(), 'x', 'email', 'given')", "",
         "state_is_the_fold_of_the_ledger"),
        ("UPDATE consent_verdict SET entry_id = gen_random_uuid()", "consent_verdict", "every_verdict_is_in_the_log"),
        ("UPDATE consent_verdict SET event_id = gen_random_uuid()", "consent_verdict", "consent_verdicts_cite_an_event"),
    ],
)  # fmt: skip
def test_whatever_is_tampered_with_is_found(shown: Any, statement: str, table: str, invariant: str) -> None:
    subject = person()
    give(subject, shown)
    gate.cite(gate.check(subject, "newsletter", "email"))
    withdraw(subject)
    tamper(statement, *([table] if table else []))
    assert f"consent.{invariant}" in broken()


def test_the_command_rebuilds_the_state_and_says_what_it_found(shown: Any) -> None:
    subject = person()
    give(subject, shown)
    ConsentState.objects.update(status="withdrawn")
    out = StringIO()
    call_command("rebuild_consent_state", stdout=out)
    assert out.getvalue().startswith("1 states rebuilt; 1 subjects differed before")
    assert gate.check(subject, "newsletter", "email").allowed
    assert broken() == {}


def test_the_words_and_rules_of_consent_need_no_database() -> None:
    """`terms`, `rules` and `drafts` are pure: they import without Django's models being loaded."""
    script = "import consent.terms, consent.permission.rules, consent.drafts, sys; sys.exit('django.db.models' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
