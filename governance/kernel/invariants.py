"""Invariants: statements over the whole database that must hold at any time, also after a kill -9.

A package states its own in `invariants.py`, imported when the app is ready; `manage.py check_invariants` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows were looked at, and the ids of those that break the invariant (at most a hundred of them)."""

    checked: int
    violations: tuple[str, ...] = ()


Check = Callable[[], Finding]
_checks: dict[str, Check] = {}


def invariant(name: str) -> Callable[[Check], Check]:
    """Register a check under its dotted name. Its docstring is the statement that must hold."""

    def register(check: Check) -> Check:
        _checks[name] = check
        return check

    return register


def registered() -> dict[str, Check]:
    """All invariants by name, in order of name."""
    return dict(sorted(_checks.items()))
