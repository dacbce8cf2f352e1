"""The keys of this package: derived by label from one secret file, which the database never holds."""

from __future__ import annotations

from governance.kernel import crypto, secret_files


def working_key(label: str) -> bytes:
    """The 32-byte key for one use: wrapping request keys, indexing claims, identity codes, tracking codes."""
    root = secret_files.load_or_create("dsar_root_key", crypto.random_key)
    return crypto.derive(root, "zgoda/dsar/v1", label)


def signing_key() -> crypto.SigningKey:
    """The Ed25519 key that signs certificates; it lives in a file of its own, so that it can be moved to another keeper."""
    raw = secret_files.load_or_create("dsar_certificate_key", lambda: crypto.SigningKey.generate().raw)
    return crypto.SigningKey.from_bytes(raw)
