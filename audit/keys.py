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
from governance.kernel.secret_files import SecretFileUnsafe, load_or_create, replace

_SIGNING = "audit_signing_key"
_NEXT = "audit_signing_key.next"


def _new_signing_key() -> bytes:
    return crypto.SigningKey.generate().raw


def signing_key() -> crypto.SigningKey:
    """The key that signs checkpoints; made on first use, read again when a rotation replaced it."""
    path = Path(settings.ZGODA_KEYS_DIR) / _SIGNING
    if not path.exists():
        load_or_create(_SIGNING, _new_signing_key)
    return _signing_key(path, path.stat().st_mtime_ns, path.stat().st_ino)


def prepare_next() -> crypto.SigningKey:
    """The key that is to follow, kept beside the one in use until the log says so; the same one when a rotation was cut short."""
    path = Path(settings.ZGODA_KEYS_DIR) / _NEXT
    if not path.exists():
        replace(_NEXT, _new_signing_key())
    return crypto.SigningKey.from_bytes(path.read_bytes())


def promote(public_bytes: bytes) -> bool:
    """Put the prepared key in the place of the one in use, whose private half is gone then. False when it is not the one asked for."""
    path = Path(settings.ZGODA_KEYS_DIR) / _NEXT
    if not path.exists() or prepare_next().public_bytes != public_bytes:
        return False
    replace(_SIGNING, path.read_bytes())
    path.unlink()
    return True


def verifier() -> Verifier:
    """The public key under the log's origin: what outsiders need to have from elsewhere."""
    return Verifier(settings.ZGODA_ORIGIN, signing_key().public_bytes)


def staged() -> crypto.Mac:
    """Authenticates staged rows."""
    return _row_mac(settings.ZGODA_KEYS_DIR, "staged")


def index() -> crypto.Mac:
    """Authenticates the index: which entry has which number."""
    return _row_mac(settings.ZGODA_KEYS_DIR, "index")


def writers() -> crypto.Mac:
    """Authenticates the counts of writers."""
    return _row_mac(settings.ZGODA_KEYS_DIR, "writers")


def export_key() -> bytes:
    """Hides actors in what leaves the house, and still tells them apart."""
    return _row_key(settings.ZGODA_KEYS_DIR, "export")


def tombstones() -> crypto.Mac:
    """Hides the subjects for whom no link is made any more."""
    return _row_mac(settings.ZGODA_KEYS_DIR, "tombstone")


# Cached for each key directory: these are asked for with every entry.
@lru_cache(maxsize=8)
def _signing_key(path: Path, changed_ns: int, inode: int) -> crypto.SigningKey:
    if path.stat().st_mode & 0o077:
        raise SecretFileUnsafe(f"The file of the secret {path.name} must have mode 0600.")
    return crypto.SigningKey.from_bytes(path.read_bytes())


@lru_cache(maxsize=32)
def _row_key(directory: Path, label: str) -> bytes:
    return crypto.derive(load_or_create("audit_row_key", crypto.random_key), "audit", label)


@lru_cache(maxsize=32)
def _row_mac(directory: Path, label: str) -> crypto.Mac:
    return crypto.Mac(_row_key(directory, label))
