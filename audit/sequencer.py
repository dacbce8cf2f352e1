"""The one sequencer: gives committed entries their numbers, extends the tree and signs a checkpoint, all in one transaction.

It reads the queue of staged entries, never a cursor over ids: serial ids have gaps and become visible out of order, and a relay that
remembers the last one it saw loses entries (design, security 0.3). Killed at any moment, it has either done a batch or not begun it.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import connection, transaction

from audit import anchors, checkpoints, keys, models, tree
from audit.errors import LogBroken
from audit.log import staged_mac
from audit.tiles import Edge
from governance.kernel import clock, crypto, logs
from governance.kernel.copy import copy_rows

BATCH = 20_000
_LOCK = 0x5A676F6461_01  # "Zgoda", first lock
_logger = logs.get_logger(__name__)


def sequence(batch: int = BATCH) -> int:
    """Number everything that waits, in batches, with one checkpoint for each. Returns how many entries were numbered.

    Safe to call from anywhere and at the same time: an advisory lock lets one caller work and the others follow.
    Raises ``LogBroken`` when the stored tree does not fit the last checkpoint; then nothing is signed.
    """
    numbered = 0
    while _waiting():
        done = _sequence_batch(batch)
        if not done:
            break
        numbered += done
    return numbered


def index_mac(seq: int, entry_id: UUID, leaf_hash: bytes) -> bytes:
    """The tag that binds a number to its entry."""
    return crypto.mac(keys.index_key(), seq.to_bytes(8, "big") + entry_id.bytes + leaf_hash)


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_pending WHERE NOT refused)")
        return bool(cursor.fetchone()[0])


def _sequence_batch(limit: int) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        genuine = _take(limit)
        if not genuine:
            return 0
        size, edge = _verified_edge()
        tiles = edge.append(leaf for _, leaf in genuine)
        rows = (
            (seq, entry, leaf, index_mac(seq, entry, leaf)) for seq, (entry, leaf) in enumerate(genuine, start=size)
        )
        copy_rows("audit_leaf", ("seq", "entry_id", "leaf_hash", "mac"), rows, ("int8", "uuid", "bytea", "bytea"))
        tree.write_tiles(tiles)
        signed = checkpoints.sign(edge.size, edge.root())
        models.Checkpoint.objects.create(size=signed.size, root=signed.root, note=signed.note, created_at=clock.now())
        transaction.on_commit(partial(anchors.keep, signed))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_pending WHERE entry_id = ANY(%s)", [[entry for entry, _ in genuine]])
    _logger.info("log_sequenced", entries=len(genuine), size=edge.size)
    return len(genuine)


def _take(limit: int) -> list[tuple[UUID, bytes]]:
    """The next staged entries in order of their ids. Rows that are not ours, or were numbered before, are set aside for verify_log."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT entry_id, leaf_hash, mac, EXISTS (SELECT 1 FROM audit_leaf WHERE audit_leaf.entry_id = audit_pending.entry_id)
            FROM audit_pending WHERE NOT refused ORDER BY entry_id LIMIT %s
            """,
            [limit],
        )
        rows = [(entry, bytes(leaf), bytes(tag), doubled) for entry, leaf, tag, doubled in cursor.fetchall()]
        refused = [
            entry for entry, leaf, tag, doubled in rows if doubled or not crypto.equal(tag, staged_mac(entry, leaf))
        ]
        if refused:
            cursor.execute("UPDATE audit_pending SET refused = true WHERE entry_id = ANY(%s)", [refused])
            _logger.error("log_staged_rows_refused", count=len(refused))
    aside = set(refused)
    return [(entry, leaf) for entry, leaf, _, _ in rows if entry not in aside]


def _verified_edge() -> tuple[int, Edge]:
    """The edge that the last checkpoint signed. Raises ``LogBroken``: what we sign next must extend what we signed before."""
    last = checkpoints.latest()
    size, root = last.size, checkpoints.open_checkpoint(last.note).root
    edge = tree.read_edge(size)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_leaf WHERE seq >= %s)", [size])
        beyond = bool(cursor.fetchone()[0])
    if beyond or edge.root() != root:
        raise LogBroken("The stored tree does not fit its last checkpoint. Run manage.py verify_log.", size=size)
    return size, edge
