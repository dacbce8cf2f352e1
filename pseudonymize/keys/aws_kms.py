"""AWS KMS: one symmetric key per version, found by its alias. Credentials and region come from where AWS's own tools look.

KMS does not delete at once: the key is disabled (from then on it opens nothing) and its deletion is scheduled for the earliest day
that KMS allows, seven days on. State that bound where an erasure has to say when backups are unreadable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from governance.kernel.canonical import sha256_hex
from governance.kernel.crypto import SealBroken
from pseudonymize.errors import KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys.provider import KeyState, ProviderName, label

T = TypeVar("T")
DELETION_DAYS = 7
_GONE = {"NotFoundException", "KMSInvalidStateException", "DisabledException"}
_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}


class AwsKmsProvider:
    """References are key ids. The associated data is the encryption context, so it is in AWS's own trail as a digest."""

    name = ProviderName.AWS_KMS

    def check(self) -> None:
        _call(lambda kms: kms.list_aliases(Limit=1))

    def create(self, version: int) -> str:
        alias = f"alias/{label(version)}"
        try:
            return str(_call(lambda kms: kms.describe_key(KeyId=alias))["KeyMetadata"]["KeyId"])
        except KeyNotHeld:
            pass
        made = _call(lambda kms: kms.create_key(Description=f"Zgoda, key-encryption key {version}"))
        reference = str(made["KeyMetadata"]["KeyId"])
        _call(lambda kms: kms.create_alias(AliasName=alias, TargetKeyId=reference))
        return reference

    def key_state(self, reference: str) -> KeyState:
        try:
            described = _call(lambda kms: kms.describe_key(KeyId=reference))
        except KeyNotHeld:
            return KeyState.ABSENT
        return KeyState.HELD if described["KeyMetadata"]["KeyState"] == "Enabled" else KeyState.ABSENT

    def wrap(self, reference: str, key: bytes, associated: bytes) -> bytes:
        context = _context(associated)
        self._require(reference)
        answer = _call(lambda kms: kms.encrypt(KeyId=reference, Plaintext=key, EncryptionContext=context))
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, reference: str, wrapped: bytes, associated: bytes) -> bytes:
        context = _context(associated)
        self._require(reference)
        answer = _call(
            lambda kms: kms.decrypt(KeyId=reference, CiphertextBlob=bytes(wrapped), EncryptionContext=context)
        )
        return bytes(answer["Plaintext"])

    def _require(self, reference: str) -> None:
        """A key that is disabled or waits for its deletion is gone, whatever else answers for it."""
        if self.key_state(reference) is KeyState.ABSENT:
            raise KeyNotHeld("KMS does not hold this key, or holds it disabled.", reference=reference)

    def destroy(self, reference: str) -> None:
        if self.key_state(reference) is KeyState.ABSENT:
            return
        _call(lambda kms: kms.disable_key(KeyId=reference))
        _call(lambda kms: kms.schedule_key_deletion(KeyId=reference, PendingWindowInDays=DELETION_DAYS))


def _context(associated: bytes) -> dict[str, str]:
    return {"zgoda": sha256_hex(associated)}


def _call(ask: Callable[[Any], T]) -> T:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 2})
    try:
        return ask(boto3.client("kms", config=limits))
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _GONE:
            raise KeyNotHeld("KMS does not hold this key, or holds it disabled.") from error
        if code in _BROKEN:
            raise SealBroken("KMS does not open this record.") from error
        raise KeyProviderUnavailable("KMS refuses us.") from error
    except BotoCoreError as error:
        raise KeyProviderUnavailable("KMS does not answer.") from error
