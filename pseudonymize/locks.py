"""The vault's lock: who brings people in shares it, who takes people or keys out for good has it alone.

An enrolment looks for a person and for their suppression in several statements. A `forget` that commits between two of them would
bring the erased person back. With this lock there is no between. The same lock keeps a key-encryption key from being destroyed
while somebody is wrapping with it. It is held until the transaction ends; PostgreSQL queues for it fairly.
"""

from __future__ import annotations

from django.db import connection

_VAULT = 0x5A67_6F64_6101
"""A number of ours in PostgreSQL's space of advisory locks."""


def share_vault() -> None:
    """Keep everyone from forgetting subjects and destroying keys until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_VAULT])


def own_vault() -> None:
    """Be the only one in the vault until this transaction ends; waits for those who share it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_VAULT])
