"""The one crypto module: everything that encrypts, derives, authenticates or signs goes through here.

Primitives are `cryptography`'s. What is ours is the record format: AES-256-GCM is not key-committing (one ciphertext can be built
that opens under two keys), so each record derives a fresh key and a commitment to it, checked in constant time before decrypting.

Record: magic 1 | format 1 | algorithm 1 | nonce 24 | commitment 32 | ciphertext | tag 16, so 75 bytes more than the plaintext.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from governance.kernel.canonical import canonical_json
from governance.kernel.errors import IntegrityFailure

KEY_BYTES = 32
_HEADER = bytes([0x5A, 1, 1])  # "Z", format 1, AES-256-GCM with HKDF-SHA-512 commitment
_NONCE_BYTES = 24
_COMMITMENT_BYTES = 32
_TAG_BYTES = 16
_BLOCK_BYTES = 64  # of SHA-256
_INNER_PAD, _OUTER_PAD = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))
OVERHEAD_BYTES = len(_HEADER) + _NONCE_BYTES + _COMMITMENT_BYTES + _TAG_BYTES
# The key is used for one message only, so the GCM nonce may be constant; uniqueness comes from the 192-bit record nonce.
_GCM_NONCE = bytes(12)


class SealBroken(IntegrityFailure):
    """The record was changed, moved, or belongs to another key."""

    code = "seal_broken"
    title = "A sealed record does not open"


class SignatureInvalid(IntegrityFailure):
    """The signature was not made by this key over these bytes."""

    code = "signature_invalid"
    title = "A signature is not valid"


def random_key() -> bytes:
    """32 bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def length_prefixed(parts: Sequence[bytes]) -> bytes:
    """An unambiguous encoding of a list of byte strings: each behind its length, so that no two lists collide."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def derive(key: bytes, *label: str | bytes, length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of `key` for the purpose that the label's parts name."""
    info = length_prefixed([part.encode() if isinstance(part, str) else part for part in label])
    return HKDF(SHA256(), length=length, salt=None, info=info).derive(key)


def mac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    return Mac(key)(data)


class Mac:
    """HMAC-SHA-256 (RFC 2104) under one key, for many short messages: the hash of either pad is begun once and copied for each.

    OpenSSL's own HMAC looks its algorithm up and schedules the key with every message, which takes three times as long as hashing it.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha256(padded.translate(_OUTER_PAD))

    def __call__(self, data: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()


def equal(left: bytes, right: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(left, right)


def _record_keys(key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    if len(key) != KEY_BYTES:
        raise ValueError("A sealing key has 32 bytes.")
    expanded = HKDFExpand(SHA512(), KEY_BYTES + _COMMITMENT_BYTES, b"zgoda record v1" + nonce).derive(key)
    return expanded[:KEY_BYTES], expanded[KEY_BYTES:]


def seal(key: bytes, plaintext: bytes, associated: Sequence[bytes]) -> bytes:
    """Encrypt under `key` and bind to the associated parts (what, whose, where): moved anywhere else it does not open."""
    nonce = os.urandom(_NONCE_BYTES)
    record_key, commitment = _record_keys(key, nonce)
    head = _HEADER + nonce + commitment
    return head + AESGCM(record_key).encrypt(_GCM_NONCE, plaintext, length_prefixed([_HEADER, *associated]))


def unseal(key: bytes, record: bytes, associated: Sequence[bytes]) -> bytes:
    """The plaintext of a record. Raises SealBroken for another key, other associated parts or any changed bit."""
    record = bytes(record)
    if len(record) < OVERHEAD_BYTES or record[: len(_HEADER)] != _HEADER:
        raise SealBroken("The record is not of a known format.")
    nonce_end = len(_HEADER) + _NONCE_BYTES
    commitment_end = nonce_end + _COMMITMENT_BYTES
    record_key, commitment = _record_keys(key, record[len(_HEADER) : nonce_end])
    if not equal(commitment, record[nonce_end:commitment_end]):
        raise SealBroken("The record was sealed under another key.")
    try:
        return AESGCM(record_key).decrypt(_GCM_NONCE, record[commitment_end:], length_prefixed([_HEADER, *associated]))
    except InvalidTag as error:
        raise SealBroken("The record was changed or moved.") from error


def seal_many(keys: Sequence[bytes], values: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
    """`seal` over aligned columns of keys, plaintexts and associated parts."""
    return [seal(key, value, parts) for key, value, parts in zip(keys, values, associated, strict=True)]


def unseal_many(keys: Sequence[bytes], records: Sequence[bytes], associated: Sequence[Sequence[bytes]]) -> list[bytes]:
    """`unseal` over aligned columns. Raises SealBroken at the first record that does not open."""
    return [unseal(key, record, parts) for key, record, parts in zip(keys, records, associated, strict=True)]


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key (FIPS 186-5, RFC 8032). Its repr shows the public half alone."""

    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> SigningKey:
        """The key from its 32 raw private bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def raw(self) -> bytes:
        return self._private.private_bytes_raw()

    @property
    def public_bytes(self) -> bytes:
        """The 32 raw public bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public_bytes.hex()})"


