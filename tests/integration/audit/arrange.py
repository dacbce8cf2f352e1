"""What the tests of the log share: writing one, and tampering with it as somebody who owns the database would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from audit import log, sequencer
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from tests import triggers

CLIENT = Actor(ActorKind.CLIENT, "019aa5c0-0000-7000-8000-00000000c11e")
DANA = Actor(ActorKind.STAFF, "019aa5c0-0000-7000-8000-00000000da4a")


def write(count: int, *, about: SubjectId | None = None) -> list:
    """That many entries in one transaction; returns their ids."""
    drafts = [
        log.Draft("consent.given", CLIENT, f"consent_event:{number}", about, "newsletter", {"version": number})
        for number in range(count)
    ]
    with transaction.atomic():
        return log.emit_many(drafts)


def write_log(*batches: int) -> list:
    """Entries in batches, each with a checkpoint of its own; returns their ids in order."""
    ids = []
    for batch in batches:
        ids += write(batch, about=SubjectId(uuid7()))
        assert sequencer.sequence() >= batch
    return ids


def sql(statement: str, *parameters: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def unguarded(statement: str, *parameters: Any) -> list[tuple]:
    """As `sql`, with all triggers off: what the owner of the database can do on purpose."""
    with triggers.lifted():
        return sql(statement, *parameters)


class _Undo(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Whatever the block does to the database is undone at its end."""
    try:
        with transaction.atomic():
            yield
            raise _Undo
    except _Undo:
        pass
