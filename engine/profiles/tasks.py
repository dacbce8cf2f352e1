"""Jobs of this package."""

from __future__ import annotations

from engine.profiles import projection
from governance.jobs.handlers import Args, handles
from governance.jobs.leases import Lease

ABSORB = "engine.profiles.absorb"


@handles(ABSORB)
def absorb(args: Args, lease: Lease) -> None:
    projection.absorb(int(args["batch"]))
