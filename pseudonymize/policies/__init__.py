"""Policies: what happens to each column of a table, for which domain, and what the output has to satisfy.

`load` reads and validates one. No Django, so that executors elsewhere can; `pseudonymize.publishing` makes it a version that never changes.
"""

from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy

__all__ = ["Policy", "load"]
