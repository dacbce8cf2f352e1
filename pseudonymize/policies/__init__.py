"""Policies: what happens to each column of a table, for which domain, and what the output has to satisfy.

`load` reads and validates one; `publish` makes it a version that never changes; `current` finds the latest of a name. Reading needs no
Django, so that executors elsewhere can; publishing is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy

if TYPE_CHECKING:
    from pseudonymize.policies.publishing import Published, current, publish

__all__ = ["Policy", "Published", "current", "load", "publish"]


def __getattr__(name: str) -> Any:
    if name in {"Published", "current", "publish"}:
        from pseudonymize.policies import publishing

        return getattr(publishing, name)
    raise AttributeError(name)
