"""What a provider of key-encryption keys does. Key-encryption keys never leave it; they are versioned, and destroyed for good.

The database says which version is current (`kek.py`); the provider only holds the material. That way a rolled-back transaction or
a second machine cannot disagree about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

DEFAULT = "pseudonymize.keys.sealed_file.SealedFileProvider"


class KeyState(StrEnum):
    """Whether the provider holds the material of a version."""

    HELD = "held"
    ABSENT = "absent"


class KeyProvider(Protocol):
    """Wraps keys under versions of a key-encryption key. Columns in, columns out; fails closed with KeyProviderUnavailable."""

    name: str

    def key_state(self, version: int) -> KeyState:
        """Whether `version` can be used."""

    def create(self, version: int) -> None:
        """Make the material of `version`; does nothing when it is there already."""

    def fingerprint(self, version: int) -> str:
        """64 hexadecimal digits that tell two key-encryption keys apart and say nothing else about them."""

    def wrap(self, version: int, keys: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Wrap each key, bound to its associated parts."""

    def unwrap(self, version: int, wrapped: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Unwrap each key. Raises SealBroken for a record that was changed or moved, KeyNotHeld without the version."""

    def destroy(self, version: int) -> None:
        """Destroy the material of `version` for good; does nothing when it is gone already."""


def provider() -> KeyProvider:
    """The provider named by ZGODA_KEY_PROVIDER, the sealed file by default."""
    return _made(getattr(settings, "ZGODA_KEY_PROVIDER", DEFAULT))


@lru_cache(maxsize=4)
def _made(path: str) -> KeyProvider:
    made: KeyProvider = import_string(path)()
    return made
