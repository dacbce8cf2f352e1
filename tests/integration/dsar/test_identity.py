"""The one-time code under attack: guessing, racing, replaying, and asking who is known."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dsar import identity, requests
from dsar.errors import ClaimsInsufficient, CodeRefused, RequestNotFound, TooManyCodes
from dsar.models import SubjectRequest, Verification
from dsar.references import reference
from dsar.states import IntakeChannel, RequestType, Status
from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.ids import SubjectId, uuid7
from pseudonymize.vault import IdentifierKind
from tests.integration.dsar.conftest import WEB, Desk, code_in
from tests.people import ALICE, ERIN

pytestmark = pytest.mark.django_db
real_commits = pytest.mark.django_db(transaction=True)


def shape(statement: str | None) -> str:
    """A statement without its values; one whose values the server binds is not told."""
    return re.split(r"VALUES|WHERE|SAVEPOINT", re.sub(r"'[^']*'", "?", statement or "bound by the server"))[0][:60]


def wrong(code: str) -> str:
    """Another code of the same form."""
    return f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"


def test_the_right_code_verifies_with_or_without_spaces(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    assert identity.confirm(request_id, f"  {code_in(desk.outbox).replace(' ', '-')} ") is Status.ASSESSING
    assert SubjectRequest.objects.get(pk=request_id).subject_id == erin


def test_a_code_works_once(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    identity.confirm(request_id, code_in(desk.outbox))
    with pytest.raises(CodeRefused):
        identity.confirm(request_id, code_in(desk.outbox))


def test_after_five_wrong_codes_the_right_one_is_refused_too(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    right = code_in(desk.outbox)
    for _ in range(identity.MAXIMUM_ATTEMPTS):
        with pytest.raises(CodeRefused):
            identity.confirm(request_id, wrong(right))
    with pytest.raises(CodeRefused):
        identity.confirm(request_id, right)
    assert Status(SubjectRequest.objects.get(pk=request_id).status) is Status.IDENTITY_PENDING


@real_commits
def test_guesses_that_race_are_all_counted(desk: Desk, erin: SubjectId) -> None:
    """Forty threads on real connections get five attempts together, not five each."""
    request_id = desk.open()
    bad, start, refused = wrong(code_in(desk.outbox)), threading.Barrier(20), []

    def guess() -> None:
        start.wait()
        for _ in range(2):
            try:
                identity.confirm(request_id, bad)
            except CodeRefused:
                refused.append(1)
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verification = Verification.objects.get(request_id=request_id)
    assert len(refused) == 40
    assert (verification.attempts, verification.result) == (identity.MAXIMUM_ATTEMPTS, "failed")


@real_commits
def test_one_right_code_entered_twice_at_once_verifies_once(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    code, start, outcomes = code_in(desk.outbox), threading.Barrier(8), []

    def enter() -> None:
        start.wait()
        try:
            identity.confirm(request_id, code)
            outcomes.append("in")
        except CodeRefused:
            outcomes.append("out")
        connection.close()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in"] + ["out"] * 7
    changes = SubjectRequest.objects.get(pk=request_id).changes.filter(to_status="verified")
    assert changes.count() == 1


@real_commits
def test_an_attempt_cannot_be_undone_by_the_callers_transaction(desk: Desk, erin: SubjectId) -> None:
    from django.db import transaction

    request_id = desk.open()
    with pytest.raises(RuntimeError), transaction.atomic():
        identity.confirm(request_id, "00000000")


def test_a_code_expires_after_an_hour(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    with time_machine.travel(clock.now() + identity.LIFETIME + timedelta(seconds=1)), pytest.raises(CodeRefused):
        identity.confirm(request_id, code_in(desk.outbox))


def test_a_new_code_replaces_the_old_one(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    old = code_in(desk.outbox)
    identity.send_code(request_id)
    drain()
    with pytest.raises(CodeRefused):
        identity.confirm(request_id, old)
    assert identity.confirm(request_id, code_in(desk.outbox)) is Status.ASSESSING


def test_codes_run_out(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    for _ in range(identity.MAXIMUM_CODES - 1):
        identity.send_code(request_id)
    with pytest.raises(TooManyCodes):
        identity.send_code(request_id)


def test_the_code_and_the_claims_are_nowhere_in_the_database(desk: Desk, erin: SubjectId) -> None:
    desk.open()
    code = code_in(desk.outbox)
    needles = [code, code.replace(" ", ""), ERIN.email]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "AND (relname LIKE 'dsar%%' OR relname LIKE 'jobs%%' OR relname LIKE 'audit%%')"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            text = "\n".join(row for (row,) in cursor.fetchall())
            for needle in needles:
                assert needle not in text
                assert needle.encode().hex() not in text
    for args in Job.objects.values_list("args", flat=True):
        assert not any(needle in str(args) for needle in needles)


def test_the_answer_is_the_same_for_people_we_know_and_people_we_do_not(desk: Desk, erin: SubjectId) -> None:
    """Same statements in the same order, same rows written, same jobs, same kind of letter."""
    desk.open(ALICE)  # whatever a process looks up once, it has looked up now
    seen = []
    for person in (ERIN, ALICE):
        with CaptureQueriesContext(connection) as queries:
            request_id = requests.open(
                RequestType.ERASURE,
                {IdentifierKind.EMAIL: person.email},
                language="en",
                channel=IntakeChannel.WEB,
                actor=WEB,
            )
        shapes = [shape(query["sql"]) for query in queries.captured_queries]
        jobs = list(Job.objects.filter(state="ready").values_list("kind", flat=True))
        drain()
        tracked = requests.track(reference(request_id), requests.tracking_code_of(request_id))
        letter = desk.outbox[-1]
        seen.append(
            (shapes, jobs, tracked.status, [item.status for item in tracked.timeline], letter.subject[:20], letter.to)
        )
    known, unknown = seen
    assert known[:5] == unknown[:5]
    assert known[5] == [ERIN.email]
    assert unknown[5] == [ALICE.email]


def test_unknown_requests_answer_like_wrong_codes(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    for target in (request_id, uuid7()):
        with pytest.raises(CodeRefused) as refused:
            identity.confirm(target, "12345678")
        assert refused.value.detail == CodeRefused().detail


def test_the_code_goes_to_the_address_we_know_and_never_to_a_claimed_one(desk: Desk, erin: SubjectId) -> None:
    """Somebody who knows Erin's customer number gives their own address: the code goes to Erin."""
    desk.open(claims={IdentifierKind.CUSTOMER_ID: ERIN.customer_id, IdentifierKind.EMAIL: "mallory@example.com"})
    assert [letter.to for letter in desk.outbox] == [[ERIN.email]]


