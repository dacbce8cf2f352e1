"""Checkpoints: the head of the tree at a size, signed (C2SP tlog-checkpoint in a signed note).

A checkpoint commits the service: whoever has kept one can later prove that the log was rewritten. The key lives in a file outside the
database. A checkpoint is only ever signed by the sequencer, over a tree that extends the last one. It carries two signatures of the
log: over the text, which every tool for transparency logs reads, and a cosignature v1, which says when.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from audit import keys, models, notes
from audit.errors import NoCheckpoint, NoteInvalid
from audit.heads import key_history
from audit.heads.key_history import KeyHistory
from audit.merkle import EMPTY_ROOT, HASH_SIZE
from governance.kernel import clock, crypto


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head. ``root`` is 32 bytes; ``note`` is what to keep and to show to others."""

    origin: str
    size: int
    root: bytes
    note: str
    created_at: datetime | None = None


def latest() -> Checkpoint:
    """The last checkpoint; of the empty tree, signed on the spot, when nothing was sequenced yet."""
    row = models.Checkpoint.objects.order_by("-size").first()
    return sign(0, EMPTY_ROOT) if row is None else _shown(row)


def at(size: int) -> Checkpoint:
    """The checkpoint at exactly that size. Raises ``NoCheckpoint``."""
    row = models.Checkpoint.objects.filter(size=size).first()
    if row is None:
        raise NoCheckpoint
    return _shown(row)


def sign(size: int, root: bytes, key: crypto.SigningKey | None = None) -> Checkpoint:
    """Sign a tree head, with the time. For the sequencer alone: what is signed can never be unsaid."""
    origin, at = settings.ZGODA_ORIGIN, clock.now()
    key = key or keys.signing_key()
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    note = notes.sign(text, origin, key) + notes.cosign(text, origin, key, int(at.timestamp()))
    return Checkpoint(origin, size, root, note, at)


def open_checkpoint(note: str, signers: KeyHistory | Sequence[notes.Verifier] | None = None) -> Checkpoint:
    """The checkpoint in a note that the key in force at its size signed, or one of ``signers``. Raises ``NoteInvalid``.

    Without ``signers`` the log's own keys, as it tells them.
    """
    lines = notes.text_of(note).split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise NoteInvalid("A checkpoint has at least three lines.")
    origin, size, encoded = lines[:3]
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size:
        raise NoteInvalid("The checkpoint's size is malformed.")
    signers = key_history.read() if signers is None else signers
    verifiers = [signers.at(int(size))] if isinstance(signers, KeyHistory) else list(signers)
    notes.open_note(note, verifiers)
    if origin not in {verifier.name for verifier in verifiers}:
        raise NoteInvalid("The checkpoint is of another log.")
    try:
        root = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise NoteInvalid("The root of the checkpoint is not base64.") from error
    if len(root) != HASH_SIZE:
        raise NoteInvalid("The checkpoint's root is malformed.")
    return Checkpoint(origin, int(size), root, note, _signed_at(note, verifiers))


def _signed_at(note: str, verifiers: Sequence[notes.Verifier]) -> datetime | None:
    """When it was signed, as the log's cosignature says; None for a note without one."""
    signers = notes.signers(note)
    for verifier in verifiers:
        timed = notes.Verifier(verifier.name, verifier.public_bytes, notes.COSIGNATURE)
        if (timed.name, timed.key_id) in signers:
            return datetime.fromtimestamp(notes.cosigned_at(note, timed), UTC)
    return None


def _shown(row: models.Checkpoint) -> Checkpoint:
    return Checkpoint(settings.ZGODA_ORIGIN, row.size, bytes(row.root or b""), row.note or "", row.created_at)
