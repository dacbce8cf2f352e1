"""An erasure from the request to the certificate, and everything that must not go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from audit import verification
from consent import ledger
from dsar import certificates, execution, planning, requests
from dsar.errors import ApprovalRefused, InvalidTransition, PlanIncomplete, PlanStale
from dsar.models import Certificate, Plan, RequestClaim, RescanResult, StepAttempt, SubjectRequest
from dsar.states import Status
from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel import clock, personal_data
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, PersonalDataSource, Residual, SourceDefaults
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.dsar.conftest import Desk, enrol
from tests.people import ALICE, ERIN

pytestmark = pytest.mark.django_db


class Drawer(SourceDefaults):
    """A made-up store in memory; it can fail, kill the worker, or lie about what it deleted."""

    tables: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()

    def __init__(self, name: str = "drawer", order: int = 100, rows: int = 3) -> None:
        self.key, self.title, self.order = f"tests.{name}", name, order
        self.rows, self.calls, self.failures, self.keeps = rows, 0, 0, 0
        self.error: type[BaseException] = RuntimeError

    def locate(self, subject: SubjectId) -> Located:
        return Located({f"tests_{self.title}": self.rows})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        return [ExportRecord(f"tests_{self.title}", "observed", "shopping", {"row": n}) for n in range(self.rows)]

    def erase(self, subject: SubjectId) -> Erased:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise self.error("drawer")
        deleted, self.rows = self.rows - self.keeps, self.keeps
        return Erased(deleted=deleted)

    def residual(self, subject: SubjectId) -> Residual:
        return Residual(self.rows, "0" * 64)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[Drawer]:
    """One made-up store beside the real ones, for this test alone."""
    monkeypatch.setattr(personal_data, "_sources", dict(personal_data._sources))
    drawer = Drawer()
    personal_data.register(drawer)
    return [drawer]


def status_of(request_id: object) -> Status:
    return Status(SubjectRequest.objects.get(pk=request_id).status)


def now_and_later() -> None:
    """Run what is due, and what a failure put off for later."""
    for _ in range(20):
        Job.objects.filter(state="ready").update(run_after=clock.now() - timedelta(seconds=1))
        if not drain().total:
            return


def test_an_erasure_runs_from_request_to_certificate(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    assert drain().dead == 0

    assert status_of(request_id) is Status.RESPONDED
    certificate = certificates.of(request_id)
    assert (certificate.residual, certificate.outcome) == (0, "completed")
    assert all(step.status in {"done", "not_found", "retained"} for step in execution.steps_of(request_id))
    assert vault.find_subject(IdentifierKind.EMAIL, ERIN.email) is None
    assert vault.erased_among([erin]) == {erin}
    vault_line = certificate.stores[-1]
    assert vault_line.source == "pseudonymize.vault"
    assert vault_line.shredded == 1
    assert vault_line.deleted == len([value for value in ERIN.values().values() if value])


def test_the_person_gets_the_certificate_by_mail(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain()
    letter = desk.outbox[-1]
    assert letter.to == [ERIN.email]
    (attachment,) = letter.attachments
    assert attachment[0] == "certificate.jwt"
    assert certificates.verify(attachment[1], certificates.public_key()).reference in letter.body
    assert requests.tracking_code_of(request_id) in letter.body


def test_an_erased_person_is_not_brought_back_by_the_next_import(desk: Desk, erin: SubjectId) -> None:
    desk.approved()
    drain()
    identity = Identity({IdentifierKind(kind): value for kind, value in ERIN.values().items() if value})
    again = vault.enrol([identity], actor=SYSTEM, source="import")
    assert again.refused == (0,)
    assert again.subjects == [None]


def test_the_tombstone_stands_before_anything_is_located(desk: Desk, erin: SubjectId) -> None:
    desk.verified()
    assert vault.is_suppressed(IdentifierKind.EMAIL, ERIN.email)
    assert any(event.event_type == "restricted" for event in ledger.history(erin))


def test_the_certificate_and_the_log_name_nobody(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain()
    text = str(Certificate.objects.get(request_id=request_id).body)
    for value in (*ERIN.values().values(), str(erin), erin.hex):
        assert not value or value == "en" or value not in text
    assert verification.verify_log().verified


def test_another_person_is_untouched(desk: Desk, erin: SubjectId) -> None:
    alice = enrol(ALICE)
    desk.approved()
    drain()
    assert vault.find_subject(IdentifierKind.EMAIL, ALICE.email) == alice
    assert not vault.erased_among([alice])


def test_a_worker_killed_in_every_step_changes_nothing(
    desk: Desk, erin: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill the worker after the effect of each step and before its commit; another one goes on each time."""
    killed: list[str] = []

    def dying(source: PersonalDataSource) -> Callable[[SubjectId], Erased]:
        real = source.erase

        def erase(subject: SubjectId) -> Erased:
            done = real(subject)
            if source.key not in killed:
                killed.append(source.key)
                raise KeyboardInterrupt  # no handler of ours sees it, as with a kill
            return done

        return erase

    request_id = desk.approved()
    for source in personal_data.sources():
        monkeypatch.setattr(source, "erase", dying(source), raising=False)
    for _ in personal_data.sources():
        with pytest.raises(KeyboardInterrupt):
            drain()
        Job.objects.filter(state="leased").update(lease_until=clock.now() - timedelta(seconds=1))
    now_and_later()

    assert killed == [source.key for source in personal_data.sources()]
    assert status_of(request_id) is Status.RESPONDED
    assert certificates.of(request_id).residual == 0
    steps = execution.steps_of(request_id)
    assert [step.attempts for step in steps] == [1] * len(steps)
    vault_step = steps[-1]
    assert (vault_step.deleted, vault_step.shredded) == (len([value for value in ERIN.values().values() if value]), 1)


