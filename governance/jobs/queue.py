"""Putting work into the table: in the transaction of the change that causes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from governance.jobs import wakeup
from governance.jobs.errors import ArgumentNotAllowed
from governance.jobs.handlers import handler_of
from governance.jobs.models import Job, State
from governance.kernel import clock
from governance.kernel.ids import uuid7

_LONGEST_ARGUMENT = 200


def schedule(
    kind: str, args: Mapping[str, str | int] | None = None, *, run_after: datetime | None = None, key: str | None = None
) -> UUID:
    """Add a job and wake a worker when the surrounding transaction commits.

    `key` makes it idempotent: a second job with the same key is the first one. Returns the job's id.
    Raises UnknownKind, ArgumentNotAllowed.
    """
    handler_of(kind)
    checked = _checked(args or {})
    now = clock.now()
    job = Job(id=uuid7(), kind=kind, args=checked, key=key, run_after=run_after or now, created_at=now)
    identifier = job.id
    if key is None:
        job.save(force_insert=True)
    else:
        Job.objects.bulk_create([job], ignore_conflicts=True)
        identifier = Job.objects.values_list("id", flat=True).get(key=key)
    transaction.on_commit(wakeup.wake)
    return identifier


def _checked(args: Mapping[str, str | int]) -> dict[str, str | int]:
    for name, value in args.items():
        if not _allowed(value):
            raise ArgumentNotAllowed(f"The argument {name} of a job must be an id, a number or a short name.")
    return dict(args)


def _allowed(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= _LONGEST_ARGUMENT and "@" not in value)


def oldest_waiting() -> datetime | None:
    """Since when the job that waits longest could have run; None when nothing waits."""
    now = clock.now()
    oldest: datetime | None = Job.objects.filter(state=State.READY, run_after__lte=now).aggregate(
        oldest=Min("run_after")
    )["oldest"]
    return oldest


def counts() -> dict[str, int]:
    """How many jobs are in each state."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM jobs_job GROUP BY state")
        return dict.fromkeys(State.values, 0) | dict(cursor.fetchall())


def retry_dead(job_id: UUID) -> None:
    """Give a dead letter another round of attempts: for staff, after the cause is gone."""
    Job.objects.filter(id=job_id, state=State.DEAD).update(
        state=State.READY, attempts=0, run_after=clock.now(), error_class="", finished_at=None
    )
    transaction.on_commit(wakeup.wake)
