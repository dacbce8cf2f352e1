"""Running work: claim, run, finish or try again later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import close_old_connections, connection

from governance.jobs.errors import LeaseLost
from governance.jobs.handlers import handler_of, known_kinds
from governance.jobs.leases import Lease, claim
from governance.kernel import clock
from governance.kernel.errors import IntegrityFailure
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 15 * 60.0


@dataclass(slots=True)
class Drained:
    """What a round of work did: finished, to be tried again, given up."""

    done: int = 0
    failed: int = 0
    dead: int = 0

    @property
    def total(self) -> int:
        return self.done + self.failed + self.dead


def drain(
    limit: int | None = None, kinds: Iterable[str] | None = None, *, until: Callable[[], bool] = lambda: False
) -> Drained:
    """Run what is due, at most `limit` jobs, until nothing is left or `until()` says stop."""
    lengths = {kind: handler_of(kind).lease for kind in (kinds if kinds is not None else known_kinds())}
    drained = Drained()
    while (limit is None or drained.total < limit) and not until():
        lease = claim(lengths)
        if lease is None:
            break
        outcome = _run(lease)
        setattr(drained, outcome, getattr(drained, outcome) + 1)
    return drained


def _run(lease: Lease) -> str:
    registration = handler_of(lease.kind)
    started = time.perf_counter()
    try:
        if lease.attempts > registration.max_attempts:
            # It was leased and never finished: it kills its workers. Let a person look at it.
            lease.bury("KilledItsWorker")
            return "dead"
        registration.run(lease.args, lease)
        lease.finish()
        outcome, error_class = "done", ""
    except LeaseLost:
        outcome, error_class = "failed", "LeaseLost"
    except Exception as error:
        outcome, error_class = _failed(lease, error, registration.max_attempts), type(error).__name__
        _logger.warning("job_failed", job_id=str(lease.job_id), kind=lease.kind, attempt=lease.attempts, exc_info=error)
    duration = round(1000 * (time.perf_counter() - started), 1)
    _logger.debug(
        "job_ran",
        job_id=str(lease.job_id),
        kind=lease.kind,
        outcome=outcome,
        duration_ms=duration,
        error_class=error_class,
    )
    return outcome


def _failed(lease: Lease, error: Exception, max_attempts: int) -> str:
    if not connection.in_atomic_block:
        close_old_connections()  # the failure may have been the connection
    try:
        # Evidence that does not add up is never tried again until it fits.
        if lease.attempts >= max_attempts or isinstance(error, IntegrityFailure):
            lease.bury(type(error).__name__)
            return "dead"
        lease.postpone(clock.now() + backoff(lease.attempts), type(error).__name__)
    except LeaseLost:
        pass
    return "failed"


def backoff(attempts: int) -> timedelta:
    """Twice as long each time, with jitter, so that what failed together does not come back together."""
    delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (attempts - 1))
    return timedelta(seconds=delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
