"""Checkpoints: the head of the tree at a size, signed (C2SP tlog-checkpoint in a signed note).

A checkpoint commits the service: whoever has kept one can later prove that the log was rewritten. The key lives in a file outside the
database. A checkpoint is only ever signed by the sequencer, over a tree that extends the last one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from audit import keys, models, notes
from audit.errors import NoCheckpoint, NoteInvalid
from audit.merkle import EMPTY_ROOT, HASH_SIZE


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


def sign(size: int, root: bytes) -> Checkpoint:
    """Sign a tree head. For the sequencer alone: what is signed can never be unsaid."""
    origin = settings.ZGODA_ORIGIN
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return Checkpoint(origin, size, root, notes.sign(text, origin, keys.signing_key()))


def open_checkpoint(note: str, verifiers: Sequence[notes.Verifier] | None = None) -> Checkpoint:
    """The checkpoint in a note that a known key signed (ours when none is given). Raises ``NoteInvalid``."""
    verifiers = [keys.verifier()] if verifiers is None else verifiers
    text = notes.open_note(note, verifiers)
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise NoteInvalid("A checkpoint has at least three lines.")
    origin, size, encoded = lines[:3]
    if origin not in {verifier.name for verifier in verifiers}:
        raise NoteInvalid("The checkpoint is of another log.")
    try:
        root = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise NoteInvalid("The root of the checkpoint is not base64.") from error
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size or len(root) != HASH_SIZE:
        raise NoteInvalid("The checkpoint's size or root is malformed.")
    return Checkpoint(origin, int(size), root, note)


def _shown(row: models.Checkpoint) -> Checkpoint:
    return Checkpoint(settings.ZGODA_ORIGIN, row.size, bytes(row.root), row.note, row.created_at)
