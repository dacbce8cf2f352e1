"""The one sequencer: gives committed entries their numbers, extends the tree and signs a checkpoint, all in one transaction.

It reads the queue of staged entries, never a cursor over ids: serial ids have gaps and become visible out of order, and a relay that
remembers the last one it saw loses entries (design, security 0.3). Killed at any moment, it has either done a batch or not begun it.

It holds each row against the count of its writer (``audit.writers``). Where entries are missing between what a writer committed and what
is there, it goes on and says so in the log: ``log.entries_missing``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from audit import keys, models, notes, tree, writers
from audit.errors import LogBroken
from audit.heads import anchors, checkpoints, key_history
from audit.log import emit, staged_mac
from audit.notes import Verifier
from audit.staging import move
from audit.tiles import Edge
from governance.kernel import clock, crypto, logs
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.copy import copy_rows
from governance.kernel.errors import JSON

BATCH = 20_000
_LOCK = 0x5A676F6461_01  # "Zgoda", first lock
_logger = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Staged:
    entry_id: UUID
    leaf_hash: bytes
    writer: UUID
    number: int


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


def rotate_key(*, actor: Actor) -> Verifier:
    """Put a new signing key in the place of the one in use, and destroy that one. Returns the new public key.

    The rotation is an entry, the last one under the old key. Cut short at any moment, it has not begun or is finished by the next batch.
    """
    with transaction.atomic():
        _lock()
        history = key_history.read()
        _key_in_force(history)  # a rotation that was cut short is finished first
        old, following = history.last, keys.prepare_next()
        new = Verifier(old.name, following.public_bytes)
        entry = emit(
            key_history.ACTION,
            actor=actor,
            object=f"log_key:{new.key_id.hex()}",
            facts=key_history.facts(old, new, following),
        )
        while models.Staged.objects.filter(pk=entry).exists():
            _sequence_batch(BATCH, upto=entry)
        last = checkpoints.latest()
    keys.promote(new.public_bytes)
    with transaction.atomic():
        # The old key's signature again, for those who read entries and no old checkpoints.
        said: dict[str, JSON] = {"size": last.size, "signature": notes.signature_of(last.note, old)}
        emit("log.key_in_use", actor=actor, object=f"log_key:{new.key_id.hex()}", facts=said)
    sequence()
    return new


def check_writers() -> int:
    """Hold what the writers of this machine noted against what is in the log. Returns how many entries are missing.

    The sequencer sees a hole as soon as its writer goes on. This sees one at the end, also of a writer that was killed.
    """
    missing = 0
    for writer, noted in list(writers.noted()):
        with transaction.atomic():
            _lock()
            counted = counts({writer}).get(writer, 0)
            waiting = models.Staged.objects.filter(writer=writer).order_by("-number").values_list("number", flat=True)
            there = max(counted, waiting.first() or 0)
            if there < noted:
                _say_missing(writer, there, noted)
                _set_counts({writer: noted})
                missing += noted - there
                counted = noted
        if counted >= noted:
            writers.clear(writer)
    return missing


def index_mac(seq: int, entry_id: UUID, leaf_hash: bytes) -> bytes:
    """The tag that binds a number to its entry."""
    return keys.index()(seq.to_bytes(8, "big") + entry_id.bytes + leaf_hash)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_staged WHERE NOT refused)")
        return bool(cursor.fetchone()[0])


def _sequence_batch(limit: int, upto: UUID | None = None) -> int:
    with transaction.atomic():
        _lock()
        genuine = _take(limit, upto)
        if not genuine:
            return 0
        _follow_writers(genuine)
        history = key_history.read()
        size, edge = _verified_edge(history)
        tiles = edge.append(staged.leaf_hash for staged in genuine)
        rows = (
            (seq, staged.entry_id, staged.leaf_hash, index_mac(seq, staged.entry_id, staged.leaf_hash))
            for seq, staged in enumerate(genuine, start=size)
        )
        copy_rows("audit_leaf", ("seq", "entry_id", "leaf_hash", "mac"), rows, ("int8", "uuid", "bytea", "bytea"))
        tree.write_tiles(tiles)
        signed = checkpoints.sign(edge.size, edge.root(), _key_in_force(history))
        models.Checkpoint.objects.create(
            size=signed.size,
            root=signed.root,
            note=signed.note,
            created_at=(signed.created_at or clock.now()).replace(microsecond=0),
        )
        transaction.on_commit(partial(anchors.keep, signed))
        move(first=size)
    _logger.info("log_sequenced", entries=len(genuine), size=edge.size)
    return len(genuine)


def _take(limit: int, upto: UUID | None) -> list[_Staged]:
    """The next staged entries in order of their ids. Rows that are not ours, or were numbered before, are set aside for verify_log."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, leaf_hash, writer, number, mac, EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = s.id)
            FROM audit_staged s WHERE NOT refused AND (%s::uuid IS NULL OR id <= %s) ORDER BY id LIMIT %s
            """,
            [upto, upto, limit],
        )
        genuine, refused = [], []
        for entry, leaf, writer, number, tag, doubled in cursor.fetchall():
            right = staged_mac(entry, bytes(leaf), writer, number)
            if doubled or not crypto.equal(bytes(tag), right):
                refused.append(entry)
            else:
                genuine.append(_Staged(entry, bytes(leaf), writer, number))
        if refused:
            cursor.execute("UPDATE audit_staged SET refused = true WHERE id = ANY(%s)", [refused])
            _logger.error("log_staged_rows_refused", count=len(refused))
    return genuine


def _follow_writers(genuine: list[_Staged]) -> None:
    """Move the count of every writer on, and say which entries are missing."""
    numbers: dict[UUID, list[int]] = defaultdict(list)
    for staged in genuine:
        numbers[staged.writer].append(staged.number)
    counted = counts(set(numbers))
    for writer, found in numbers.items():
        for after, upto in writers.holes(counted.get(writer, 0), found):
            if not _still_waiting(writer, after, upto):
                _say_missing(writer, after, upto)
    _set_counts({writer: max(counted.get(writer, 0), *found) for writer, found in numbers.items()})


def _still_waiting(writer: UUID, after: int, upto: int) -> bool:
    """Whether all these numbers are in the queue, behind the limit of this batch."""
    between = models.Staged.objects.filter(writer=writer, number__gt=after, number__lte=upto, refused=False)
    return between.count() == upto - after


def _say_missing(writer: UUID, after: int, upto: int) -> None:
    """An entry that says how many entries somebody took away before they were numbered, and whose."""
    emit(
        "log.entries_missing",
        actor=SYSTEM,
        object=f"log_writer:{writer}",
        facts={"after": after, "upto": upto, "count": upto - after},
    )
    _logger.error("log_entries_missing", count=upto - after)


def count_mac(writer: UUID, number: int) -> bytes:
    """The tag that binds a writer's count."""
    return keys.writers()(writer.bytes + number.to_bytes(8, "big"))


