"""The key that signs what this package hands out: presentation tokens, receipts, withdrawal links. Each kind has its own `typ`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from governance.kernel.crypto import SigningKey, jws_sign, jws_verify, key_id
from governance.kernel.secret_files import load_or_create


def _new_key() -> bytes:
    return SigningKey.generate().raw


def _key() -> SigningKey:
    return SigningKey.from_bytes(load_or_create("consent_signing_key", _new_key))


def sign(payload: Mapping[str, Any], typ: str) -> str:
    """A compact JWS (EdDSA) of that type."""
    return jws_sign(_key(), payload, typ)


def verify(token: str, typ: str) -> dict[str, Any]:
    """The payload of a JWS that this service signed. Raises SignatureInvalid."""
    return jws_verify(public_key(), token, typ)


def public_key() -> bytes:
    """The 32 raw public bytes: all that a verifier needs."""
    return _key().public_bytes


def public_key_id() -> str:
    """The `kid` in the header of what is signed."""
    return key_id(public_key())


def public_jwk() -> dict[str, str]:
    """The public key as a JWK (RFC 8037): what any JOSE library verifies a receipt with."""
    x = base64.urlsafe_b64encode(public_key()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": "sig", "kid": public_key_id(), "x": x}
