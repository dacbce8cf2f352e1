"""Counting what keys have encrypted, and replacing them in time (limits.py)."""

from __future__ import annotations

from functools import partial

from django.db import connection, transaction
from django.db.models import F

from governance.jobs.queue import schedule
from pseudonymize.keys import limits
from pseudonymize.models import KeyEncryptionKey, KeyStatus

ROTATE = "pseudonymize.rotate_keys"
NEXT_EPOCH = "pseudonymize.next_epoch"


def wrapped(version: int, count: int) -> None:
    """Count keys that were wrapped under a version; at half of the limit a job rotates.

    Counted after the transaction commits, in a statement of its own: enrolments must not wait for one another at this row. What a
    crash in between leaves out is far below the other half of the limit.
    """
    if count:
        transaction.on_commit(partial(_count_wraps, version, count))


def _count_wraps(version: int, count: int) -> None:
    with transaction.atomic():
        KeyEncryptionKey.objects.filter(version=version).update(wraps=F("wraps") + count)
        full = KeyEncryptionKey.objects.filter(
            version=version, status=KeyStatus.ACTIVE, wraps__gte=limits.rotate_at(limits.GCM_MESSAGES)
        )
        if full.exists():
            schedule(ROTATE, {"version": version}, key=f"{ROTATE}:{version}")


def encrypted(name: str, epoch: int, kind: str, blocks: int) -> int:
    """Count AES blocks under a domain's key of that kind (`mac`, `siv`, `ff1`); returns the sum. At half of the limit a job gives
    the domain its next epoch. `name` is the space of the master (`masters.space_of`)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO pseudonymize_key_usage (name, epoch, kind, blocks) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (name, epoch, kind) DO UPDATE SET blocks = pseudonymize_key_usage.blocks + excluded.blocks "
                "RETURNING blocks",
                [name, epoch, kind, blocks],
            )
            total = int(cursor.fetchone()[0])
        if total >= limits.rotate_at(limits.BLOCKS[kind]):
            schedule(NEXT_EPOCH, {"space": name, "epoch": epoch}, key=f"{NEXT_EPOCH}:{name}:{epoch}")
    return total


def blocks_of(values: int, characters: int) -> int:
    """A safe count of the blocks that so many values with so many bytes together take: padding and the tweak included."""
    return characters // 16 + 3 * values
