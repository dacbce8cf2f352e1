"""Receipts: the proof that one entry is in the log, in the form C2SP tlog-proof, verifiable offline with the public key alone."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from uuid import UUID

from audit import models, sequencer, tree
from audit.errors import NotYetSequenced, UnknownEntry
from audit.heads import checkpoints

FORMAT = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry, its number, its audit path and the checkpoint that the path leads to; ``text`` is all of it as a tlog-proof."""

    entry_id: UUID
    seq: int
    header: bytes
    proof: tuple[bytes, ...]
    checkpoint: checkpoints.Checkpoint

    @property
    def text(self) -> str:
        """The receipt to hand out; the entry itself is its extra data."""
        extra = base64.b64encode(self.header).decode()
        path = "".join(f"{base64.b64encode(hash_).decode()}\n" for hash_ in self.proof)
        return f"{FORMAT}\nextra {extra}\nindex {self.seq}\n{path}\n{self.checkpoint.note}"


def receipt(entry_id: UUID) -> Receipt:
    """The receipt of an entry under the last checkpoint. Raises ``UnknownEntry``, ``NotYetSequenced``."""
    header = models.Entry.objects.filter(pk=entry_id).values_list("header", flat=True).first()
    if header is None:
        raise UnknownEntry
    seq = models.Leaf.objects.filter(entry_id=entry_id).values_list("seq", flat=True).first()
    if seq is None:
        raise NotYetSequenced
    head = checkpoints.latest()
    return Receipt(entry_id, seq, header.encode(), tuple(tree.inclusion_proof(seq, head.size)), head)


def wait_for_inclusion(entry_id: UUID, seconds: float = 5.0) -> Receipt:
    """The receipt of a committed entry, sequencing it right away when nobody else has. Raises ``UnknownEntry``, ``NotYetSequenced``."""
    until = time.monotonic() + seconds
    while True:
        try:
            return receipt(entry_id)
        except NotYetSequenced:
            if time.monotonic() > until:
                raise
            if not sequencer.sequence():
                time.sleep(0.05)