def test_running_every_job_twice_doubles_nothing(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain()
    before = (execution.steps_of(request_id), StepAttempt.objects.count(), len(desk.outbox))
    Job.objects.filter(kind__startswith="dsar.").exclude(kind="dsar.send_code").update(
        state="ready", attempts=0, run_after=clock.now(), finished_at=None
    )
    drain()
    assert (execution.steps_of(request_id), StepAttempt.objects.count(), len(desk.outbox)) == before
    assert status_of(request_id) is Status.RESPONDED


def test_a_source_that_fails_twice_is_tried_again(desk: Desk, erin: SubjectId, registered: list[Drawer]) -> None:
    drawer = registered[0]
    drawer.failures = 2
    request_id = desk.approved()
    now_and_later()
    assert status_of(request_id) is Status.RESPONDED
    outcomes = StepAttempt.objects.filter(step__source_key=drawer.key).order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["failed_retryable", "failed_retryable", "done"]


def test_a_source_that_keeps_failing_blocks_the_request(desk: Desk, erin: SubjectId, registered: list[Drawer]) -> None:
    drawer = registered[0]
    drawer.failures = 99
    request_id = desk.approved()
    now_and_later()
    request = SubjectRequest.objects.get(pk=request_id)
    assert (Status(request.status), request.blocked_reason) == (Status.BLOCKED, "step_failed")
    assert Job.objects.filter(kind="dsar.step", state="dead").count() == 1
    assert not Certificate.objects.exists()
    assert vault.find_subject(IdentifierKind.EMAIL, ERIN.email) == erin  # the vault comes last

    drawer.failures = 0
    execution.resume(request_id, actor=desk.dana)
    now_and_later()
    assert status_of(request_id) is Status.RESPONDED
    assert not Job.objects.filter(state="dead").exists()
    assert certificates.of(request_id).residual == 0


def test_a_source_that_lies_is_found_out_by_the_search(desk: Desk, erin: SubjectId, registered: list[Drawer]) -> None:
    drawer = registered[0]
    drawer.keeps = 1
    request_id = desk.approved()
    now_and_later()
    request = SubjectRequest.objects.get(pk=request_id)
    assert (Status(request.status), request.blocked_reason) == (Status.BLOCKED, "residual")
    assert drawer.calls == execution.MAXIMUM_ROUNDS
    assert not Certificate.objects.exists()

    drawer.keeps = 0
    execution.resume(request_id, actor=desk.dana)
    now_and_later()
    assert status_of(request_id) is Status.RESPONDED
    assert RescanResult.objects.order_by("-id").first().residual == 0


def test_rows_that_no_source_declared_retained_are_residual(
    desk: Desk, erin: SubjectId, registered: list[Drawer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search reads the database's own catalogue: a source that forgets a table does not hide it."""
    from dsar.sources import RequestsSource

    monkeypatch.setattr(RequestsSource, "erase", lambda self, subject: Erased())
    request_id = desk.approved()
    now_and_later()
    assert status_of(request_id) is Status.BLOCKED
    found = {row["table"]: row["residual"] for row in RescanResult.objects.order_by("-id").first().tables}
    assert found["dsar_request"] == 1


def test_what_is_kept_is_in_the_certificate_with_its_ground(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain()
    kept = {one.table: one for one in certificates.of(request_id).retained}
    assert kept["dsar_request"].ground.startswith("Art. 5(2)")
    assert kept["dsar_request"].until is not None


def test_a_table_that_nobody_answers_for_stops_the_plan(
    desk: Desk, erin: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = desk.verified()
    without = {key: source for key, source in personal_data._sources.items() if key != "dsar.requests"}
    monkeypatch.setattr(personal_data, "_sources", without)
    with pytest.raises(PlanIncomplete) as refused:
        planning.plan(request_id, desk.dana)
    assert refused.value.fields["tables"] == ["dsar_request"]


def test_a_dry_run_writes_nothing(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.verified()
    preview = planning.dry_run(request_id)
    assert preview.expected_rows > 0
    assert not Plan.objects.exists()
    planned = planning.plan(request_id, desk.dana)
    assert [node.source for node in planned.nodes] == [node.source for node in preview.nodes]


def test_planning_twice_is_one_plan_and_another_source_makes_another(
    desk: Desk, erin: SubjectId, registered: list[Drawer]
) -> None:
    request_id = desk.verified()
    first = planning.plan(request_id, desk.dana)
    assert planning.plan(request_id, desk.dana) == first
    personal_data.register(Drawer("late"))
    assert planning.plan(request_id, desk.dana).version == 2


def test_only_a_dpo_with_a_reason_approves(desk: Desk, erin: SubjectId, marko: Actor) -> None:
    request_id = desk.planned()
    for actor, reason in ((marko, "I may not."), (SYSTEM, "Nor may I."), (desk.dana, "  ")):
        with pytest.raises(ApprovalRefused):
            planning.approve(request_id, actor, reason=reason)
    assert status_of(request_id) is Status.PLANNED


def test_an_approval_is_for_the_plan_that_was_seen(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.planned()
    with pytest.raises(PlanStale):
        planning.approve(request_id, desk.dana, reason="Looked at it.", content_sha256="0" * 64)


def test_a_small_plan_can_be_approved_by_configuration(desk: Desk, erin: SubjectId, settings: object) -> None:
    settings.ZGODA_DSAR_AUTO_APPROVE_ROWS = 1000
    request_id = desk.verified()
    drain()
    assert status_of(request_id) is Status.RESPONDED


def test_a_source_registered_after_the_approval_makes_a_new_plan(
    desk: Desk, erin: SubjectId, registered: list[Drawer]
) -> None:
    request_id = desk.approved()
    personal_data.register(Drawer("late"))
    drain()
    assert status_of(request_id) is Status.PLANNED
    latest = planning.latest(request_id)
    assert latest is not None
    assert latest.version == 2
    assert "tests.late" in {node.source for node in latest.nodes}
    assert registered[0].calls == 0


def test_a_revoked_request_lifts_the_tombstone(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.planned()
    requests.revoke(request_id, actor=desk.dana)
    assert status_of(request_id) is Status.CLOSED
    assert not vault.is_suppressed(IdentifierKind.EMAIL, ERIN.email)
    assert not any(state.restricted for state in ledger.current(erin))
    with pytest.raises(InvalidTransition):
        planning.approve(request_id, desk.dana, reason="Too late for that.")


def test_revoking_in_the_cooling_off_stops_the_execution(desk: Desk, erin: SubjectId, settings: object) -> None:
    settings.ZGODA_DSAR_COOLING_OFF_HOURS = 48
    request_id = desk.approved()
    assert status_of(request_id) is Status.COOLING_OFF
    requests.revoke(request_id, actor=desk.dana)
    now_and_later()
    assert status_of(request_id) is Status.CLOSED
    assert vault.find_subject(IdentifierKind.EMAIL, ERIN.email) == erin


def test_nothing_can_be_revoked_once_execution_began(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain(kinds=["dsar.start"])
    assert status_of(request_id) is Status.EXECUTING
    with pytest.raises(InvalidTransition):
        requests.revoke(request_id, actor=desk.dana)


def test_a_request_whose_job_is_lost_is_taken_up_by_the_watchdog(desk: Desk, erin: SubjectId) -> None:
    request_id = desk.approved()
    drain(kinds=["dsar.start"])
    Job.objects.filter(kind="dsar.step").delete()
    assert execution.watch() == 0
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        assert execution.watch() == 1
        drain()
    assert status_of(request_id) is Status.RESPONDED


def test_somebody_we_do_not_know_is_told_so_after_the_check(desk: Desk) -> None:
    request_id = desk.verified(ALICE)
    drain()
    assert status_of(request_id) is Status.RESPONDED
    assert "no personal data" in desk.outbox[-1].body
    assert not Certificate.objects.exists()


def test_older_requests_of_the_person_lose_what_they_held(desk: Desk, erin: SubjectId) -> None:
    older = desk.verified()
    requests.revoke(older, actor=desk.dana)
    desk.approved()
    drain()
    assert not RequestClaim.objects.filter(request_id=older).exists()
    assert SubjectRequest.objects.get(pk=older).wrapped_key is None
