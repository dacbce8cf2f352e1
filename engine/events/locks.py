"""The lock of the event history: who adds to it or projects it shares it, who takes a person out of it has it alone.

A projection reads events and writes what it made of them a moment later. An erasure that commits between the two would be undone.
With this lock there is no between. It is held until the transaction ends; PostgreSQL queues for it fairly.
"""

from __future__ import annotations

from django.db import connection

_HISTORY = 0x5A67_6F64_6110
"""A number of ours in PostgreSQL's space of advisory locks."""


def share_history() -> None:
    """Keep everyone from taking people out of the history until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_HISTORY])


def own_history() -> None:
    """Be the only one at the history until this transaction ends; waits for those who share it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_HISTORY])
