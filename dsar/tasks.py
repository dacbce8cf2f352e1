"""Jobs of this package: each takes an id and calls a verb."""

from __future__ import annotations

from uuid import UUID

from dsar import execution, identity, letters, lifecycle, packages, planning
from dsar.errors import InvalidTransition
from governance.jobs.handlers import Args, every, handles
from governance.jobs.leases import Lease
from governance.kernel.actors import SYSTEM


@handles("dsar.send_code", max_attempts=8)
def send_code(args: Args, lease: Lease) -> None:
    identity.mail_code(UUID(str(args["verification"])))


@handles("dsar.send_letter", max_attempts=12)
def send_letter(args: Args, lease: Lease) -> None:
    letters.deliver(UUID(str(args["message"])))


@handles("dsar.plan")
def plan(args: Args, lease: Lease) -> None:
    try:
        planning.plan(UUID(str(args["request"])), SYSTEM)
    except InvalidTransition:
        return  # staff planned it by hand, or the person revoked it, before this job ran


@handles("dsar.start")
def start(args: Args, lease: Lease) -> None:
    execution.start(UUID(str(args["request"])))


@handles("dsar.step", max_attempts=execution.MAXIMUM_ATTEMPTS, lease_seconds=300)
def run_step(args: Args, lease: Lease) -> None:
    execution.run_step(UUID(str(args["step"])), lease)


@handles("dsar.verify", lease_seconds=300)
def verify(args: Args, lease: Lease) -> None:
    execution.verify(UUID(str(args["request"])))


@handles("dsar.package", lease_seconds=300)
def package(args: Args, lease: Lease) -> None:
    packages.build(UUID(str(args["request"])))


every(seconds=3600, name="dsar.watch")(execution.watch)
every(seconds=3600, name="dsar.lifecycle")(lifecycle.run)
