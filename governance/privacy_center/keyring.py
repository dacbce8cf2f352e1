"""The keys of the public pages, derived by label from one secret file."""

from __future__ import annotations

from governance.kernel import crypto, secret_files


def working_key(label: str) -> bytes:
    """The 32-byte key for one use: links, errands, rate limits."""
    root = secret_files.load_or_create("privacy_center_root_key", crypto.random_key)
    return crypto.derive(root, "zgoda/privacy-centre/v1", label)
