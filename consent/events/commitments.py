"""What the log holds about events: an entry for each, or, of a large recording, one for all of them.

An entry for one event names its digest. An entry for many names the root of an RFC 9162 tree over their digests in order of id; `of`
gives the path from an event to it, so that one event is proved without the others. Either way the log commits to the digest, never
to the content, and goes on adding up when an event has been retired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from audit import log, merkle
from consent.errors import UnknownEvent
from consent.terms import EventType
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId

MANY: Final = 64
"""From how many events on a recording has one log entry for all."""


_EXPECTED: Final = """
SELECT id, header::jsonb #>> '{facts,events_root_sha256}', header::jsonb #>> '{facts,events}'
FROM audit_entry WHERE action = 'consent.events_recorded'
"""
_DIGESTS: Final = """
SELECT entry_id, event_sha256 FROM (
    SELECT id, entry_id, event_sha256 FROM consent_event UNION ALL SELECT event_id, entry_id, event_sha256 FROM consent_event_retired
) e WHERE entry_id = ANY(%s) ORDER BY entry_id, id
"""


@dataclass(frozen=True, slots=True)
class About:
    """What the log says of one event."""

    event_id: UUID
    subject: SubjectId
    purpose: str | None
    purpose_version: int
    channel: str
    event_type: str


@dataclass(frozen=True, slots=True)
class Commitment:
    """Where the log commits to an event. `path` leads from leaf number `place` of `size` to `root`; it is empty for an entry of its own."""

    entry_id: UUID
    event_sha256: str
    place: int
    size: int
    path: tuple[bytes, ...]
    root: bytes


def one_by_one(events: Sequence[About], digests: Sequence[str], *, actor: Actor) -> list[UUID]:
    """Write an entry for each event; returns their ids in order."""
    return log.emit_many(
        [
            log.Draft(
                action=f"consent.{one.event_type}",
                actor=actor,
                object=f"consent_event:{one.event_id}",
                subject=one.subject,
                purpose=one.purpose,
                facts={"event_sha256": digest, "purpose_version": one.purpose_version, "channel": one.channel},
            )
            for one, digest in zip(events, digests, strict=True)
        ]
    )


def together(
    ids: Sequence[UUID], kinds: Mapping[EventType | str, int], digests: Iterable[str], *, actor: Actor
) -> UUID:
    """Write one entry for all events, given in order of id; returns its id."""
    return log.emit(
        "consent.events_recorded",
        actor=actor,
        object=f"consent_events:{ids[0]}..{ids[-1]}",
        facts={
            "events": len(ids),
            "events_root_sha256": root(digests).hex(),
            "kinds": {str(kind): count for kind, count in sorted(kinds.items())},
        },
    )


def root(digests: Iterable[str]) -> bytes:
    """The root of the tree over event digests (hexadecimal) in order of event id."""
    return merkle.root_of(merkle.leaf_hashes(map(bytes.fromhex, digests)))


def broken() -> list[UUID]:
    """The entries for many events whose events, retired ones included, do not add up to the root any more."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED)
        expected = {entry: (root_sha256, int(count)) for entry, root_sha256, count in cursor.fetchall()}
        if not expected:
            return []
        cursor.execute(_DIGESTS, [list(expected)])
        digests: dict[UUID, list[str]] = {}
        for entry, sha256 in cursor.fetchall():
            digests.setdefault(entry, []).append(sha256)
    return [
        entry
        for entry, (root_sha256, count) in expected.items()
        if len(digests.get(entry, [])) != count or root(digests[entry]).hex() != root_sha256
    ]


def of(event_id: UUID) -> Commitment:
    """Where the log commits to this event, retired ones included. Raises UnknownEvent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entry_id, event_sha256 FROM consent_event WHERE id = %(id)s "
            "UNION ALL SELECT entry_id, event_sha256 FROM consent_event_retired WHERE event_id = %(id)s",
            {"id": event_id},
        )
        found = cursor.fetchone()
    if found is None:
        raise UnknownEvent
    entry, digest = found
    members = _members(entry)
    place = next(place for place, (identifier, _) in enumerate(members) if identifier == event_id)
    leaves = merkle.leaf_hashes(bytes.fromhex(sha256) for _, sha256 in members)
    path = tuple(merkle.root_of(leaves[low:high]) for low, high in merkle.inclusion_spans(place, len(leaves)))
    return Commitment(entry, digest, place, len(leaves), path, merkle.root_of(leaves))


def _members(entry: UUID) -> list[tuple[UUID, str]]:
    """The events of an entry with their digests, in order of id. Its `object` says between which ids they are: the index finds them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT object FROM audit_entry WHERE id = %s", [entry])
        (object_,) = cursor.fetchone()
        between = object_.partition(":")[2].split("..")
        cursor.execute(
            "SELECT id, event_sha256 FROM consent_event WHERE id BETWEEN %(first)s AND %(last)s AND entry_id = %(entry)s "
            "UNION ALL SELECT event_id, event_sha256 FROM consent_event_retired "
            "WHERE event_id BETWEEN %(first)s AND %(last)s AND entry_id = %(entry)s ORDER BY 1",
            {"first": between[0], "last": between[-1], "entry": entry},
        )
        members: list[tuple[UUID, str]] = cursor.fetchall()
    return members
