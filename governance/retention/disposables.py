"""What can be disposed of by age: a small protocol, and the registry that packages fill when their apps are ready."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from governance.kernel.errors import Conflict
from governance.retention.errors import NotDisposable


class Action(StrEnum):
    """What disposing does to a row."""

    DELETE = "delete"
    ANONYMISE = "anonymise"
    """What identifies somebody is emptied; the rest stays."""


@runtime_checkable
class Disposable(Protocol):
    """A place whose rows grow old.

    `before` is the instant up to which rows are too old, by the place's own measure of age. `held` are people under a
    legal hold, whose rows stay; a place that has no rows of people sets `per_subject` to False and is given none.
    `dispose` takes at most `limit` rows in the caller's transaction and returns how many it took; called again, it
    goes on. `minimum_days` is what a rule may not undercut, with its `minimum_ground`.
    """

    key: str
    title: str
    tables: frozenset[str]
    action: Action
    purpose: str
    per_subject: bool
    minimum_days: int
    minimum_ground: str

    def candidates(self, before: datetime, held: frozenset[UUID]) -> int: ...
    def dispose(self, before: datetime, limit: int, held: frozenset[UUID]) -> int: ...


class DisposableDefaults:
    """For places without people, without a purpose of their own and without a minimum."""

    purpose = ""
    per_subject = False
    minimum_days = 0
    minimum_ground = ""


class DisposableRegisteredTwice(Conflict):
    """Two places claim one key."""

    code = "disposable_registered_twice"


_registered: dict[str, Disposable] = {}


def register(disposable: Disposable) -> None:
    """Add a place, from `AppConfig.ready()`. Raises DisposableRegisteredTwice when its key is taken by another kind."""
    other = _registered.get(disposable.key)
    if other is not None and type(other) is not type(disposable):
        raise DisposableRegisteredTwice(f"The place {disposable.key} is registered already.")
    _registered[disposable.key] = disposable


def unregister(key: str) -> None:
    """Take a place away: for tests."""
    _registered.pop(key, None)


def get(key: str) -> Disposable:
    """Raises NotDisposable."""
    if key not in _registered:
        raise NotDisposable(
            "Nothing of this key can be disposed of by age.",
            errors=[{"pointer": "/source", "detail": "Not registered."}],
        )
    return _registered[key]


def registered() -> tuple[Disposable, ...]:
    """All places, by key."""
    return tuple(place for _, place in sorted(_registered.items()))
