"""Erased subjects, remembered without saying who: no link leads back to them and no decision is recorded about them any more.

An erasure and a writer who is about to mention the same person must not pass each other: writers hold a shared lock on the person's
bucket until they commit, an erasure takes it alone. There are 256 buckets, so that no transaction holds many locks.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from audit import keys

LOCK_CLASS = 0x5A67  # beside the one-argument advisory locks, PostgreSQL has pairs: this is the first of ours


def tombstone(subject: UUID) -> bytes:
    """The keyed digest that stands for an erased subject, 32 bytes; its first byte is the bucket."""
    return keys.tombstones()(subject.bytes)


def link_tombstone(entry_id: UUID, role: str) -> bytes:
    """The keyed digest that stands for the erased link of an entry, 32 bytes: it says that there was a link, not to whom."""
    return keys.tombstones()(b"link" + entry_id.bytes + role.encode())


def bury(subject: UUID) -> None:
    """Wait for writers who mention the subject, then let nobody make a new link. In the transaction of the erasure."""
    tag = tombstone(subject)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, tag[0]])
        cursor.execute("INSERT INTO audit_erased_subject (tag) VALUES (%s) ON CONFLICT DO NOTHING", [tag])


def erased_among(subjects: Collection[UUID]) -> set[UUID]:
    """Which of the subjects were erased; none of the others can be until the caller's transaction ends."""
    tag_of = keys.tombstones()
    by_tag = {tag_of(subject.bytes): subject for subject in subjects}
    buckets = sorted({tag[0] for tag in by_tag})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, bucket) FROM unnest(%s::int[]) AS bucket", [LOCK_CLASS, buckets]
        )
        # Thousands of tags are slow to send: where fewer people were erased than are asked about, theirs are read instead.
        cursor.execute("SELECT tag FROM audit_erased_subject LIMIT %s", [len(by_tag)])
        known = cursor.fetchall()
        if len(known) == len(by_tag):
            cursor.execute("SELECT tag FROM audit_erased_subject WHERE tag = ANY(%s)", [list(by_tag)])
            known = cursor.fetchall()
        return {by_tag[tag] for (raw,) in known if (tag := bytes(raw)) in by_tag}
