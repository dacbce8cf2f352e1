"""Secrets that live in files of mode 0600 under the key directory, made once on first use.

The database never holds them: a stolen dump alone opens nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from governance.kernel.errors import Unavailable


class SecretFileUnsafe(Unavailable):
    """The secret's file can be read by others; the service refuses to use it."""

    code = "secret_file_unsafe"
    title = "A secret's file is readable by others"


def load_or_create(name: str, make: Callable[[], bytes]) -> bytes:
    """The secret called `name`, made by `make` when it does not exist yet. Two processes that start together agree on one."""
    from django.conf import settings

    return secret_file(Path(settings.ZGODA_KEYS_DIR) / name, make)


@lru_cache(maxsize=64)
def secret_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """As `load_or_create`, for a path. Settings use it before there are settings."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path, make())
    if path.stat().st_mode & 0o077:
        raise SecretFileUnsafe(f"The file of the secret {path.name} must have mode 0600.")
    return path.read_bytes()


def _create(path: Path, secret: bytes) -> None:
    """Write beside, then link into place: the link fails when another process was first, and a crash leaves no half secret."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()


def forget_cache() -> None:
    """Read the files again: for tests, and after a rotation."""
    secret_file.cache_clear()


def replace(name: str, secret: bytes) -> None:
    """Put another secret in the place of the one called `name`, durably; the old one is gone. For rotations."""
    from django.conf import settings

    path = Path(settings.ZGODA_KEYS_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    forget_cache()
