"""Lending working keys to executors outside the house, for minutes: a kit of derived keys for one policy, and when it ends.

A cluster works where the rows are. Its executors ask for a lease once each, over TLS with a service client's key; a master never leaves,
and what is lent makes the tokens of one policy in one epoch and nothing else. Each lease is an entry in the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from pseudonymize import publishing
from pseudonymize.errors import VaultNeeded
from pseudonymize.keys import limits, usage
from pseudonymize.kits import keyring
from pseudonymize.kits.kit import Kit, needs_the_house
from pseudonymize.policies.policy import Policy

LONGEST = timedelta(hours=1)
DEFAULT = timedelta(minutes=15)
_COUNTED = {"siv-mac": "siv", "siv-ctr": "siv"}


@dataclass(frozen=True, repr=False)
class Lease:
    """A kit, lent until a time. Its repr shows neither."""

    kit: Kit
    expires_at: datetime

    def as_json(self) -> dict[str, JSON]:
        """For the wire."""
        return {**self.kit.to_json(), "expires_at": self.expires_at.isoformat()}


def issue(policy: Policy, *, actor: Actor, lasts: timedelta = DEFAULT) -> Lease:
    """Lend the keys of a policy, which is published by that, for an hour at most.

    Raises VaultNeeded for a policy with random or shreddable tokens: the vault is not lent; KeyExhausted.
    """
    bound = needs_the_house(policy)
    if bound:
        raise VaultNeeded(f"These columns need the vault's tables: {', '.join(bound)}.", columns=bound)
    expires_at = now() + min(max(lasts, timedelta(seconds=1)), LONGEST)
    with transaction.atomic():
        published = publishing.publish(policy, actor=actor)
        kit = keyring.kit(policy, published.domain)
        log.emit(
            "keys.leased",
            actor=actor,
            object=f"policy_version:{published.id}",
            purpose=published.domain.purpose,
            facts={
                "domain": published.domain.key,
                "epoch": kit.epoch,
                "keys": len(kit.keys),
                "expires_at": expires_at.isoformat(),
            },
        )
        # What executors do with the keys is not heard of: the most that they can is counted beforehand.
        seconds = math.ceil((expires_at - now()).total_seconds())
        for kind in sorted({_COUNTED.get(kind, kind) for kind, _ in kit.keys}):
            usage.encrypted(kit.space, kit.epoch, kind, seconds * limits.LENT_BLOCKS_A_SECOND)
    return Lease(kit, expires_at)
