"""Vault's (or OpenBao's) transit engine: one transit key per version, AES-256-GCM, not exportable.

Configured by ZGODA_VAULT_URL and ZGODA_VAULT_MOUNT; the token is in the file `vault-token` of the key directory, or where Vault's own
tools look for it (VAULT_TOKEN). Destroying a version deletes its transit key, with all of its history.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings

from governance.kernel.crypto import SealBroken
from pseudonymize.errors import KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys.provider import KeyState, ProviderName, label

if TYPE_CHECKING:
    import hvac

T = TypeVar("T")
TIMEOUT_SECONDS = 5


class VaultTransitProvider:
    """Speaks to the transit engine over HTTP; whatever does not answer in five seconds is down."""

    name = ProviderName.VAULT

    def check(self) -> None:
        self._call(lambda client: client.auth.token.lookup_self())

    def create(self, version: int) -> str:
        reference = label(version)
        if self.key_state(reference) is KeyState.ABSENT:
            self._transit(
                "create_key", reference, key_type="aes256-gcm96", exportable=False, allow_plaintext_backup=False
            )
        return reference

    def key_state(self, reference: str) -> KeyState:
        try:
            self._transit("read_key", reference)
        except KeyNotHeld:
            return KeyState.ABSENT
        return KeyState.HELD

    def wrap(self, reference: str, key: bytes, associated: bytes) -> bytes:
        # The engine makes a key that it does not know when it is asked to encrypt with it.
        if self.key_state(reference) is KeyState.ABSENT:
            raise KeyNotHeld("Vault does not hold this key.", reference=reference)
        answer = self._transit("encrypt_data", reference, plaintext=_text(key), associated_data=_text(associated))
        return str(answer["data"]["ciphertext"]).encode()

    def unwrap(self, reference: str, wrapped: bytes, associated: bytes) -> bytes:
        answer = self._transit(
            "decrypt_data", reference, ciphertext=bytes(wrapped).decode(), associated_data=_text(associated)
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def destroy(self, reference: str) -> None:
        if self.key_state(reference) is KeyState.ABSENT:
            return
        self._transit("update_key_configuration", reference, deletion_allowed=True)
        self._transit("delete_key", reference)

    def _transit(self, verb: str, name: str, **arguments: Any) -> Any:
        mount = getattr(settings, "ZGODA_VAULT_MOUNT", "transit")
        return self._call(lambda client: getattr(client.secrets.transit, verb)(name, mount_point=mount, **arguments))

    def _call(self, ask: Callable[[hvac.Client], T]) -> T:
        import hvac
        import requests
        from hvac import exceptions

        url = getattr(settings, "ZGODA_VAULT_URL", "")
        if not url:
            raise KeyProviderUnavailable("ZGODA_VAULT_URL is not set.")
        try:
            return ask(hvac.Client(url=url, token=_token(), timeout=TIMEOUT_SECONDS))
        except exceptions.InvalidPath as error:
            raise KeyNotHeld("Vault does not hold this key.") from error
        except exceptions.InvalidRequest as error:
            if "key not found" in str(error):
                raise KeyNotHeld("Vault does not hold this key.") from error
            raise SealBroken("Vault does not open this record.") from error
        except (exceptions.VaultError, requests.RequestException) as error:
            raise KeyProviderUnavailable("Vault does not answer, or refuses us.") from error


def _token() -> str | None:
    """None: hvac looks where Vault's own tools do."""
    path = Path(settings.ZGODA_KEYS_DIR) / "vault-token"
    return path.read_text().strip() if path.exists() else None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
