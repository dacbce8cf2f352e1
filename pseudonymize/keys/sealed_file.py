"""The default provider: key-encryption keys in files of mode 0600 under the key directory, one file per version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from governance.kernel import crypto, secret_files
from pseudonymize.errors import KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys.provider import KeyState


class SealedFileProvider:
    """Holds version n in `pseudonymize-kek-000n`. A destroyed version's file is overwritten before it is unlinked."""

    name = "sealed-file"

    def key_state(self, version: int) -> KeyState:
        return KeyState.HELD if self._path(version).exists() else KeyState.ABSENT

    def create(self, version: int) -> None:
        self._guarded(version)

    def fingerprint(self, version: int) -> str:
        return crypto.derive(self._material(version), "zgoda/kek-fingerprint").hex()

    def wrap(self, version: int, keys: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
        material = self._material(version)
        return crypto.seal_many([material] * len(keys), keys, [self._parts(version, parts) for parts in associated])

    def unwrap(self, version: int, wrapped: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
        material = self._material(version)
        return crypto.unseal_many(
            [material] * len(wrapped), wrapped, [self._parts(version, parts) for parts in associated]
        )

    def destroy(self, version: int) -> None:
        path = self._path(version)
        try:
            with path.open("r+b") as file:
                file.write(crypto.random_key())
                file.flush()
            path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise KeyProviderUnavailable("The file of a key-encryption key cannot be destroyed.") from error
        secret_files.forget_cache()

    def _material(self, version: int) -> bytes:
        # Looked for each time: another process may have destroyed it, and then this one must not go on from memory.
        if not self._path(version).exists():
            secret_files.forget_cache()
            raise KeyNotHeld(f"Version {version} of the key-encryption key is not here.", version=version)
        return self._guarded(version)

    def _guarded(self, version: int) -> bytes:
        try:
            return secret_files.load_or_create(self._path(version).name, crypto.random_key)
        except OSError as error:
            raise KeyProviderUnavailable("The directory of the keys cannot be read or written.") from error

    @staticmethod
    def _path(version: int) -> Path:
        return Path(settings.ZGODA_KEYS_DIR) / f"pseudonymize-kek-{version:04d}"

    @staticmethod
    def _parts(version: int, associated: Sequence[bytes]) -> list[bytes]:
        return [b"zgoda/wrapped-key", version.to_bytes(4, "big"), *associated]
