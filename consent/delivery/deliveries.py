"""Handing changes to another system: a signed webhook, a CSV file in a directory, a message to a broker.

Webhooks follow the Standard Webhooks specification: `webhook-id`, `webhook-timestamp` and `webhook-signature` over
`id.timestamp.body`, HMAC-SHA-256 (`v1`) with a secret shared with this system alone, or Ed25519 (`v1a`). `webhooks.verify` is the
receiver's side. The id of a batch is made of its changes, so that a repetition is known as one.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connection, transaction

from consent.arrays import uuids
from consent.delivery import outbound, webhooks
from consent.errors import DeliveryFailed
from consent.models import PropagationTarget
from consent.terms import ANY, SubjectAs, TargetKind
from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import canonical_json, digest
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId, opaque
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

KEY: Final = re.compile(r"[a-z][a-z0-9-]{1,63}")
_STATES: Final = """
SELECT e.id, e.event_type, e.occurred_at, e.received_at, s.purpose_key, s.channel,
       CASE WHEN s.status = 'given' AND s.valid_until <= %(now)s THEN 'expired' ELSE s.status END,
       s.valid_until, s.objection_event_id IS NOT NULL, s.restriction_event_id IS NOT NULL, s.signal_event_id IS NOT NULL
FROM consent_event e LEFT JOIN consent_state s ON s.subject_id = e.subject_id
    AND (e.purpose_key = '*' OR s.purpose_key = e.purpose_key) AND (e.channel = '*' OR s.channel = e.channel)
WHERE e.id = ANY(%(events)s::uuid[]) ORDER BY e.id, s.purpose_key, s.channel
"""
_CSV: Final = (
    "change", "event", "event_type", "subject", "purpose", "channel", "status", "valid_until", "objected", "restricted", "opted_out",
    "occurred_at", "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change on its way: its number for this system, and what it is about."""

    number: int
    event_id: UUID
    subject: SubjectId
    purpose: str
    channel: str


def fault_of(kind: TargetKind, address: str) -> str:
    """What is wrong with an address; empty when nothing is."""
    if kind is TargetKind.WEBHOOK:
        return outbound.fault_of(address)
    if kind is TargetKind.CSV:
        return "" if Path(address).is_absolute() else "The absolute path of a directory."
    url, _, queue = address.partition("#")
    return "" if urlsplit(url).scheme and queue else "The broker's URL and, after a #, the queue."


def send(target: PropagationTarget, changes: Sequence[Change]) -> str:
    """Hand a batch over; returns the reference under which the system knows it. Raises DeliveryFailed when it may not have arrived."""
    told = _told(target, changes)
    reference = f"chg_{digest([change.number for change in changes])[:32]}"
    if target.kind == TargetKind.CSV:
        _drop(target, changes, told)
        return reference
    body = canonical_json({"id": reference, "system": target.key, "sent_at": now().isoformat(), "changes": told})
    headers = webhooks.sign(reference, int(now().timestamp()), body, target.key, target.signed_with)
    if target.kind == TargetKind.BROKER:
        _publish(target.address, body, headers)
    else:
        outbound.post(target.address, body, headers)
    return reference


def _told(target: PropagationTarget, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as a system reads them, each with where the person stands now."""
    names = _names(target, {change.subject for change in changes})
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"now": now(), "events": uuids(change.event_id for change in changes)})
        found: dict[UUID, list[tuple[Any, ...]]] = {}
        for row in cursor.fetchall():
            found.setdefault(row[0], []).append(row[1:])
    return [_one(change, names, found[change.event_id]) for change in changes if change.event_id in found]


def _one(change: Change, names: Mapping[SubjectId, str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    event_type, occurred_at, received_at = rows[0][:3]
    return {
        "change": change.number,
        "event": opaque("cev", change.event_id),
        "event_type": event_type,
        "subject": names.get(change.subject, opaque("sub", change.subject)),
        "purpose": change.purpose,
        "channel": change.channel,
        "occurred_at": occurred_at.isoformat(),
        "version": int(received_at.timestamp() * 1_000_000),
        "states": [
            {
                "purpose": purpose, "channel": channel, "status": status,
                "valid_until": until.isoformat() if until else None,
                "objected": objected, "restricted": restricted, "opted_out": signal,
            }
            for _, _, _, purpose, channel, status, until, objected, restricted, signal in rows
            if purpose is not None and (purpose != ANY or change.purpose == ANY)
        ],
    }  # fmt: skip


def _names(target: PropagationTarget, subjects: set[SubjectId]) -> dict[SubjectId, str]:
    """By what the system knows people, read from the vault now and kept nowhere. Who was erased keeps the opaque id."""
    if target.subject_as == SubjectAs.OPAQUE:
        return {}
    kind = IdentifierKind.EMAIL if target.subject_as == SubjectAs.EMAIL else IdentifierKind.CUSTOMER_ID
    alive = subjects - vault.erased_among(sorted(subjects))
    try:
        with transaction.atomic():
            read = vault.read(sorted(alive), [kind], purpose="consent_propagation", actor=SYSTEM)
    except GovernanceError as error:
        raise DeliveryFailed(type(error).__name__) from None
    return {subject: values[kind] for subject, values in read.items() if kind in values}


def _drop(target: PropagationTarget, changes: Sequence[Change], told: Sequence[Mapping[str, Any]]) -> None:
    """A file per batch, whole or not at all; the same batch writes the same file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_CSV)
    for one in told:
        for state in one["states"]:
            writer.writerow(
                [one["change"], one["event"], one["event_type"], one["subject"], state["purpose"], state["channel"], state["status"],
                 state["valid_until"] or "", state["objected"], state["restricted"], state["opted_out"], one["occurred_at"], one["version"]]
            )  # fmt: skip
    path = Path(target.address) / f"{target.key}-{changes[0].number:012d}-{changes[-1].number:012d}.csv"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise DeliveryFailed(type(error).__name__) from None


def _publish(address: str, body: bytes, headers: Mapping[str, str]) -> None:
    """A persistent message to a durable queue, confirmed by the broker where it can."""
    from kombu.connection import Connection
    from kombu.entity import Queue
    from kombu.exceptions import KombuError

    url, _, queue = address.partition("#")
    try:
        options = {"confirm_publish": True}
        with Connection(url, connect_timeout=5, transport_options=options) as broker:  # type: ignore[no-untyped-call]
            broker.Producer().publish(
                json.loads(body), routing_key=queue, declare=[Queue(queue, durable=True)],  # type: ignore[no-untyped-call]

                headers=dict(headers), serializer="json", delivery_mode=2, retry=False,
            )  # fmt: skip
    except (KombuError, OSError) as error:
        raise DeliveryFailed(type(error).__name__) from None
