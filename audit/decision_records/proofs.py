"""Proving decisions: the path from one record to the root of its batch, and from the batch's entry to a signed checkpoint."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from audit.decision_records.reading import Head, head_of
from audit.errors import UnknownDecision
from audit.merkle import HASH_SIZE, Span, inclusion_spans, node_hash, perfect_root
from audit.publication import receipts
from audit.tiles import WIDTH, spans_from_tiles

# The record, and of its batch's inner tree what any path needs: the tile that its leaf lies in, the roots of all full tiles (at most 256),
# and the tile at the right edge. One statement, because each costs as much as all the hashing.
_NEEDED = f"""
SELECT d.batch_id, d.position, d.record, b.tile_roots,
       substring(b.leaf_hashes FROM d.position / {WIDTH} * {WIDTH * HASH_SIZE} + 1 FOR {WIDTH * HASH_SIZE}),
       substring(b.leaf_hashes FROM (b.count - 1) / {WIDTH} * {WIDTH * HASH_SIZE} + 1 FOR {WIDTH * HASH_SIZE})
FROM audit_decision d JOIN audit_decision_batch b ON b.id = d.batch_id WHERE d.id = %s
"""  # noqa: S608 - constants


def prove(decision_id: UUID) -> str:
    """A receipt for one decision as JSON text, for ``audit/verify.py --decision``: the record, its path to the batch's root, and the
    path of the batch's entry to a signed checkpoint. Raises ``UnknownDecision``, ``NotYetSequenced``.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEEDED, [decision_id])
        row = cursor.fetchone()
    if row is None:
        raise UnknownDecision
    batch_id, position, record_, *tiles = row
    head = head_of(batch_id)
    roots, own, last = map(bytes, tiles)
    read = {(1, 0): roots, (0, (head.count - 1) // WIDTH): last, (0, position // WIDTH): own}
    path = spans_from_tiles(inclusion_spans(position, head.count), lambda level, index: read[level, index])
    proof = [_text(hash_) for hash_ in path]
    return json.dumps(_receipt(head, receipts.receipt(head.entry_id).text, position, bytes(record_), proof), indent=2)


def prove_batch(batch_id: UUID) -> Iterator[tuple[UUID, str]]:
    """The receipts of all decisions of a batch that are still there, with their ids: each as ``prove`` gives it, for a fraction of the
    work. Raises ``UnknownDecision``, ``NotYetSequenced``.
    """
    head = head_of(batch_id)
    entry = receipts.receipt(head.entry_id).text
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_hashes FROM audit_decision_batch WHERE id = %s", [batch_id])
        paths = _paths(bytes(cursor.fetchone()[0]))
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
        listed = f"[\n{paths[position]}\n  ]" if paths[position] else "[]"
        yield (
            decision_id,
            f'{before}"record": "{_text(bytes(record_))}"{middle}"index": {position}{close[0]}"proof": {listed}{close[1]}',
        )


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


def _paths(leaves: bytes) -> list[str]:
    """The audit path of every leaf as JSON strings from the bottom up, each hash of the tree computed and written once: a child's path is
    its sibling and the path of their parent (RFC 9162, 2.1.3.1)."""
    count = len(leaves) // HASH_SIZE
    hashes = _hashes(leaves, 0, count, {})
    texts = {span: f'    "{_text(hash_)}"' for span, hash_ in hashes.items()}
    paths = [""] * count
    waiting = [(0, count, "")]
    while waiting:
        low, high, path = waiting.pop()
        if high - low == 1:
            paths[low] = path
            continue
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        left, right = texts[low, middle], texts[middle, high]
        waiting += [
            (low, middle, f"{right},\n{path}" if path else right),
            (middle, high, f"{left},\n{path}" if path else left),
        ]
    return paths


def _hashes(leaves: bytes, low: int, high: int, known: dict[Span, bytes]) -> dict[Span, bytes]:
    """The root of every span that is a node of the tree."""
    if high - low == 1:
        known[low, high] = leaves[low * HASH_SIZE : high * HASH_SIZE]
        return known
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    _hashes(leaves, low, middle, known)
    _hashes(leaves, middle, high, known)
    known[low, high] = node_hash(known[low, middle], known[middle, high])
    return known


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
