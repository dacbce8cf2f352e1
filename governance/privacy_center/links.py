"""Links in letters: sealed, so that they show nothing and cannot be made by anybody else, and they expire.

A link is a key to one person's choices, or to one form that waits to be confirmed. It needs no login: a withdrawal must
not be harder than a consent was (Art. 7(3)).
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from governance.kernel import clock, crypto
from governance.kernel.errors import NotFound
from governance.privacy_center.keyring import working_key

CHOICES_LIFETIME = timedelta(days=30)
ERRAND_LIFETIME = timedelta(days=7)


class LinkKind(StrEnum):
    """What a link opens; a link of one kind opens nothing of another."""

    CHOICES = "choices"
    ERRAND = "errand"


class LinkInvalid(NotFound):
    """The link is not ours, was changed, or has expired: the same answer for all."""

    code = "link_invalid"
    title = "This link does not work any more"


def make(kind: LinkKind, identifier: UUID, lifetime: timedelta) -> str:
    """The token of a link to ``identifier``, for an address path."""
    until = int((clock.now() + lifetime).timestamp())
    sealed = crypto.seal(working_key("links"), until.to_bytes(8, "big") + identifier.bytes, [kind.value.encode()])
    return _text(sealed)


def read(kind: LinkKind, token: str) -> UUID:
    """What the link opens. Raises :class:`LinkInvalid`."""
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        plain = crypto.unseal(working_key("links"), sealed, [kind.value.encode()])
    except (binascii.Error, ValueError, crypto.SealBroken) as error:
        raise LinkInvalid from error
    if _text(sealed) != token:  # the last character has spare bits: one link is one text
        raise LinkInvalid
    if datetime.fromtimestamp(int.from_bytes(plain[:8], "big"), UTC) < clock.now():
        raise LinkInvalid
    return UUID(bytes=plain[8:])


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
