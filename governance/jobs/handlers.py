"""Who handles which kind of job, and which verbs run on a calendar. Filled by the packages when their apps are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from governance.jobs.errors import UnknownKind

if TYPE_CHECKING:
    from governance.jobs.leases import Lease

Args: TypeAlias = "Mapping[str, str | int]"
Handler: TypeAlias = "Callable[[Args, Lease], None]"


@dataclass(frozen=True, slots=True)
class Registration:
    run: Handler
    max_attempts: int
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Recurring:
    run: Callable[[], object]
    interval: timedelta


_handlers: dict[str, Registration] = {}
_recurring: dict[str, Recurring] = {}


def handles(kind: str, *, max_attempts: int = 8, lease_seconds: int = 60) -> Callable[[Handler], Handler]:
    """Register the handler of a kind. It must be idempotent: after a crash it runs again."""

    def register(run: Handler) -> Handler:
        _handlers[kind] = Registration(run, max_attempts, timedelta(seconds=lease_seconds))
        return run

    return register


def every(*, seconds: float, name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a verb to be run every `seconds`, by one runner at a time."""

    def register(run: Callable[[], object]) -> Callable[[], object]:
        _recurring[name] = Recurring(run, timedelta(seconds=seconds))
        return run

    return register


def handler_of(kind: str) -> Registration:
    """Raises UnknownKind."""
    if kind not in _handlers:
        raise UnknownKind(f"No handler for jobs of the kind {kind}.")
    return _handlers[kind]


def known_kinds() -> frozenset[str]:
    return frozenset(_handlers)


def recurring() -> dict[str, Recurring]:
    return dict(sorted(_recurring.items()))
