"""Kits, made in the house: the working keys that a policy's columns take, derived from the masters of its domain."""

from __future__ import annotations

from datetime import date

from governance.kernel.clock import today
from pseudonymize.keys import masters, usage
from pseudonymize.keys.domain_keys import working_key
from pseudonymize.kits.kit import Kit, keys_needed
from pseudonymize.models import Domain
from pseudonymize.policies.policy import Policy


def kit(policy: Policy, domain: Domain, *, epoch: int | None = None, on: date | None = None) -> Kit:
    """The kit of a policy in its domain's epoch, or in another one. A few queries: make one per run and not one per batch.

    `on` is the day that ages are counted on. Raises KeyDestroyed for a dead epoch, KeyExhausted when those of
    the present one have worked as much as they may.
    """
    if epoch is None:
        usage.require_room(masters.space_of(domain), domain.epoch)
    epoch = epoch or domain.epoch
    keys = {name: working_key(domain, *name, epoch=epoch) for name in keys_needed(policy)}
    return Kit(policy=policy, space=masters.space_of(domain), epoch=epoch, today=on or today(), keys=keys)