def counts(wanted: set[UUID]) -> dict[UUID, int]:
    """How many entries of each writer have numbers. A count that somebody changed counts as none."""
    rows = models.WriterCount.objects.filter(writer__in=wanted).values_list("writer", "number", "mac")
    whole = [(writer, number, bytes(tag)) for writer, number, tag in rows if None not in (number, tag)]
    return {writer: number for writer, number, tag in whole if crypto.equal(tag, count_mac(writer, number))}


def _set_counts(counts: dict[UUID, int]) -> None:
    now = clock.now()
    rows = [
        models.WriterCount(writer=writer, number=number, mac=count_mac(writer, number), seen_at=now)
        for writer, number in sorted(counts.items())
    ]
    models.WriterCount.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["writer"], update_fields=["number", "mac", "seen_at"]
    )


def _key_in_force(history: key_history.KeyHistory) -> crypto.SigningKey:
    """The key that signs next. A rotation that was cut short after its entry was committed is finished here. Raises ``LogBroken``."""
    last = history.last
    if keys.verifier() != last and not keys.promote(last.public_bytes):
        raise LogBroken("The key that the log was rotated to is not here.")
    return keys.signing_key()


def _verified_edge(history: key_history.KeyHistory) -> tuple[int, Edge]:
    """The edge that the last checkpoint signed. Raises ``LogBroken``: what we sign next must extend what we signed before."""
    last = models.Checkpoint.objects.order_by("-size").first()
    size, root = (last.size, checkpoints.open_checkpoint(last.note, history).root) if last else (0, tree.root(0))
    edge = tree.read_edge(size)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_leaf WHERE seq >= %s)", [size])
        beyond = bool(cursor.fetchone()[0])
    if beyond or edge.root() != root:
        raise LogBroken("The stored tree does not fit its last checkpoint. Run manage.py verify_log.", size=size)
    return size, edge
