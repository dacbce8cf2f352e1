"""What runs on a calendar."""

from django.db import transaction

from audit import direct_changes, sequencer, verification, watching
from audit.explanations import frequencies
from audit.heads import anchoring
from audit.publication import siem
from governance.jobs.handlers import Args, every, handles
from governance.jobs.leases import Lease
from governance.jobs.queue import schedule
from governance.kernel import clock
from governance.kernel.actors import SYSTEM


@every(seconds=2, name="audit.sequence")
def sequence() -> None:
    """Number what was committed since, and look whether anything that was committed is gone."""
    direct_changes.record()
    sequencer.sequence()
    sequencer.check_writers()


@every(seconds=60, name="audit.anchor")
def anchor() -> None:
    """Have others vouch for the newest checkpoint."""
    anchoring.anchor_all()


@every(seconds=3600, name="audit.watch_reasons")
def watch_reasons() -> None:
    """Look whether the reasons of a model have shifted."""
    frequencies.watch()


@every(seconds=10, name="audit.export")
def export() -> None:
    """Hand new entries over to the SIEM, when there is one."""
    siem.forward()


@every(seconds=300, name="audit.watch")
def watch() -> None:
    """Look for unusual accesses in the last hour."""
    watching.watch()


@every(seconds=24 * 3600, name="audit.verify")
def verify_daily() -> None:
    """Have the whole log verified once a day, as a job: it takes minutes, and the calendar must not wait for it."""
    with transaction.atomic():
        schedule("audit.verify", key=f"audit.verify:{clock.today()}")


@handles("audit.verify", max_attempts=3, lease_seconds=3600)
def verify(args: Args, lease: Lease) -> None:
    """Verify, and keep the result as an entry."""
    verification.record(verification.verify_log(), actor=SYSTEM)
