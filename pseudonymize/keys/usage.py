"""Counting what keys have encrypted, and replacing them in time (limits.py)."""

from __future__ import annotations

from functools import partial

from django.db import connection, transaction
from django.db.models import F

from governance.jobs.queue import schedule
from pseudonymize.errors import KeyExhausted
from pseudonymize.keys import limits
from pseudonymize.models import KeyEncryptionKey, KeyStatus, KeyUsage

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


def require_room(name: str, epoch: int) -> None:
    """Raise KeyExhausted when a key of this space and epoch has reached its limit: the job that ends the epoch at half of it did not come
    through. One query."""
    used = KeyUsage.objects.filter(name=name, epoch=epoch).values_list("kind", "blocks")
    full = sorted(kind for kind, blocks in used if blocks >= limits.BLOCKS[kind])
    if full:
        raise KeyExhausted(kinds=full, epoch=epoch)


def encrypted(name: str, epoch: int, kind: str, blocks: int) -> int:
    """Count AES blocks under a domain's key of that kind (of `limits.BLOCKS`); returns the sum. At half of the limit a job gives
    the domain its next epoch. `name` is the space of the master (`masters.space_of`). What is counted late, by runs that are under way,
    is far below the other half."""
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
