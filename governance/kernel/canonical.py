"""Canonical JSON (RFC 8785): the bytes that are hashed and signed, the same on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from governance.kernel.errors import InvalidInput


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value. Raises InvalidInput for what JSON cannot hold (NaN, integers beyond 2^53, bytes)."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise InvalidInput("The value has no canonical JSON form.") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return sha256_hex(canonical_json(value))
