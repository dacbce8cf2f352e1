"""Proving decisions: the path from one record to the root of its batch, and from the batch's entry to a signed checkpoint."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from audit import receipts
from audit.decision_reading import Head, head_of
from audit.errors import UnknownDecision
from audit.merkle import HASH_SIZE, inclusion_spans, node_hash, perfect_root
from audit.tiles import WIDTH, spans_from_tiles


def prove(decision_id: UUID) -> str:
    """A receipt for one decision as JSON text, for ``audit/verify.py --decision``: the record, its path to the batch's root, and the
    path of the batch's entry to a signed checkpoint. Raises ``UnknownDecision``, ``NotYetSequenced``.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT batch_id, position, record FROM audit_decision WHERE id = %s", [decision_id])
        row = cursor.fetchone()
    if row is None:
        raise UnknownDecision
    batch_id, position, record_ = row
    head = head_of(batch_id)
    proof = [_text(hash_) for hash_ in inner_proof(batch_id, position, head.count)]
    return json.dumps(_receipt(head, receipts.receipt(head.entry_id).text, position, bytes(record_), proof), indent=2)


def prove_batch(batch_id: UUID) -> Iterator[tuple[UUID, str]]:
    """The receipts of all decisions of a batch that are still there, with their ids: each as ``prove`` gives it, for a fraction of the
    work. Raises ``UnknownDecision``, ``NotYetSequenced``.
    """
    head = head_of(batch_id)
    entry = receipts.receipt(head.entry_id).text
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_hashes FROM audit_decision_batch WHERE id = %s", [batch_id])
        paths = _Paths(bytes(cursor.fetchone()[0]))
        cursor.execute(
            "SELECT id, position, record FROM audit_decision WHERE batch_id = %s ORDER BY position", [batch_id]
        )
        rows = cursor.fetchall()
    # Everything but the record and its path is the same for all: it is written once.
    blank = json.dumps(_receipt(head, entry, 0, b"", []), indent=2)
    before, after = blank.split('"record": ""', 1)
    middle, end = after.split('"index": 0', 1)
    close = end.split('"proof": []', 1)
    for decision_id, position, record_ in rows:
        proof = ",\n".join(f'    "{hash_}"' for hash_ in paths.of(position))
        listed = f"[\n{proof}\n  ]" if proof else "[]"
        yield (
            decision_id,
            f'{before}"record": "{_text(bytes(record_))}"{middle}"index": {position}{close[0]}"proof": {listed}{close[1]}',
        )


def inner_proof(batch_id: UUID, position: int, count: int) -> list[bytes]:
    """The audit path of a decision inside its batch; reads the tiles that it needs and no more."""
    return spans_from_tiles(inclusion_spans(position, count), lambda level, index: _inner_tile(batch_id, level, index))


def tile_roots_of(leaves: bytes) -> bytes:
    """The roots of the full tiles over leaf hashes in a row."""
    size = WIDTH * HASH_SIZE
    return b"".join(perfect_root(leaves[at : at + size]) for at in range(0, len(leaves) // size * size, size))


def _receipt(head: Head, entry: str, position: int, record_: bytes, proof: list[str]) -> dict[str, Any]:
    return {
        "format": "zgoda-decision-receipt/1",
        "record": _text(record_),
        "header": head.header,
        "index": position,
        "count": head.count,
        "proof": proof,
        "receipt": entry,
    }


class _Paths:
    """The audit paths of a batch, as text: each hash of the tree is computed and written once."""

    def __init__(self, leaves: bytes) -> None:
        self._count = len(leaves) // HASH_SIZE
        self._leaves = leaves
        self._hashes: dict[tuple[int, int], str] = {}
        self._raw: dict[tuple[int, int], bytes] = {}

    def of(self, position: int) -> list[str]:
        """The path of one leaf, from the bottom up."""
        return [self._hashes.get(span) or self._written(span) for span in inclusion_spans(position, self._count)]

    def _written(self, span: tuple[int, int]) -> str:
        self._hashes[span] = text = _text(self._root(span))
        return text

    def _root(self, span: tuple[int, int]) -> bytes:
        start, end = span
        if end - start == 1:
            return self._leaves[start * HASH_SIZE : end * HASH_SIZE]
        if span not in self._raw:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            self._raw[span] = node_hash(self._root((start, middle)), self._root((middle, end)))
        return self._raw[span]


def _inner_tile(batch_id: UUID, level: int, index: int) -> bytes:
    column = "leaf_hashes" if level == 0 else "tile_roots"
    size = WIDTH * HASH_SIZE
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT substring({column} FROM %s FOR %s) FROM audit_decision_batch WHERE id = %s",  # noqa: S608  # one of two constants
            [index * size + 1, size, batch_id],
        )
        return bytes(cursor.fetchone()[0])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