def test_who_owns_a_mailbox_verifies_for_that_mailbox_only(desk: Desk, erin: SubjectId, enrolling: object) -> None:
    """Alice confirms with her own mailbox and Erin's customer number: the request is about Alice."""
    alice = enrolling(ALICE)
    request_id = desk.open(claims={IdentifierKind.EMAIL: ALICE.email, IdentifierKind.CUSTOMER_ID: ERIN.customer_id})
    assert desk.outbox[-1].to == [ALICE.email]
    identity.confirm(request_id, code_in(desk.outbox))
    assert SubjectRequest.objects.get(pk=request_id).subject_id == alice


def test_claims_that_could_find_nobody_are_refused(desk: Desk) -> None:
    for claims in (
        {},
        {IdentifierKind.NAME: "Erin"},
        {IdentifierKind.EMAIL: "   "},
        {IdentifierKind.EMAIL: "a\x00@b.c"},
    ):
        with pytest.raises(ClaimsInsufficient):
            requests.open(RequestType.ACCESS, claims, language="en", channel=IntakeChannel.WEB, actor=WEB)


def test_the_tracking_code_changes_when_identity_is_confirmed(desk: Desk, erin: SubjectId) -> None:
    """Whoever typed Erin's address in loses sight of the request the moment Erin confirms it."""
    request_id = desk.open()
    first = requests.tracking_code_of(request_id)
    identity.confirm(request_id, code_in(desk.outbox))
    with pytest.raises(RequestNotFound):
        requests.track(reference(request_id), first)
    assert requests.track(reference(request_id), requests.tracking_code_of(request_id).upper()).id == request_id


def test_staff_can_confirm_who_stands_before_them(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.open()
    assert identity.confirm_by_staff(request_id, actor=desk.dana) is Status.ASSESSING
    with pytest.raises(CodeRefused):
        identity.confirm(request_id, code_in(desk.outbox))


def test_a_mail_server_that_is_down_loses_no_code(
    desk: Desk, erin: SubjectId, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from smtplib import SMTPRecipientsRefused

    from django.core.mail import EmailMessage

    real = EmailMessage.send

    def refuse(self: EmailMessage, fail_silently: bool = False) -> int:
        raise SMTPRecipientsRefused({self.to[0]: (550, b"no")})

    monkeypatch.setattr(EmailMessage, "send", refuse)
    request_id = desk.open()
    assert desk.outbox == []
    assert ERIN.email not in caplog.text
    monkeypatch.setattr(EmailMessage, "send", real)
    Job.objects.filter(state="ready").update(run_after=clock.now() - timedelta(seconds=1))
    drain()
    assert identity.confirm(request_id, code_in(desk.outbox)) is Status.ASSESSING
