"""Files in and out, the past in numbers, consents that run out, and the end of retention."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from audit.models import Entry
from consent import disposal, gate, importing, ledger, renewals, reports
from consent.errors import FileUnreadable
from consent.events import commitments
from consent.ledger import ANY
from consent.models import ConsentEvent, ConsentEvidence, ConsentVerdict, RetiredEvent
from consent.sources import ConsentLedgerSource
from governance.kernel.clock import now
from governance.kernel.ids import opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, people, person, withdraw
from tests.integration.consent.test_evidence_kept import broken, enrol
from tests.people import ALICE, ERIN

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
AT = "2026-03-01T12:00:00+01:00"


@pytest.fixture
def shown() -> Any:
    arrange.purpose(effective_from=T0 - timedelta(days=9 * 365))
    return arrange.notice()


def csv_file(directory: Path, *rows: str, header: str = "subject,purpose,channel,event,occurred_at") -> Path:
    path = directory / "old-crm.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_file_is_tried_first_then_taken_and_taken_again_changes_nothing(shown: Any, tmp_path: Path) -> None:
    yes, no = people(2)
    file = csv_file(
        tmp_path,
        f"{opaque('sub', yes)},newsletter,email,given,{AT}",
        f"{opaque('sub', no)},newsletter,email,withdrawn,{AT}",
        f"{opaque('sub', yes)},newsletter,email,given,{AT}",
    )
    tried = importing.run(file, actor=STAFF, dry_run=True)
    assert (tried.rows, tried.recorded, tried.duplicates, tried.refused) == (3, 2, 1, [])
    assert not ConsentEvent.objects.exists()
    done = importing.run(file, actor=STAFF)
    assert (done.recorded, done.duplicates) == (2, 1)
    event = ledger.history(yes)[0]
    assert (event.event_type, event.actor.partition(":")[0]) == ("imported", "import")
    assert ConsentEvent.objects.get(id=event.event_id).source_sha256 == done.source_sha256
    assert gate.check(yes, "newsletter", "email").allowed
    assert gate.check(no, "newsletter", "email").reason == "consent_withdrawn"
    again = importing.run(file, actor=STAFF)
    assert (again.recorded, again.duplicates) == (0, 3)
    assert Entry.objects.filter(action="consent.imported_file").count() == 2


def test_a_file_cannot_consent_where_double_opt_in_is_needed(tmp_path: Path) -> None:
    arrange.purpose(double_opt_in=True)
    subject = person()
    importing.run(csv_file(tmp_path, f"{opaque('sub', subject)},newsletter,email,confirmed,{AT}"), actor=STAFF)
    assert gate.check(subject, "newsletter", "email").reason == "confirmation_pending"


def test_the_error_file_names_rows_and_reasons_and_nobody(shown: Any, tmp_path: Path) -> None:
    alice, erin = enrol(ALICE, ERIN)
    ConsentLedgerSource().erase(erin)
    file = csv_file(
        tmp_path,
        f"{ALICE.customer_id},newsletter,email,given,{AT}",
        f"{ALICE.email},newsletter,email,given,{AT}",
        f"{ALICE.customer_id},newsleter,email,given,{AT}",
        f"{ALICE.customer_id},newsletter,fax,given,{AT}",
        f"{ALICE.customer_id},newsletter,email,given,yesterday",
        f"{ALICE.customer_id},newsletter,email,agreed,{AT}",
        f"{ALICE.customer_id},*,email,given,{AT}",
        f"{ERIN.customer_id},newsletter,email,given,{AT}",
        f"{ALICE.customer_id},newsletter,email,given,2099-01-01T00:00:00Z",
        header="customer_id,purpose,channel,event,occurred_at",
    )
    report, out = importing.run(file, actor=STAFF), io.StringIO()
    importing.write_refused(report, out)
    assert report.recorded == 1
    assert gate.check(alice, "newsletter", "email").allowed
    assert sorted({(row, name) for row, name, _ in report.refused}) == [
        (2, "customer_id"), (3, "purpose"), (4, "channel"), (5, "occurred_at"), (6, "event"), (7, "purpose"), (8, "subject"),
        (9, "occurred_at"),
    ]  # fmt: skip
    for secret in (ALICE.email, ALICE.customer_id, ERIN.customer_id, "yesterday"):
        assert secret not in out.getvalue()


def test_json_lines_are_taken_and_a_torn_line_is_a_refusal(shown: Any, tmp_path: Path) -> None:
    subject = person()
    row = {"subject": opaque("sub", subject), "purpose": ANY, "channel": ANY, "event": "objected", "occurred_at": AT}
    file = tmp_path / "old.jsonl"
    file.write_text(json.dumps(row) + '\n{"subject": "sub_0')
    report = importing.run(file, actor=STAFF)
    assert (report.recorded, [(number, name) for number, name, _ in report.refused]) == (1, [(2, "row")])
    assert gate.check(subject, "newsletter", "sms").reason == "objected"


def test_the_commands_import_export_and_report(shown: Any, tmp_path: Path) -> None:
    subject = person()
    file = csv_file(tmp_path, f"{opaque('sub', subject)},newsletter,email,given,{AT}", "x,newsletter,email,given,never")
    out, errors = io.StringIO(), tmp_path / "errors.csv"
    call_command("import_consents", str(file), errors=str(errors), stdout=out)
    assert "1 recorded" in out.getvalue()
    assert errors.read_text().splitlines()[0] == "row,field,reason"
    target = tmp_path / "states.csv"
    call_command("export_consents", str(target), stdout=io.StringIO())
    assert target.read_text().splitlines()[1].startswith(f"{opaque('sub', subject)},newsletter,email,given,")
    out = io.StringIO()
    call_command("report_consents", as_of=T0.isoformat(), stdout=out)
    assert "newsletter" not in out.getvalue(), "nothing was known then"
    call_command("report_consents", stdout=out)
    assert "newsletter" in out.getvalue()


def test_the_past_is_reported_as_it_was_known_then(shown: Any) -> None:
    crowd = people(5)
    with time_machine.travel(T0, tick=False) as clock:
        for subject in crowd:
            give(subject, shown, valid_until=T0 + timedelta(days=5))
        clock.shift(timedelta(days=1))
        then = now()
        clock.shift(timedelta(days=1))
        for subject in crowd[:2]:
            withdraw(subject)
        clock.shift(timedelta(days=9))

        def counts(at: datetime | None) -> dict[str, int]:
            return {one.status: one.people for one in reports.as_of(at, purpose="newsletter")}

        assert counts(T0 - timedelta(days=1)) == {}
        assert counts(then) == {"given": 5}
        assert counts(now() - timedelta(days=8)) == {"given": 3, "withdrawn": 2}
        assert counts(None) == {"expired": 3, "withdrawn": 2} == counts(now())
    out = io.StringIO()
    assert reports.export(out, actor=STAFF, form="jsonl", at=then) == 5
    assert {json.loads(line)["status"] for line in out.getvalue().splitlines()} == {"given"}


def test_what_has_run_out_is_written_down_once_and_a_renewal_is_never_overtaken(shown: Any) -> None:
    with time_machine.travel(T0, tick=False) as clock:
        lapsed, renewed = people(2)
        for subject in (lapsed, renewed):
            give(subject, shown, valid_until=T0 + timedelta(days=5))
        assert renewals.ending("newsletter", "email", before=T0 + timedelta(days=6)) == [lapsed, renewed]
        clock.shift(timedelta(days=4))
        renewal = draft(renewed, "reaffirmed", notice_version_id=shown, valid_until=T0 + timedelta(days=50))
        ledger.record(renewal, actor=STAFF)
        clock.shift(timedelta(days=2))
        assert (renewals.expire_due(), renewals.expire_due()) == (1, 0)
        assert [one.event_type for one in ledger.history(lapsed)] == ["given", "expired"]
        assert gate.check(renewed, "newsletter", "email").allowed
        assert give(lapsed, shown).status == "given"


def test_an_erased_person_s_events_go_after_three_years_and_the_log_still_adds_up(shown: Any) -> None:
    with time_machine.travel(T0 - timedelta(days=4 * 365), tick=False) as clock:
        erin, alice = enrol(ERIN, ALICE)
        give(erin, shown, evidence={"form": "a"})
        give(alice, shown, evidence={"form": "a"})
        crowd = [erin, *people(80)]
        ledger.record([draft(subject, "withdrawn", channel="sms") for subject in crowd], actor=STAFF)
        with transaction.atomic():
            gate.claim([erin, alice], "newsletter", "email")
        ConsentLedgerSource().erase(erin)
        clock.shift(timedelta(days=10))
    event = ConsentEvent.objects.filter(subject_id=erin, channel="sms").get()
    before = commitments.of(event.id)
    limit = now() - timedelta(days=3 * 365 + 2)
    events, verdicts, kept = disposal.PLACES
    assert (events.candidates(limit, frozenset()), events.candidates(limit, frozenset({erin}))) == (2, 0)
    with transaction.atomic():
        assert events.dispose(limit, 100, frozenset()) == 2
        assert verdicts.dispose(limit, 100, frozenset()) == 1
        assert kept.dispose(limit, 100, frozenset()) == 1, "alice's consent is in force: its evidence stays"
    assert not ConsentEvent.objects.filter(subject_id=erin).exists()
    assert ConsentVerdict.objects.get().subject_id == alice
    assert ConsentEvidence.objects.get().subject_id == alice
    assert RetiredEvent.objects.count() == 2
    assert commitments.of(event.id) == before, "it can still be proved that there was this event"
    assert broken() == {}


@pytest.mark.parametrize("erased", [True, False])
def test_nothing_else_goes_whoever_asks(shown: Any, erased: bool) -> None:
    subject = person()
    with time_machine.travel(T0 - timedelta(days=0 if erased else 4 * 365), tick=False):
        give(subject, shown)
    if erased:
        ConsentLedgerSource().erase(subject)
    for run in ("", "3"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('zgoda.retention_run', %s, true)", [run])
            cursor.execute("DELETE FROM consent_event")
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_from_a_spreadsheet_is_read_as_any_other(shown: Any, tmp_path: Path, start: bytes, end: str) -> None:
    crowd = people(1_000)
    rows = [f'"{opaque("sub", one)}",newsletter,email,withdrawn,{AT}' for one in crowd]
    path = tmp_path / "OLD.CSV"
    path.write_bytes(start + end.join(["subject,purpose,channel,event,occurred_at", *rows, ""]).encode())
    report = importing.run(path, actor=STAFF)
    assert (report.rows, report.recorded, report.refused) == (1_000, 1_000, [])


@pytest.mark.parametrize("encoding", ["cp1250", "utf-16"])
def test_a_file_in_another_encoding_is_refused_as_a_whole_and_not_quoted(
    shown: Any, tmp_path: Path, encoding: str
) -> None:
    """The wrong row comes after three whole chunks of good ones: none of them is taken either."""
    good = [f"{opaque('sub', one)},newsletter,email,withdrawn,{AT}" for one in people(30)]
    path = tmp_path / "old.csv"
    text = "\n".join(
        ["customer_id,purpose,channel,event,occurred_at", *good, f"Łódź-7,newsletter,email,withdrawn,{AT}"]
    )
    path.write_bytes(text.encode(encoding))
    with patch.object(importing, "CHUNK", 10), pytest.raises(FileUnreadable) as refused:
        importing.run(path, actor=STAFF)
    assert refused.value.__cause__ is None
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("import_consents", path)
    assert not ConsentEvent.objects.exists()


def test_a_column_named_twice_is_no_guess(shown: Any, tmp_path: Path) -> None:
    subject = person()
    row = f"{opaque('sub', subject)},newsletter,email,withdrawn,{AT},*"
    path = csv_file(tmp_path, row, header="subject,purpose,channel,event,occurred_at,purpose")
    with pytest.raises(FileUnreadable, match="twice"):
        importing.run(path, actor=STAFF)
    assert not ConsentEvent.objects.exists()


def test_objections_to_all_marketing_come_in_from_a_file_and_lifting_does_not(shown: Any, tmp_path: Path) -> None:
    arrange.purpose("offers", direct_marketing=True, legal_basis="legitimate_interest")
    one, other = people(2)
    path = csv_file(
        tmp_path,
        f"{opaque('sub', one)},*marketing,*,objected,{AT}",
        f"{opaque('sub', other)},*marketing,*,objection_lifted,{AT}",
    )
    report = importing.run(path, actor=STAFF)
    assert (report.recorded, [row for row, *_ in report.refused]) == (1, [2])
    assert gate.check(one, "offers", "email").reason == "objected"
    assert gate.check(other, "offers", "email").allowed
