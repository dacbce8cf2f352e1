"""Disposal runs: a rule is executed in batches, each in a transaction that holds the rule and looks for holds first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from audit import log
from governance.jobs import queue
from governance.kernel.actors import Actor
from governance.kernel.clock import now, today
from governance.kernel.ids import uuid7
from governance.kernel.logs import get_logger
from governance.retention import disposables, holds, rules
from governance.retention.errors import RuleUnknown
from governance.retention.models import DisposalRun, RetentionRule, RunStatus
from governance.retention.rules import Rule

BATCH = 1_000
KIND = "retention.run_rule"
_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did, or a dry run would have done. `held`: a hold kept the whole place."""

    rule_id: UUID
    source: str
    dry_run: bool
    before: datetime
    candidates: int
    disposed: int
    held_people: int
    held: bool
    status: RunStatus


def run(rule_id: UUID, *, actor: Actor, dry_run: bool = False, beat: Callable[[], None] = lambda: None) -> RunReport:
    """Execute a rule to its end, or count what it would take. `beat` is called between batches.

    Raises RuleUnknown. What a place raises ends the run as failed and is raised on; batches before it stay.
    """
    rule = rules.get(rule_id)
    row = _begin(rule, dry_run=dry_run, actor=actor)
    try:
        while not dry_run and _batch(rule, row, actor):
            beat()
    except Exception as error:
        _end(row, RunStatus.FAILED, actor, error_class=type(error).__name__)
        raise
    return _finished(row, rule, actor)


def schedule_due() -> int:
    """Put one job per rule and day into the table, shipped rules included. Returns how many rules are in force."""
    rules.install_defaults()
    found = rules.in_force()
    for rule in found:
        queue.schedule(KIND, {"rule": str(rule.id)}, key=f"{KIND}:{rule.id}:{today().isoformat()}")
    return len(found)


def last_runs() -> dict[UUID, datetime]:
    """When each rule last ran to its end for real."""
    done = DisposalRun.objects.filter(status=RunStatus.DONE, dry_run=False)
    return dict(done.values_list("rule").annotate(last=Max("finished_at")))


def _begin(rule: Rule, *, dry_run: bool, actor: Actor) -> DisposalRun:
    place, at = disposables.get(rule.source), now()
    before = rule.before(at)
    kept = holds.kept_of(place)
    return DisposalRun.objects.create(
        id=uuid7(),
        rule_id=rule.id,
        dry_run=dry_run,
        before=before,
        candidates=0 if kept.everything else place.candidates(before, kept.people),
        held_people=len(kept.people),
        status=RunStatus.HELD if kept.everything else RunStatus.RUNNING,
        actor=str(actor),
        started_at=at,
    )


def _batch(rule: Rule, row: DisposalRun, actor: Actor) -> bool:
    """Dispose of at most one batch; returns whether there may be more."""
    place = disposables.get(rule.source)
    with transaction.atomic():
        held = RetentionRule.objects.select_for_update(of=("self",)).filter(pk=rule.id, ended_at__isnull=True).first()
        if held is None:
            raise RuleUnknown("The rule was ended while it ran.")
        kept = holds.kept_of(place)
        if kept.everything:
            row.status = RunStatus.HELD
            return False
        row.status = RunStatus.RUNNING
        took = place.dispose(row.before, BATCH, kept.people)
        if took:
            row.disposed += took
            row.held_people = len(kept.people)
            row.save(update_fields=["disposed", "held_people"])
            log.emit(
                "retention.disposed",
                actor=actor,
                object=f"disposal_run:{row.pk}",
                purpose=rule.purpose or None,
                facts={"rule": str(rule.id), "source": rule.source, "action": str(rule.action), "rows": took},
            )
    return took == BATCH


def _finished(row: DisposalRun, rule: Rule, actor: Actor) -> RunReport:
    held = row.status == RunStatus.HELD
    _end(row, RunStatus.HELD if held else RunStatus.DONE, actor)
    return RunReport(
        rule.id,
        rule.source,
        row.dry_run,
        row.before,
        row.candidates,
        row.disposed,
        row.held_people,
        held,
        RunStatus(row.status),
    )


def _end(row: DisposalRun, status: RunStatus, actor: Actor, error_class: str = "") -> None:
    row.status, row.error_class, row.finished_at = status, error_class, now()
    with transaction.atomic():
        row.save(update_fields=["status", "error_class", "finished_at"])
        log.emit(
            "retention.run_finished",
            actor=actor,
            object=f"disposal_run:{row.pk}",
            facts={
                "rule": str(row.rule_id),
                "dry_run": row.dry_run,
                "candidates": row.candidates,
                "disposed": row.disposed,
                "status": str(status),
            },
        )
    _logger.info("disposal_run_finished", run_id=str(row.pk), count=row.disposed, status=str(status))
