"""What a provider of root keys does: it wraps one key per version, under a key of its own that never leaves it.

Everything else is wrapped here, under the version's key (`epoch_keys.py`), so that a provider is called once per version and process
every few minutes and not once per person. The database says which version is current and which provider holds it (`kek.py`); a
rolled-back transaction or a second machine cannot disagree about it.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from pseudonymize.errors import KeyProviderUnavailable


class ProviderName(StrEnum):
    """The providers that there are."""

    SEALED_FILE = "sealed-file"
    PKCS11 = "pkcs11"
    VAULT = "vault"
    AWS_KMS = "aws-kms"


_CLASSES = {
    ProviderName.SEALED_FILE: "pseudonymize.keys.sealed_file.SealedFileProvider",
    ProviderName.PKCS11: "pseudonymize.keys.pkcs11_token.Pkcs11Provider",
    ProviderName.VAULT: "pseudonymize.keys.vault_transit.VaultTransitProvider",
    ProviderName.AWS_KMS: "pseudonymize.keys.aws_kms.AwsKmsProvider",
}


class KeyState(StrEnum):
    """Whether the provider can use the key of a reference."""

    HELD = "held"
    ABSENT = "absent"


class KeyProvider(Protocol):
    """Holds one key per version. Every method fails closed with KeyProviderUnavailable when the provider does not answer."""

    name: ProviderName

    def check(self) -> None:
        """Return when the provider answers and accepts us."""

    def create(self, version: int) -> str:
        """Make the provider's key for `version`, unless it is there; returns the reference that finds it again."""

    def key_state(self, reference: str) -> KeyState:
        """Whether the key can be used."""

    def wrap(self, reference: str, key: bytes, associated: bytes) -> bytes:
        """Wrap a key of 32 bytes, bound to `associated`. Raises KeyNotHeld without the provider's key."""

    def unwrap(self, reference: str, wrapped: bytes, associated: bytes) -> bytes:
        """The wrapped key. Raises SealBroken for a record that was changed or moved, KeyNotHeld without the provider's key."""

    def destroy(self, reference: str) -> None:
        """Destroy the provider's key for good; does nothing when it is gone already."""


def provider() -> KeyProvider:
    """The provider for new versions: ZGODA_KEY_PROVIDER, the sealed file by default."""
    return provider_named(getattr(settings, "ZGODA_KEY_PROVIDER", ProviderName.SEALED_FILE))


def provider_named(name: str) -> KeyProvider:
    """The provider that a version's row names. Raises KeyProviderUnavailable for a name that this installation does not know."""
    try:
        return _made(ProviderName(name))
    except ValueError:
        raise KeyProviderUnavailable(f"There is no key provider called {name!r}.") from None


@lru_cache(maxsize=8)
def _made(name: ProviderName) -> KeyProvider:
    made: KeyProvider = import_string(_CLASSES[name])()
    return made


def label(version: int) -> str:
    """What a provider's key is called, where the provider serves others too."""
    return f"{getattr(settings, 'ZGODA_KEY_PREFIX', 'zgoda')}-kek-{version:04d}"
