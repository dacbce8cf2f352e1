"""Leases: a job is run by who holds its newest fencing number, for as long as the lease lasts."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from governance.jobs.errors import LeaseLost
from governance.jobs.models import Job, State
from governance.kernel import clock

OWNER = f"{socket.gethostname()[:60]}:{os.getpid()}"

# SKIP LOCKED: workers never wait for one another. An expired lease is as good as a ready job.
_CLAIM = """
UPDATE jobs_job SET state = 'leased', fence = fence + 1, attempts = attempts + 1, owner = %(owner)s,
       lease_until = %(now)s + (SELECT make_interval(secs => length.seconds)
                                FROM unnest(%(kinds)s::text[], %(seconds)s::float8[]) AS length (kind, seconds)
                                WHERE length.kind = jobs_job.kind)
WHERE id = (SELECT id FROM jobs_job
            WHERE ((state = 'ready' AND run_after <= %(now)s) OR (state = 'leased' AND lease_until < %(now)s))
              AND kind = ANY(%(kinds)s)
            ORDER BY run_after, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, kind, args, fence, attempts
"""


@dataclass(slots=True)
class Lease:
    """The right to run one job until it expires. Effects that must not come from a zombie call `check` in their transaction."""

    job_id: UUID
    kind: str
    args: dict[str, str | int]
    fence: int
    attempts: int
    length: timedelta

    def heartbeat(self) -> None:
        """Make the lease last from now. Raises LeaseLost."""
        self._write(lease_until=clock.now() + self.length)

    def check(self) -> None:
        """Hold the job's row until the surrounding transaction ends. Raises LeaseLost when it is not ours any more."""
        mine = Job.objects.select_for_update().filter(id=self.job_id, fence=self.fence, state=State.LEASED)
        if not transaction.get_connection().in_atomic_block or not mine.exists():
            raise LeaseLost(f"The lease {self.fence} of the job {self.job_id} is not held.")

    def finish(self) -> None:
        self._write(state=State.DONE, finished_at=clock.now(), lease_until=None, error_class="")

    def postpone(self, until: datetime, error_class: str) -> None:
        self._write(state=State.READY, run_after=until, lease_until=None, error_class=error_class)

    def bury(self, error_class: str) -> None:
        self._write(state=State.DEAD, finished_at=clock.now(), lease_until=None, error_class=error_class)

    def _write(self, **values: Any) -> None:
        if not Job.objects.filter(id=self.job_id, fence=self.fence, state=State.LEASED).update(**values):
            raise LeaseLost(f"The lease {self.fence} of the job {self.job_id} is not held.")


def claim(lengths: Mapping[str, timedelta]) -> Lease | None:
    """Lease the job that waits longest among these kinds, for as long as its kind says; None when nothing waits."""
    seconds = [length.total_seconds() for length in lengths.values()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"owner": OWNER, "now": clock.now(), "kinds": list(lengths), "seconds": seconds})
        row = cursor.fetchone()
    if row is None:
        return None
    identifier, kind, args, fence, attempts = row
    return Lease(identifier, kind, json.loads(args), fence, attempts, lengths[kind])
