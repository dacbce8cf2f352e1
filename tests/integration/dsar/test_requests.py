"""Requests of every type: clock, refusal, package, closing and purge; and the table of transitions in the database."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from dsar import certificates, identity, lifecycle, packages, planning, requests
from dsar.errors import ExtensionRefused, InvalidTransition, PackageUnavailable, RequestNotFound
from dsar.invariants import (
    completed_erasure_is_certified,
    completed_erasure_is_suppressed,
    completed_erasure_left_nothing,
    completed_steps_are_terminal,
    status_is_the_last_change,
)
from dsar.models import Certificate, ClockEvent, RequestClaim, StaffReason, StatusChange, SubjectRequest
from dsar.references import reference
from dsar.states import TRANSITIONS, IntakeChannel, RequestType, Status
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.canonical import sha256_hex
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId
from pseudonymize.vault import IdentifierKind
from tests.integration.dsar.conftest import WEB, Desk, code_in
from tests.people import CAROL, ERIN

pytestmark = pytest.mark.django_db
REASONS = "Nine systems and two processors have to be searched."


def status_of(request_id: object) -> Status:
    return Status(SubjectRequest.objects.get(pk=request_id).status)


def test_the_database_refuses_what_the_table_does_not_have(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    for current in Status:
        for wanted in Status:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("ALTER TABLE dsar_request DISABLE TRIGGER dsar_request_transition")
                values = "wrapped_key = NULL, contact_ciphertext = NULL, subject_id = NULL"
                cursor.execute(
                    f"UPDATE dsar_request SET status = %s, {values} WHERE id = %s", [current.value, request_id]
                )
                cursor.execute("ALTER TABLE dsar_request ENABLE TRIGGER dsar_request_transition")
            row = SubjectRequest.objects.filter(pk=request_id)
            if wanted is current or wanted in TRANSITIONS[current]:
                row.update(status=wanted.value)
            else:
                with pytest.raises(IntegrityError), transaction.atomic():
                    row.update(status=wanted.value)


@pytest.mark.parametrize("model", [StatusChange, ClockEvent, Certificate])
def test_history_and_certificates_cannot_be_rewritten(desk: Desk, erin: SubjectId, model: type) -> None:
    desk.approved()
    drain()
    for statement in (f"DELETE FROM {model._meta.db_table}", f"UPDATE {model._meta.db_table} SET id = id"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_due_date_is_the_controllers_day_and_the_extension_is_told(desk: Desk, erin: SubjectId) -> None:
    with time_machine.travel(datetime(2026, 3, 9, 23, 30, tzinfo=UTC)):  # already the 10th in Warsaw
        request_id = desk.open()
        assert SubjectRequest.objects.get(pk=request_id).due_on == date(2026, 4, 10)
    with time_machine.travel(datetime(2026, 4, 1, 12, 0, tzinfo=UTC)):
        assert requests.extend(request_id, REASONS, actor=desk.dana) == date(2026, 6, 10)
        drain()
        assert REASONS in desk.outbox[-1].body
        with pytest.raises(ExtensionRefused):
            requests.extend(request_id, REASONS, actor=desk.dana)
        tracked = requests.track(reference(request_id), requests.tracking_code_of(request_id))
        assert (tracked.extended, tracked.extension_reasons) == (True, REASONS)


def test_an_extension_in_month_two_is_refused(desk: Desk, erin: SubjectId) -> None:
    with time_machine.travel(datetime(2026, 3, 9, 12, 0, tzinfo=UTC)):
        request_id = desk.open()
    with time_machine.travel(datetime(2026, 4, 14, 12, 0, tzinfo=UTC)), pytest.raises(ExtensionRefused):
        requests.extend(request_id, REASONS, actor=desk.dana)


def test_a_letter_that_came_last_week_counts_from_last_week(desk: Desk) -> None:
    received = clock.now() - timedelta(days=7)
    request_id = requests.open(
        RequestType.ACCESS,
        {IdentifierKind.EMAIL: ERIN.email},
        language="en",
        channel=IntakeChannel.LETTER,
        actor=desk.dana,
        received_at=received,
    )
    assert SubjectRequest.objects.get(pk=request_id).received_at == received
    with pytest.raises(InvalidInput):
        requests.open(
            RequestType.ACCESS,
            {IdentifierKind.EMAIL: ERIN.email},
            language="en",
            channel=IntakeChannel.LETTER,
            actor=desk.dana,
            received_at=clock.now() + timedelta(days=1),
        )


def test_a_refusal_names_its_ground_and_the_remedies_and_lifts_the_tombstone(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.planned()
    requests.refuse(request_id, "legal_claims", actor=desk.dana)
    drain()
    assert status_of(request_id) is Status.RESPONDED
    assert "Art. 17(3)(e)" in desk.outbox[-1].body
    assert "data protection authority" in desk.outbox[-1].body
    from pseudonymize import vault

    assert not vault.is_suppressed(IdentifierKind.EMAIL, ERIN.email)
    with pytest.raises(InvalidInput):
        requests.refuse(request_id, "because", actor=desk.dana)


def test_an_erasure_cannot_be_marked_done_by_hand(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.verified()
    with pytest.raises(InvalidTransition):
        requests.answer(request_id, actor=desk.dana)


@pytest.mark.parametrize(
    "kind",
    [
        RequestType.RECTIFICATION,
        RequestType.RESTRICTION,
        RequestType.OBJECTION,
        RequestType.DECISION_REVIEW,
        RequestType.CONSENT_WITHDRAWAL,
    ],
)
def test_other_requests_wait_for_staff_and_are_answered_by_them(desk: Desk, erin: SubjectId, kind: RequestType) -> None:
    request_id = desk.verified(type=kind)
    drain()
    assert status_of(request_id) is Status.ASSESSING
    requests.answer(request_id, actor=desk.dana)
    drain()
    assert status_of(request_id) is Status.RESPONDED


def test_an_access_request_ends_in_a_package_that_opens(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.verified(type=RequestType.ACCESS)
    drain()
    assert status_of(request_id) is Status.RESPONDED
    archive = zipfile.ZipFile(io.BytesIO(packages.fetch(request_id, actor=WEB).content))
    manifest = json.loads(archive.read("manifest.json"))
    assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
    for name, digest in manifest["files"].items():
        assert sha256_hex(archive.read(name)) == digest
    assert ERIN.email in archive.read("index.html").decode()
    held = {row["value"] for row in csv.DictReader(io.StringIO(archive.read(_vault_csv(archive)).decode()))}
    assert ERIN.email in held
    assert f"'{ERIN.phone}" in held  # a leading plus is not a formula


def _vault_csv(archive: zipfile.ZipFile) -> str:
    return next(name for name in archive.namelist() if name.startswith("csv/pseudonymize.vault."))


def test_the_package_is_ciphertext_at_rest_and_expires(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.verified(type=RequestType.ACCESS)
    drain()
    row = SubjectRequest.objects.get(pk=request_id)
    assert ERIN.email.encode() not in bytes(row.artifact.ciphertext)
    assert not zipfile.is_zipfile(io.BytesIO(bytes(row.artifact.ciphertext)))
    with time_machine.travel(clock.now() + timedelta(days=15)):
        with pytest.raises(PackageUnavailable):
            packages.fetch(request_id, actor=WEB)
        lifecycle.run()
    assert not hasattr(SubjectRequest.objects.get(pk=request_id), "artifact")


def test_letters_and_package_speak_the_persons_language(desk: Desk, enrolling: object) -> None:
    enrolling(CAROL)
    request_id = desk.verified(CAROL, RequestType.ACCESS)
    drain()
    assert desk.outbox[-1].subject.startswith("Twoje dane są gotowe")
    archive = zipfile.ZipFile(io.BytesIO(packages.fetch(request_id, actor=WEB).content))
    assert "Twoje dane osobowe" in archive.read("index.html").decode()


def test_what_nobody_confirms_lapses_and_is_purged(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    with time_machine.travel(clock.now() + timedelta(days=31)):
        lifecycle.run()
        assert status_of(request_id) is Status.CLOSED
    with time_machine.travel(clock.now() + timedelta(days=62)):
        lifecycle.run()
    assert status_of(request_id) is Status.PURGED


def test_a_purge_leaves_the_shell_and_the_certificate_and_nothing_else(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain()
    code = requests.tracking_code_of(request_id)
    with time_machine.travel(clock.now() + timedelta(days=15)):
        lifecycle.run()
        assert status_of(request_id) is Status.CLOSED
    with time_machine.travel(clock.now() + timedelta(days=50)):
        lifecycle.run()
    row = SubjectRequest.objects.get(pk=request_id)
    assert Status(row.status) is Status.PURGED
    assert (row.subject_id, row.wrapped_key, row.contact_ciphertext) == (None, None, None)
    assert not RequestClaim.objects.filter(request=row).exists()
    assert not StaffReason.objects.filter(request=row).exists()
    assert certificates.of(request_id).residual == 0
    tracked = requests.track(reference(request_id), code)
    assert tracked.status is Status.PURGED


def test_somebody_without_an_address_is_answered_on_paper(desk: Desk, erin: SubjectId) -> None:
    from dsar import letters

    request_id = requests.open(
        RequestType.RECTIFICATION,
        {IdentifierKind.CUSTOMER_ID: "c-unknown"},
        language="pl",
        channel=IntakeChannel.LETTER,
        actor=desk.dana,
        send_code=False,
    )
    identity.confirm_by_staff(request_id, actor=desk.dana)
    drain()
    assert status_of(request_id) is Status.COMPLETED
    letters.responded_on_paper(request_id, actor=desk.dana)
    assert status_of(request_id) is Status.RESPONDED


def test_tracking_needs_reference_and_code_of_the_same_request(desk: Desk, erin: SubjectId) -> None:
    one, other = desk.open(), desk.open()
    for ref, code in (
        (reference(one), requests.tracking_code_of(other)),
        (reference(one), ""),
        (str(one), requests.tracking_code_of(one)),
        ("dsr_0", "x"),
    ):
        with pytest.raises(RequestNotFound):
            requests.track(ref, code)


def test_duplicates_stay_open_and_point_to_each_other(desk: Desk, erin: SubjectId) -> None:
    from dsar.claims import same_claimant

    one, other = desk.open(), desk.open()
    assert same_claimant(SubjectRequest.objects.get(pk=one)) == [other]
    assert status_of(one) is status_of(other) is Status.IDENTITY_PENDING


def test_the_invariants_hold_after_an_erasure_and_notice_what_breaks_them(desk: Desk, erin: SubjectId) -> None:
    desk.approved()
    drain()
    checks = (
        completed_erasure_left_nothing,
        completed_erasure_is_certified,
        completed_erasure_is_suppressed,
        completed_steps_are_terminal,
        status_is_the_last_change,
    )
    for check in checks:
        finding = check()
        assert finding.checked > 0
        assert finding.violations == ()

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE dsar_rescan DISABLE TRIGGER USER")
        cursor.execute("UPDATE dsar_rescan SET residual = 1")
        cursor.execute("UPDATE dsar_step SET status = 'pending' WHERE position = 1")
        cursor.execute("UPDATE pseudonymize_data_subject SET erased_at = NULL")
        cursor.execute("UPDATE dsar_request SET status = 'closed'")
        cursor.execute("ALTER TABLE dsar_certificate DISABLE TRIGGER USER")
    assert completed_erasure_left_nothing().violations
    assert completed_steps_are_terminal().violations
    assert completed_erasure_is_suppressed().violations
    assert status_is_the_last_change().violations
    Certificate.objects.all()._raw_delete("default")
    assert completed_erasure_is_certified().violations


def test_revoking_needs_no_confirmation_but_the_code(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    requests.revoke(request_id, actor=WEB)
    assert status_of(request_id) is Status.CLOSED
    with pytest.raises(InvalidTransition):
        planning.plan(request_id, desk.dana)
    from dsar.errors import CodeRefused

    with pytest.raises((CodeRefused, InvalidTransition)):
        identity.confirm(request_id, code_in(desk.outbox))
