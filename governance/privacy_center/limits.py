"""How often one address may ask: enough for a family behind one router, too little for a guessing machine.

Counters live in Django's cache under keyed digests; no network address and no e-mail address is stored anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest

from governance.kernel import crypto
from governance.kernel.errors import TooManyRequests
from governance.privacy_center.keyring import working_key


@dataclass(frozen=True)
class Limit:
    """At most ``times`` in each window of ``seconds``."""

    name: str
    times: int
    seconds: int


LETTERS = Limit("letters", 10, 3600)  # forms that send an e-mail
LETTERS_TO_ONE = Limit("letters_to_one", 4, 3600)  # …to the same mailbox
CODES = Limit("codes", 30, 3600)  # forms that take a code
PROOFS = Limit("proofs", 60, 3600)  # forms that check a signature


def spend(limit: Limit, request: HttpRequest) -> None:
    """Count one use by the address that asks. Raises ``TooManyRequests`` when the window is used up."""
    _count(limit, request.META.get("REMOTE_ADDR", ""))


def spend_on(limit: Limit, address: str) -> bool:
    """Count one letter to a mailbox; ``False`` when it had enough. The page says the same either way: no oracle."""
    try:
        _count(limit, address.strip().casefold())
    except TooManyRequests:
        return False
    return True


def _count(limit: Limit, who: str) -> None:
    digest = crypto.mac(working_key("limits"), f"{limit.name}:{who}".encode()).hex()[:32]
    key = f"privacy_center:{digest}"
    if cache.add(key, 1, timeout=limit.seconds):
        return
    try:
        used = cache.incr(key)
    except ValueError:  # the window ended between the two
        cache.set(key, 1, timeout=limit.seconds)
        return
    if used > limit.times:
        raise TooManyRequests("Please wait a while before you try again.", retry_after=limit.seconds)
