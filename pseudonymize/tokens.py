"""Tokens of a column as a policy wants them, in the house: for who has values and a domain at hand, and no table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from governance.kernel.clock import today
from pseudonymize.columns.lookups import Lookups
from pseudonymize.columns.tokens import of_mac
from pseudonymize.columns.worked import Flags, Worked
from pseudonymize.keys import masters
from pseudonymize.kits.kit import Kit
from pseudonymize.models import Domain
from pseudonymize.policies.policy import DomainTerms, Policy, TokenMac

_COLUMN = "value"


def of_column(rule: TokenMac, text: pa.Array, key: bytes, domain: Domain, epoch: int) -> tuple[pa.Array, Flags | None]:
    """The token of each value, and which values have none (None when all do). Nulls stay null.

    Where tokens say what they are, one that is a token of this domain already stays as it is. A value without a canonical form, a
    foreign token, and with `shreddable` a value of nobody in the vault have no token.
    """
    policy = Policy("", DomainTerms(domain.key, domain.purpose), {_COLUMN: rule}, "", "")
    kit = Kit(policy, masters.space_of(domain), epoch, today(), {("mac", rule.column_class): key})
    if not rule.shreddable:
        return _unpacked(of_mac(rule, text, kit))
    return _unpacked(Lookups(policy, domain).prepare(pa.table({_COLUMN: text}), kit)[_COLUMN])


def _unpacked(done: Worked) -> tuple[pa.Array, Flags | None]:
    rows = [failed for _, failed in done.failures]
    return done.values, np.logical_or.reduce(rows) if rows else None
