"""Keys that were accepted a moment ago: known again without asking, and confirmed by the very statement that answers.

A question to the gate over REST would be two to the database: whether the key holds, and what the gate says. A process remembers the
keys it has accepted, for half a minute, under the digest of their text. A view that lets itself be called with such a key puts
`Beside` into its own statement: the row's version is read in the same snapshot as the answer, so a key whose row changed at all (it
was revoked, its scopes were cut, its end was moved) is looked up in full before anything is answered. Revocation is as immediate as
without the memory; when the database does not answer, neither does the view.

Only views that read take keys like this: nothing may be written before the key is confirmed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from governance.accounts import clients
from governance.accounts.clients import Accepted
from governance.accounts.errors import ScopeMissing
from governance.accounts.models import ServiceClient
from governance.kernel.clock import now
from governance.kernel.prepared import Beside

LASTS: Final = 30.0
"""Seconds for which a key is remembered; then it is looked up in full again, which also notes its use."""
MOST: Final = 1_024
"""How many keys a process remembers; the one remembered longest makes room."""

_VERSION: Final = f"(SELECT c.xmin::text || c.ctid::text FROM {ServiceClient._meta.db_table} c WHERE c.id = %s)"  # noqa: S608  # a name of ours
_remembered: dict[bytes, tuple[Accepted, float]] = {}


@dataclass(frozen=True, slots=True)
class Recognised:
    """A key as it was accepted at most `LASTS` ago. It opens nothing until it is confirmed (`confirming`)."""

    accepted: Accepted
    key_text: str = field(repr=False)


def recognise(key_text: str, scope: str) -> Recognised:
    """The key, from memory if it was accepted a moment ago with that scope, looked up in full otherwise. Raises KeyRefused."""
    digest = hashlib.sha256(key_text.encode()).digest()
    found = _remembered.get(digest)
    if found is not None and time.monotonic() < found[1] and scope in found[0].identity.scopes:
        return Recognised(found[0], key_text)
    _remembered.pop(digest, None)
    accepted = clients.accept(key_text)
    while len(_remembered) >= MOST:
        _remembered.pop(next(iter(_remembered)), None)
    _remembered[digest] = (accepted, time.monotonic() + LASTS)
    return Recognised(accepted, key_text)


@contextmanager
def confirming(auth: object, scope: str) -> Iterator[Beside | None]:
    """A question for the statement that answers, which confirms the key; None for who came without a recognised key.

    When the block ends without having asked it, or because of an error, the key is looked up in full: a key that does not hold is
    refused whatever else was wrong. Raises KeyRefused, ScopeMissing.
    """
    if not isinstance(auth, Recognised):
        yield None
        return
    asked: list[bool] = []

    def heard(version: object) -> None:
        asked.append(True)
        if version != auth.accepted.version or auth.accepted.expires_at <= now():
            _confirm_in_full(auth.key_text, scope)

    try:
        yield Beside(_VERSION, (auth.accepted.identity.client_id,), heard)
    finally:
        if not asked:
            _confirm_in_full(auth.key_text, scope)


def _confirm_in_full(key_text: str, scope: str) -> None:
    _remembered.pop(hashlib.sha256(key_text.encode()).digest(), None)
    if scope not in clients.authenticate(key_text).scopes:
        raise ScopeMissing("Your key or role does not include this.", scope=scope)
