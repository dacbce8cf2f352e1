"""The log's keys, in files of mode 0600 outside the database: whoever can only write rows can neither sign nor forge them.

``audit_signing_key`` signs checkpoints (Ed25519). ``audit_row_key`` authenticates staged rows and the index: a row that somebody
slipped into the database, or moved, has no valid tag, so that verification can name it exactly.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from audit.notes import Verifier
from governance.kernel import crypto
from governance.kernel.secret_files import load_or_create


def _new_signing_key() -> bytes:
    return crypto.SigningKey.generate().raw


def signing_key() -> crypto.SigningKey:
    """The key that signs checkpoints; made on first use."""
    return _signing_key(settings.ZGODA_KEYS_DIR)


def verifier() -> Verifier:
    """The public key under the log's origin: what outsiders need to have from elsewhere."""
    return Verifier(settings.ZGODA_ORIGIN, signing_key().public_bytes)


def staged_key() -> bytes:
    """Authenticates staged rows."""
    return _row_key(settings.ZGODA_KEYS_DIR, "staged")


def index_key() -> bytes:
    """Authenticates the index: which entry has which number."""
    return _row_key(settings.ZGODA_KEYS_DIR, "index")


def tombstone_key() -> bytes:
    """Hides the subjects for whom no link is made any more."""
    return _row_key(settings.ZGODA_KEYS_DIR, "tombstone")


# Cached for each key directory: these are asked for with every entry.
@lru_cache(maxsize=8)
def _signing_key(directory: Path) -> crypto.SigningKey:
    return crypto.SigningKey.from_bytes(load_or_create("audit_signing_key", _new_signing_key))


@lru_cache(maxsize=32)
def _row_key(directory: Path, label: str) -> bytes:
    return crypto.derive(load_or_create("audit_row_key", crypto.random_key), "audit", label)
