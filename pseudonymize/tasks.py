"""Work on keys that nobody waits for: epochs by the calendar, and when a key has encrypted enough."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from governance.jobs.handlers import Args, every, handles
from governance.jobs.queue import schedule
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from pseudonymize import domains, keys
from pseudonymize.keys import usage
from pseudonymize.models import KeyEncryptionKey, KeyStatus

if TYPE_CHECKING:
    from governance.jobs.leases import Lease

KEPT = 1
"""How many versions before the current one stay, so that the key-store's backup of yesterday can be restored."""


@every(seconds=3600, name="pseudonymize.key_epochs")
def start_epoch() -> None:
    """Schedule the next epoch of the key-encryption key when the current one is old enough."""
    age = timedelta(days=settings.ZGODA_KEY_EPOCH_DAYS)
    with transaction.atomic():
        due = KeyEncryptionKey.objects.filter(status=KeyStatus.ACTIVE, created_at__lte=now() - age).first()
        if due is not None:
            schedule(usage.ROTATE, {"version": due.version}, key=f"{usage.ROTATE}:{due.version}")


@handles(usage.ROTATE, max_attempts=20, lease_seconds=300)
def rotate_keys(args: Args, lease: Lease) -> None:
    """The epoch rule: a new version, everything alive rewrapped, the version before the last destroyed. Goes on where it stopped."""
    version = int(args["version"])
    if any(state.version == version and state.status == KeyStatus.ACTIVE for state in keys.states()):
        keys.rotate(actor=SYSTEM)
    keys.rewrap(actor=SYSTEM, progress=lambda done, total: lease.heartbeat())
    states = keys.states()
    current = max(state.version for state in states)
    for state in states:
        if state.status == KeyStatus.DECRYPT_ONLY and state.version < current - KEPT:
            keys.destroy_version(state.version, actor=SYSTEM)


@handles(usage.NEXT_EPOCH)
def next_epoch(args: Args, lease: Lease) -> None:
    """The next epoch of a domain's (or join group's) keys, when its key has encrypted half of what one may."""
    domains.leave_epoch(str(args["space"]), int(args["epoch"]), actor=SYSTEM)
