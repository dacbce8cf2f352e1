"""Policies: what happens to each column of a table, for which domain, and what the output has to satisfy.

`load` reads and validates one; `publish` makes it a version that never changes; `current` finds the latest of a name.
"""

from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy
from pseudonymize.policies.publishing import Published, current, publish

__all__ = ["Policy", "Published", "current", "load", "publish"]
