"""Signatures of webhooks as Standard Webhooks specifies them, both sides: `sign` is ours, `verify` is what a receiver does.

The secret of a system is derived from a key file, so that it stands in no table; show it with `manage.py propagation_target secret KEY`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from consent.errors import WebhookInvalid
from consent.terms import SignedWith
from governance.kernel import crypto, secret_files
from governance.kernel.crypto import SigningKey

TOLERANCE: Final = 300
"""Seconds by which the timestamp of a webhook may be off."""


def secret_of(system: str) -> bytes:
    """The secret that is shared with this system alone, 32 bytes."""
    return crypto.derive(secret_files.load_or_create("propagation.key", crypto.random_key), "webhook", system)


def signing_key() -> SigningKey:
    """The key behind `v1a` signatures."""
    return SigningKey.from_bytes(
        secret_files.load_or_create("propagation-signing.key", lambda: SigningKey.generate().raw)
    )


def sign(message_id: str, timestamp: int, body: bytes, system: str, signed_with: str) -> dict[str, str]:
    """The headers of a webhook. `timestamp` is in seconds since 1970."""
    content = _content(message_id, timestamp, body)
    if signed_with == SignedWith.EDDSA:
        scheme, signature = "v1a", signing_key().sign(content)
    else:
        scheme, signature = "v1", crypto.mac(secret_of(system), content)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"{scheme},{base64.b64encode(signature).decode()}",
    }


def verify(
    headers: Mapping[str, str], body: bytes, *, key: bytes, at: int, is_new: Callable[[str], bool] = lambda _: True
) -> str:
    """The id of a webhook that is genuine, recent and new; `key` is the shared secret, or the public key for `v1a`.

    `is_new` remembers ids and says whether one was seen for the first time. Raises WebhookInvalid.
    """
    message_id, sent, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not sent.isdecimal() or abs(at - int(sent)) > TOLERANCE:
        raise WebhookInvalid("The timestamp is missing or too far from now.")
    content = _content(message_id, int(sent), body)
    if not any(_genuine(one, content, key) for one in signatures.split(" ")):
        raise WebhookInvalid("No signature fits.")
    if not is_new(message_id):
        raise WebhookInvalid("This webhook came before.")
    return message_id


def _genuine(signature: str, content: bytes, key: bytes) -> bool:
    scheme, _, encoded = signature.partition(",")
    try:
        raw = base64.b64decode(encoded, validate=True)
        if scheme == "v1a":
            crypto.verify(key, raw, content)
            return True
    except (binascii.Error, ValueError, crypto.SignatureInvalid):
        return False
    return scheme == "v1" and hmac.compare_digest(raw, crypto.mac(key, content))


def _content(message_id: str, timestamp: int, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body
