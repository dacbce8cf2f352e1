"""The link in a message that withdraws: unguessable, bound to one message, naming nobody, valid for good.

`base64url(dispatch id ‖ HMAC-SHA-256 truncated to 128 bits)`. The key is a secret file: a copy of the database makes no links.
Withdrawing must always be possible (Art. 7(3)), so a link never expires.
"""

import base64
import binascii
from typing import Final
from uuid import UUID

from engine.channels.errors import LinkInvalid
from governance.kernel import crypto, secret_files

_MAC_BYTES: Final = 16
_LENGTH: Final = 43  # 32 bytes in base64url without padding


def token_for(dispatch_id: UUID) -> str:
    """The token of a message's link: 43 characters of the base64url alphabet."""
    return base64.urlsafe_b64encode(dispatch_id.bytes + _mac(dispatch_id.bytes)).rstrip(b"=").decode("ascii")


def read_token(token: str) -> UUID:
    """The dispatch that the token belongs to. Raises LinkInvalid."""
    try:
        raw = base64.b64decode(token + "=", altchars=b"-_", validate=True) if len(token) == _LENGTH else b""
    except (binascii.Error, ValueError):
        raw = b""
    identifier, mac = raw[:16], raw[16:]
    if len(raw) != 16 + _MAC_BYTES or not crypto.equal(_mac(identifier), mac):
        raise LinkInvalid("Use the link exactly as it stands in the message.")
    return UUID(bytes=identifier)


def _mac(identifier: bytes) -> bytes:
    key = secret_files.load_or_create("withdrawal-links.key", crypto.random_key)
    return crypto.mac(key, b"channels.link" + identifier)[:_MAC_BYTES]
