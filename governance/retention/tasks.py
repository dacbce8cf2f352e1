"""The jobs of this package: thin, they call verbs."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from governance.jobs.handlers import every, handles
from governance.jobs.leases import Lease
from governance.kernel.actors import SYSTEM
from governance.retention import runs
from governance.retention.errors import RuleUnknown


@handles(runs.KIND, max_attempts=5, lease_seconds=120)
def run_rule(args: Mapping[str, str | int], lease: Lease) -> None:
    """Execute one rule. A rule that was ended in the meantime is nobody's any more."""
    try:
        runs.run(UUID(str(args["rule"])), actor=SYSTEM, beat=lease.heartbeat)
    except RuleUnknown:
        return


@every(seconds=3_600, name="retention.schedule_due")
def schedule_due() -> None:
    """Once a day for each rule: the job's key is the day, so that asking every hour only helps after an outage."""
    runs.schedule_due()
