"""Signed notes with Ed25519, as in C2SP signed-note: the form in which checkpoints travel.

A note is text that ends in a newline, a blank line, and signature lines ``— <key name> <base64(key id || signature)>``. A key is
written as ``<name>+<key id>+<base64(0x01 || public key)>``, the form that the transparency tools take (a *vkey*).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import NoteInvalid
from governance.kernel import crypto

ED25519 = b"\x01"
COSIGNATURE = b"\x04"  # C2SP tlog-cosignature v1: an Ed25519 signature over a time and the text
_DASH = "\u2014 "
_MAX_NOTE = 64 * 1024
_MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name; ``kind`` says over what it signs: the text (``ED25519``), or a time and the text (``COSIGNATURE``)."""

    name: str
    public_bytes: bytes
    kind: bytes = ED25519

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(char.isspace() or not char.isprintable() for char in self.name):
            raise NoteInvalid("A key name is not empty and has neither spaces nor plus signs.")
        if len(self.public_bytes) != 32:
            raise NoteInvalid("An Ed25519 public key has 32 bytes.")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || 0x0A || kind || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public_bytes).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public_bytes).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a vkey; raises ``NoteInvalid`` when its parts do not fit each other."""
        parts = text.strip().split("+", 2)
        raw = _decode(parts[2]) if len(parts) == 3 else b""
        if raw[:1] not in (ED25519, COSIGNATURE):
            raise NoteInvalid("Not an Ed25519 verifier key.")
        verifier = cls(parts[0], raw[1:], raw[:1])
        if parts[1] != verifier.key_id.hex():
            raise NoteInvalid("The key id does not belong to the key.")
        return verifier


def sign(text: str, name: str, key: crypto.SigningKey) -> str:
    """The note: the text, which ends in a newline, with one signature line."""
    _check_text(text)
    verifier = Verifier(name, key.public_bytes)
    line = base64.b64encode(verifier.key_id + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {line}\n"


def cosign(text: str, name: str, key: crypto.SigningKey, at: int) -> str:
    """The signature line of a cosignature v1: at ``at`` (seconds since 1970) this was the largest tree that the signer had seen."""
    _check_text(text)
    verifier = Verifier(name, key.public_bytes, COSIGNATURE)
    signature = verifier.key_id + at.to_bytes(8, "big") + key.sign(_timed(text, at))
    return f"{_DASH}{name} {base64.b64encode(signature).decode()}\n"


def cosigned_at(note: str, verifier: Verifier) -> int:
    """When a cosigner signed the note, in seconds since 1970. Raises ``NoteInvalid`` when it did not."""
    text, lines = _parts(note)
    for line in lines:
        name, signature = _signature(line)
        if (name, signature[:4]) == (verifier.name, verifier.key_id) and verifier.kind == COSIGNATURE:
            _verify(verifier, signature, text)
            return int.from_bytes(signature[4:12], "big")
    raise NoteInvalid("The note has no cosignature of this key.")


def open_note(note: str, verifiers: Sequence[Verifier]) -> str:
    """The text of a note that at least one of the keys signed.

    Signatures of unknown keys are ignored; a bad signature of a known key spoils the note. Raises ``NoteInvalid``.
    """
    text, lines = _parts(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed = False
    for line in lines:
        name, signature = _signature(line)
        verifier = known.get((name, signature[:4]))
        if verifier is not None:
            _verify(verifier, signature, text)
            signed = True
    if not signed:
        raise NoteInvalid("No known key signed the note.")
    return text


def signers(note: str) -> set[tuple[str, bytes]]:
    """Name and key id of everybody who put a signature line under a note; none of them verified."""
    return {(name, signature[:4]) for name, signature in map(_signature, _parts(note)[1])}


def signature_of(note: str, verifier: Verifier) -> str:
    """The bare signature that a key put under a note, in base64. Raises ``NoteInvalid``."""
    open_note(note, [verifier])
    for name, signature in map(_signature, _parts(note)[1]):
        if (name, signature[:4]) == (verifier.name, verifier.key_id):
            return base64.b64encode(signature[4:]).decode()
    raise NoteInvalid("The key did not sign the note.")


def text_of(note: str) -> str:
    """The text of a note, whoever signed it: to find out whose signature to ask for."""
    return _parts(note)[0]


def _parts(note: str) -> tuple[str, list[str]]:
    if len(note) > _MAX_NOTE:
        raise NoteInvalid("The note is too long.")
    text, separator, tail = note.rpartition("\n\n")
    text += "\n"
    if not separator or not tail.endswith("\n"):
        raise NoteInvalid("The note has no signature.")
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteInvalid("The note has too many signatures.")
    return text, lines


def _verify(verifier: Verifier, signature: bytes, text: str) -> None:
    signed, raw = text.encode(), signature[4:]
    if verifier.kind == COSIGNATURE:
        signed, raw = _timed(text, int.from_bytes(raw[:8], "big")), raw[8:]
    try:
        crypto.verify(verifier.public_bytes, raw, signed)
    except crypto.SignatureInvalid as error:
        raise NoteInvalid("A signature does not fit the text.") from error


def _timed(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _signature(line: str) -> tuple[str, bytes]:
    if not line.startswith(_DASH) or line.count(" ") != 2:
        raise NoteInvalid("A signature line is malformed.")
    _, name, encoded = line.split(" ")
    raw = _decode(encoded)
    if not name or "+" in name or len(raw) < 5:
        raise NoteInvalid("A signature line is malformed.")
    return name, raw


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise NoteInvalid("The text of a note ends in a newline and has no control characters.")


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("Not base64.") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalid("Not base64 in its one allowed form.")
    return raw
