"""The key of each version: random, wrapped once by the provider, in memory for a while; what it wraps is wrapped here.

While the provider is down, the versions that were used in the last ten minutes can be used on; after that everything that needs a key
fails closed (security.md, "KMS: 503 after cache TTL"). A version that was destroyed is refused at once, whatever is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.kernel import crypto
from governance.kernel.crypto import SealBroken, length_prefixed
from pseudonymize.errors import KeyDestroyed, KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys import sealed_file
from pseudonymize.keys.cache import KeyCache
from pseudonymize.keys.provider import KeyProvider, provider_named
from pseudonymize.models import KeyEncryptionKey, KeyStatus

SECONDS = 600.0
"""How long a version's key stays in memory without the provider being asked again."""
held = KeyCache(seconds=SECONDS, entries=64)


@dataclass(frozen=True, repr=False, slots=True)
class Made:
    """A fresh version's key as its row keeps it."""

    reference: str
    wrapped: bytes
    fingerprint: str


def make(version: int, at: KeyProvider) -> Made:
    """A random key for `version`, wrapped by that provider."""
    return wrap_at(at, version, crypto.random_key())


def wrap_at(at: KeyProvider, version: int, key: bytes) -> Made:
    """A version's key wrapped by that provider, read back once to be sure of it."""
    reference = at.create(version)
    wrapped = at.wrap(reference, key, _associated(version))
    if not crypto.equal(at.unwrap(reference, wrapped, _associated(version)), key):
        raise KeyProviderUnavailable("The provider does not give back what it wrapped.")
    return Made(reference, wrapped, fingerprint(key))


def fingerprint(key: bytes) -> str:
    """64 hexadecimal digits that tell two version's keys apart and say nothing else about them."""
    return crypto.derive(key, "zgoda/kek-fingerprint").hex()


def material(version: int) -> bytes:
    """The key of a version. One query; the provider is asked when the key is not in memory.

    Raises KeyDestroyed for a version that was destroyed, KeyNotHeld for one that never was or that the provider lost,
    KeyProviderUnavailable when the provider does not answer or holds another key than this database was written with.
    """
    row = KeyEncryptionKey.objects.filter(version=version).first()
    if row is None:
        raise KeyNotHeld(f"Version {version} of the key-encryption key is not here.", version=version)
    if row.status == KeyStatus.DESTROYED:
        raise KeyDestroyed(version=version)
    name = length_prefixed(
        [row.provider.encode(), row.reference.encode(), bytes(row.wrapped or b""), _associated(version)]
    )
    known = held.get_many([name])
    if name in known:
        return known[name]
    key = open_row(row)
    held.put_many([(name, key)])
    return key


def open_row(row: KeyEncryptionKey) -> bytes:
    """The key of a version from its row, by its provider."""
    at = provider_named(row.provider)
    try:
        if row.wrapped is None:
            key = sealed_file.SealedFileProvider().material(row.reference or f"pseudonymize-kek-{row.version:04d}")
        else:
            key = at.unwrap(row.reference, bytes(row.wrapped), _associated(row.version))
    except SealBroken as error:
        raise KeyProviderUnavailable("The provider holds another key than this database was written with.") from error
    if fingerprint(key) != row.fingerprint:
        raise KeyProviderUnavailable("The provider holds another key than this database was written with.")
    return key


def wrap(version: int, keys: Sequence[bytes], parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Wrap each key under the version's, bound to the version and to its own parts."""
    key = material(version)
    return crypto.seal_many([key] * len(keys), keys, [_parts(version, part) for part in parts])


def unwrap(version: int, wrapped: Sequence[bytes], parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Unwrap each key. Raises SealBroken for a record that was changed or moved, and what `material` raises."""
    key = material(version)
    return crypto.unseal_many([key] * len(wrapped), wrapped, [_parts(version, part) for part in parts])


def _associated(version: int) -> bytes:
    return length_prefixed([b"zgoda/epoch-key/v1", version.to_bytes(4, "big")])


def _parts(version: int, parts: Sequence[bytes]) -> list[bytes]:
    return [b"zgoda/wrapped-key", version.to_bytes(4, "big"), *parts]
