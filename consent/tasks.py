"""What this package does by itself: apply spooled withdrawals, hand changes over, escalate what is late, write down what ran out."""

from __future__ import annotations

from uuid import UUID

from consent import confirmation, propagation, renewals, spool
from governance.jobs.handlers import Args, every, handles
from governance.jobs.leases import Lease
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)


@every(seconds=1, name="consent.spool")
def apply_spooled_withdrawals() -> None:
    """Apply what was accepted while the database was away; the gate is shut until that is done."""
    spool.drain()


@every(seconds=60, name="consent.spool_overdue")
def tell_of_withdrawals_that_wait() -> None:
    """Say so when withdrawals wait on this host although the database is there."""
    if spool.overdue():
        _logger.error("withdrawals_wait_too_long", count=spool.pending())


@handles(propagation.KIND, max_attempts=8, lease_seconds=120)
def propagate(args: Args, lease: Lease) -> None:
    """Hand a system's changes over."""
    propagation.deliver(UUID(str(args["target"])), lease)


@every(seconds=5, name="consent.propagation")
def keep_propagating() -> None:
    """See that every system with something waiting has a job."""
    propagation.sweep()


@every(seconds=60, name="consent.propagation_overdue")
def escalate() -> None:
    """Say so when a system has not settled a change in time."""
    propagation.escalate()


@handles(confirmation.KIND, max_attempts=8)
def send_confirmation(args: Args, lease: Lease) -> None:
    """Write to the mailbox of somebody whose consent waits."""
    confirmation.deliver(UUID(str(args["event"])), str(args["language"]))


@every(seconds=300, name="consent.expiry")
def write_down_what_ran_out() -> None:
    """Record the end of consents whose time has passed."""
    renewals.expire_due(limit=20_000)


@every(seconds=3600, name="consent.renewals")
def ask_again_before_consents_end() -> None:
    """Ask people whose consent is about to end, a batch at a time."""
    while renewals.ask() == renewals.BATCH:
        pass


@handles(renewals.KIND, max_attempts=8)
def send_renewal(args: Args, lease: Lease) -> None:
    """Write to somebody whose consent is about to end."""
    renewals.write_to(UUID(str(args["event"])))
