"""The default provider: keys in files of mode 0600 under the key directory, one file per version."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from governance.kernel import crypto, secret_files
from pseudonymize.errors import KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys.provider import KeyState, ProviderName


class SealedFileProvider:
    """Holds version n in `pseudonymize-kek-000n`. A destroyed version's file is overwritten before it is unlinked."""

    name = ProviderName.SEALED_FILE

    def check(self) -> None:
        directory = Path(settings.ZGODA_KEYS_DIR)
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise KeyProviderUnavailable("The directory of the keys cannot be made.") from error

    def create(self, version: int) -> str:
        reference = f"pseudonymize-kek-{version:04d}"
        self._guarded(reference)
        return reference

    def key_state(self, reference: str) -> KeyState:
        return KeyState.HELD if self._path(reference).exists() else KeyState.ABSENT

    def wrap(self, reference: str, key: bytes, associated: bytes) -> bytes:
        return crypto.seal(self.material(reference), key, [b"zgoda/epoch-key", associated])

    def unwrap(self, reference: str, wrapped: bytes, associated: bytes) -> bytes:
        return crypto.unseal(self.material(reference), wrapped, [b"zgoda/epoch-key", associated])

    def destroy(self, reference: str) -> None:
        path = self._path(reference)
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

    def material(self, reference: str) -> bytes:
        """The key in the file. Raises KeyNotHeld without the file."""
        # Looked for each time: another process may have destroyed it, and then this one must not go on from memory.
        if not self._path(reference).exists():
            secret_files.forget_cache()
            raise KeyNotHeld("The file of a key-encryption key is not here.", reference=reference)
        return self._guarded(reference)

    def _guarded(self, reference: str) -> bytes:
        try:
            return secret_files.load_or_create(self._path(reference).name, crypto.random_key)
        except OSError as error:
            raise KeyProviderUnavailable("The directory of the keys cannot be read or written.") from error

    @staticmethod
    def _path(reference: str) -> Path:
        return Path(settings.ZGODA_KEYS_DIR) / Path(reference).name
