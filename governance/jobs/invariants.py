"""What must hold in the job table at any time."""

from governance.jobs.handlers import known_kinds
from governance.jobs.models import Job, State
from governance.kernel.invariants import Finding, invariant


@invariant("jobs.every_kind_has_a_handler")
def every_kind_has_a_handler() -> Finding:
    """No job waits for a handler that does not exist."""
    waiting = Job.objects.filter(state__in=[State.READY, State.LEASED])
    orphans = waiting.exclude(kind__in=known_kinds()).values_list("id", flat=True)[:100]
    return Finding(waiting.count(), tuple(str(identifier) for identifier in orphans))


@invariant("jobs.no_dead_letters")
def no_dead_letters() -> Finding:
    """Nothing was given up; a dead letter is work that a person must look at."""
    dead = Job.objects.filter(state=State.DEAD).values_list("id", flat=True)[:100]
    return Finding(Job.objects.count(), tuple(str(identifier) for identifier in dead))
