"""Carrying out an approved plan: one job per step, in order, the vault last; then the independent search; then the certificate.

A step's effect, its record, its audit entry and the order of the next step commit together. A worker killed anywhere
leaves either all of it or nothing, and the job runs again. A source that keeps failing blocks the request: it never
completes over a store that was not done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit import log
from dsar import certificates, letters, planning, rescan
from dsar.errors import InvalidTransition, StepFailed
from dsar.models import Plan, Step, StepAttempt, SubjectRequest
from dsar.states import TERMINAL_STEPS, Status, StepStatus
from dsar.transitions import lock, move, object_name
from governance.jobs.errors import LeaseLost
from governance.jobs.leases import Lease
from governance.jobs.queue import retry_dead, schedule
from governance.kernel import clock, personal_data
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger
from governance.kernel.personal_data import Erased, PersonalDataSource

logger = get_logger(__name__)

MAXIMUM_ATTEMPTS = 5
MAXIMUM_ROUNDS = 3
STALLED_AFTER = timedelta(hours=1)


def start(request_id: UUID) -> None:
    """Begin to execute an approved plan; a plan that the registry has outgrown fails and is planned again."""
    with transaction.atomic():
        request = lock(request_id)
        if Status(request.status) not in {Status.APPROVED, Status.COOLING_OFF}:
            return  # revoked while cooling off, or started by an earlier run of this job
        plan = _current_plan(request)
        move(request, Status.EXECUTING, actor=SYSTEM, facts={"version": plan.version})
        if not planning.covers_registry(plan):
            move(request, Status.FAILED, actor=SYSTEM, reason_code="plan_stale")
            planning.replan(request, actor=SYSTEM)
            return
        _go_on(request, plan)


def run_step(step_id: UUID, lease: Lease | None = None) -> None:
    """Do one step. Idempotent; raises :class:`~dsar.errors.StepFailed` when the source failed, after noting the attempt."""
    started_at = clock.now()
    try:
        with transaction.atomic():
            _do_step(step_id, started_at, lease)
    except LeaseLost:
        raise  # somebody else runs this step now
    except Exception as error:
        # The edge of another package: whatever a source raises is noted, and decides about the request.
        _note_failure(step_id, started_at, type(error).__name__)
        raise StepFailed(f"The step failed with {type(error).__name__}.") from error


def verify(request_id: UUID) -> None:
    """Search for what is left: nothing → certificate and completion; something → the steps that answer for it run again."""
    with transaction.atomic():
        request = lock(request_id)
        if Status(request.status) is not Status.VERIFYING:
            return
        plan = _current_plan(request)
        result = rescan.search(request, plan)
        rescan.record(plan, result)
        if result.residual == 0:
            _complete(request, plan, result)
            return
        logger.warning("erasure_left_residual", object_id=str(request_id), count=result.residual)
        log.emit(
            "dsar.residual_found",
            actor=SYSTEM,
            object=object_name(request_id),
            facts={
                "residual": result.residual,
                "tables": [finding.table for finding in result.tables if finding.residual],
            },
        )
        steps = rescan.steps_to_reopen(plan, result)
        if not steps or max(step.round for step in steps) >= MAXIMUM_ROUNDS:
            move(request, Status.BLOCKED, actor=SYSTEM, reason_code="residual")
            return
        _reopen(steps)
        move(request, Status.EXECUTING, actor=SYSTEM, reason_code="residual")
        _go_on(request, plan)


def resume(request_id: UUID, *, actor: Actor) -> None:
    """Staff let a blocked request go on, after the cause is gone: failed steps, or those with residuals, run again."""
    with transaction.atomic():
        request = lock(request_id)
        if Status(request.status) is not Status.BLOCKED:
            raise InvalidTransition("Only a blocked request can be resumed.")
        plan = _current_plan(request)
        failed = plan.steps.filter(status=StepStatus.FAILED_FINAL.value)
        if not failed.update(status=StepStatus.PENDING.value, attempts=0, error_class=""):
            _reopen(list(plan.steps.all()))
        move(request, Status.EXECUTING, actor=actor, reason_code="resumed")
        _go_on(request, plan)


def watch() -> int:
    """Order the next step of executing requests that nothing happened to for long (a dead or lost job); returns how many."""
    stalled = SubjectRequest.objects.filter(
        status__in=[Status.EXECUTING.value, Status.VERIFYING.value], progress_at__lt=clock.now() - STALLED_AFTER
    )
    count = 0
    for request_id in list(stalled.values_list("pk", flat=True)):
        with transaction.atomic():
            request = lock(request_id)
            logger.warning("request_stalled", object_id=str(request_id), status=request.status)
            log.emit("dsar.stalled", actor=SYSTEM, object=object_name(request_id), facts={"status": request.status})
            request.progress_at = clock.now()
            request.save(update_fields=["progress_at"])
            if Status(request.status) is Status.VERIFYING:
                schedule("dsar.verify", {"request": str(request_id)})
            else:
                _go_on(request, _current_plan(request), again=True)
        count += 1
    return count


@dataclass(frozen=True)
class StepView:
    """One step as the console and the demo show it."""

    position: int
    source: str
    title: str
    status: StepStatus
    expected: int
    deleted: int
    anonymised: int
    shredded: int
    retained: int
    attempts: int


def steps_of(request_id: UUID) -> tuple[StepView, ...]:
    """The steps of the newest plan of a request, in order."""
    plan = Plan.objects.filter(request_id=request_id).order_by("-version").first()
    if plan is None:
        return ()
    return tuple(
        StepView(
            position=step.position,
            source=step.source_key,
            title=step.title,
            status=StepStatus(step.status),
            expected=sum(step.expected_counts.values()),
            deleted=step.deleted,
            anonymised=step.anonymised,
            shredded=step.shredded,
            retained=sum(kept["count"] for kept in step.retained),
            attempts=step.attempts,
        )
        for step in plan.steps.order_by("position")
    )


def _do_step(step_id: UUID, started_at: datetime, lease: Lease | None) -> None:
    step = Step.objects.select_related("plan").get(pk=step_id)
    request = lock(step.plan.request_id)
    step.refresh_from_db()
    if StepStatus(step.status) in TERMINAL_STEPS or Status(request.status) is not Status.EXECUTING:
        return
    if lease is not None:
        lease.check()
    assert request.subject_id is not None  # noqa: S101 - a plan exists only for a found person
    erased = _source(step.source_key).erase(SubjectId(request.subject_id))
    step.attempts += 1
    step.status = _outcome(step, erased).value
    step.deleted += erased.deleted
    step.anonymised += erased.anonymised
    step.shredded += erased.shredded
    step.retained = [
        {
            "table": kept.table,
            "count": kept.count,
            "ground": kept.ground,
            "until": kept.until.isoformat() if kept.until else None,
        }
        for kept in erased.retained
        if kept.count
    ]
    step.error_class = ""
    step.finished_at = clock.now()
    counts = {"deleted": erased.deleted, "anonymised": erased.anonymised, "shredded": erased.shredded}
    step.entry_id = log.emit(
        "dsar.step_done",
        actor=SYSTEM,
        object=object_name(request.pk),
        facts={
            "source": step.source_key,
            "outcome": step.status,
            "round": step.round,
            **counts,
            "retained": sum(kept.count for kept in erased.retained),
        },
    )
    step.save()
    _attempt(step, started_at, step.status, counts)
    request.progress_at = clock.now()
    request.save(update_fields=["progress_at"])
    _go_on(request, step.plan)


def _outcome(step: Step, erased: Erased) -> StepStatus:
    if any(kept.count for kept in erased.retained):
        return StepStatus.RETAINED
    touched = erased.deleted + erased.anonymised + erased.shredded + step.deleted + step.anonymised + step.shredded
    return StepStatus.DONE if touched else StepStatus.NOT_FOUND


def _note_failure(step_id: UUID, started_at: datetime, error_class: str) -> None:
    with transaction.atomic():
        step = Step.objects.select_related("plan").get(pk=step_id)
        request = lock(step.plan.request_id)
        step.refresh_from_db()
        if StepStatus(step.status) in TERMINAL_STEPS:
            return
        step.attempts += 1
        final = step.attempts >= MAXIMUM_ATTEMPTS
        step.status = (StepStatus.FAILED_FINAL if final else StepStatus.FAILED_RETRYABLE).value
        step.error_class = error_class
        step.save()
        _attempt(step, started_at, step.status, {})
        logger.warning("step_failed", step=step.source_key, attempt=step.attempts, error_class=error_class)
        if final and Status(request.status) is Status.EXECUTING:
            move(request, Status.BLOCKED, actor=SYSTEM, reason_code="step_failed", facts={"source": step.source_key})


def _attempt(step: Step, started_at: datetime, outcome: str, counts: dict[str, int]) -> None:
    StepAttempt.objects.create(
        step=step,
        round=step.round,
        number=step.attempts,
        started_at=started_at,
        ended_at=clock.now(),
        outcome=outcome,
        counts=counts,
        error_class=step.error_class,
    )


def _go_on(request: SubjectRequest, plan: Plan, *, again: bool = False) -> None:
    """Order the first step that is not terminal, or the search when all are. In the caller's transaction."""
    for step in plan.steps.order_by("position"):
        if StepStatus(step.status) not in TERMINAL_STEPS:
            key = None if again else f"dsar.step:{step.pk}:{step.round}"
            # After a failure the job of this step is a dead letter: whoever resumes the request has looked at it.
            retry_dead(schedule("dsar.step", {"step": str(step.pk)}, key=key))
            return
    move(request, Status.VERIFYING, actor=SYSTEM)
    schedule("dsar.verify", {"request": str(request.pk)})


def _reopen(steps: list[Step]) -> None:
    for step in steps:
        step.round += 1
        step.attempts = 0
        step.status = StepStatus.PENDING.value
        step.save(update_fields=["round", "attempts", "status"])


def _complete(request: SubjectRequest, plan: Plan, result: rescan.Rescan) -> None:
    move(request, Status.COMPLETED, actor=SYSTEM, facts={"residual": 0, "tables_searched": len(result.tables)})
    certificates.issue(request, plan, result, outcome=Status.COMPLETED.value)
    letters.queue(request, letters.Letter.ERASED)


def _current_plan(request: SubjectRequest) -> Plan:
    plan = Plan.objects.filter(request=request).order_by("-version").first()
    if plan is None:
        raise InvalidTransition("This request has no plan.")
    return plan


def _source(key: str) -> PersonalDataSource:
    for source in personal_data.sources():
        if source.key == key:
            return source
    raise StepFailed(f"The source {key} is not registered any more.")
