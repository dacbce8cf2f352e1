"""A PKCS#11 token (a hardware security module, or SoftHSM): one AES-256 key per version, sensitive and not extractable.

Configured by ZGODA_PKCS11_MODULE (the vendor's library) and ZGODA_PKCS11_TOKEN (the token's label); the PIN is in the file
`pkcs11-pin` of the key directory. Record: nonce 12 | AES-256-GCM of the key under the token's key | tag 16.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from governance.kernel.crypto import SealBroken
from pseudonymize.errors import KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys.provider import KeyState, ProviderName, label

_NONCE_BYTES = 12


class Pkcs11Provider:
    """Opens a session per call: calls are rare, and a session does not survive a fork."""

    name = ProviderName.PKCS11

    def __init__(self) -> None:
        self._initialised_in = os.getpid()

    def check(self) -> None:
        with self._session():
            pass

    def create(self, version: int) -> str:
        from pkcs11 import Attribute, KeyType

        reference = label(version)
        with self._session() as session:
            if _find(session, reference) is None:
                template = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.MODIFIABLE: False}
                session.generate_key(KeyType.AES, 256, label=reference, store=True, template=template)
        return reference

    def key_state(self, reference: str) -> KeyState:
        with self._session() as session:
            return KeyState.ABSENT if _find(session, reference) is None else KeyState.HELD

    def wrap(self, reference: str, key: bytes, associated: bytes) -> bytes:
        from pkcs11 import GCMParams, Mechanism

        nonce = os.urandom(_NONCE_BYTES)
        with self._session() as session:
            held = _required(session, reference)
            record = held.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, associated, 128))
        return nonce + bytes(record)

    def unwrap(self, reference: str, wrapped: bytes, associated: bytes) -> bytes:
        from pkcs11 import GCMParams, Mechanism
        from pkcs11.exceptions import EncryptedDataInvalid, EncryptedDataLenRange, GeneralError

        nonce, record = bytes(wrapped[:_NONCE_BYTES]), bytes(wrapped[_NONCE_BYTES:])
        with self._session() as session:
            held = _required(session, reference)
            try:
                return bytes(
                    held.decrypt(record, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, associated, 128))
                )
            except (EncryptedDataInvalid, EncryptedDataLenRange, GeneralError) as error:
                # SoftHSM calls a tag that does not fit a general error.
                raise SealBroken("The token does not open this record.") from error

    def destroy(self, reference: str) -> None:
        with self._session() as session:
            held = _find(session, reference)
            if held is not None:
                held.destroy()

    @contextmanager
    def _session(self) -> Iterator[Any]:
        import pkcs11
        from pkcs11.exceptions import PKCS11Error

        try:
            library = pkcs11.lib(getattr(settings, "ZGODA_PKCS11_MODULE", ""))
            if os.getpid() != self._initialised_in:
                library.reinitialize()  # PKCS#11 does not survive a fork
                self._initialised_in = os.getpid()
            token = library.get_token(token_label=getattr(settings, "ZGODA_PKCS11_TOKEN", "zgoda"))
            session = token.open(rw=True, user_pin=_pin())
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise KeyProviderUnavailable("The PKCS#11 token cannot be opened.") from error
        try:
            with session:
                yield session
        except PKCS11Error as error:
            raise KeyProviderUnavailable("The PKCS#11 token fails.") from error


def _pin() -> str:
    return (Path(settings.ZGODA_KEYS_DIR) / "pkcs11-pin").read_text().strip()


def _find(session: Any, reference: str) -> Any:
    from pkcs11 import KeyType, ObjectClass
    from pkcs11.exceptions import NoSuchKey

    try:
        return session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=reference)
    except NoSuchKey:
        return None


def _required(session: Any, reference: str) -> Any:
    held = _find(session, reference)
    if held is None:
        raise KeyNotHeld("The token does not hold this key.", reference=reference)
    return held