def verify(public_bytes: bytes, signature: bytes, data: bytes) -> None:
    """Return when the signature holds, raise SignatureInvalid when not: never a boolean that a caller could forget to look at."""
    try:
        Ed25519PublicKey.from_public_bytes(public_bytes).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid from error


def load_certificates(pem: bytes) -> list[Any]:
    """The X.509 certificates of a PEM file. Raises SignatureInvalid for a file without any."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return list(load_pem_x509_certificates(pem))
    except ValueError as error:
        raise SignatureInvalid("The file holds no certificate.") from error


def key_id(public_bytes: bytes) -> str:
    """A short name of a public key: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_bytes).hexdigest()[:16]


def _jwk(public_bytes: bytes, private_bytes: bytes | None = None) -> OKPKey:
    import base64

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    parameters: dict[str, str | list[str]] = {"kty": "OKP", "crv": "Ed25519", "x": text(public_bytes)}
    if private_bytes is not None:
        parameters["d"] = text(private_bytes)
    return OKPKey.import_key(parameters)


def jws_sign(key: SigningKey, payload: Mapping[str, Any], typ: str) -> str:
    """A compact JWS (RFC 7515, Ed25519 by RFC 9864) over the canonical JSON of the payload; `typ` says what it is (RFC 8725 §3.11)."""
    header = {"alg": "Ed25519", "typ": typ, "kid": key_id(key.public_bytes)}
    return jws.serialize_compact(
        header, canonical_json(payload), _jwk(key.public_bytes, key.raw), algorithms=["Ed25519"]
    )


def jws_verify(public_bytes: bytes, token: str, typ: str) -> dict[str, Any]:
    """The payload of a JWS of that type. Raises SignatureInvalid for anything else: forged, truncated, of another type or key."""
    import json

    try:
        verified = jws.deserialize_compact(token, _jwk(public_bytes), algorithms=["Ed25519"])
        if verified.headers().get("typ") != typ:
            raise SignatureInvalid("The signed document is of another type.")
        payload = json.loads(verified.payload)
    except (JoseError, ValueError, TypeError) as error:
        raise SignatureInvalid from error
    if not isinstance(payload, dict):
        raise SignatureInvalid("The signed document is not an object.")
    return payload


def self_signed_pem(name: str, since: datetime, until: datetime) -> bytes:
    """A new key on the curve P-256, which every PDF reader knows, and a certificate for signatures that it signs for itself; PEM, the key
    first."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    usage |= {"digital_signature": True, "content_commitment": True, "encipher_only": False, "decipher_only": False}
    own = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + own.public_bytes(serialization.Encoding.PEM)
