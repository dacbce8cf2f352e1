"""Rows that do not fit their schema: kept sealed, with reasons, until somebody releases or discards them. Nothing is lost.

A bad row can hold anything in any field, so what it says is never stored in the clear.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl
from django.db import transaction

from audit import log
from engine.events.errors import QuarantineUnknown
from engine.events.models import IngestBatch, QuarantinedEvent
from governance.kernel import crypto
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId, uuid7_many
from governance.kernel.secret_files import load_or_create
from pseudonymize import vault
from pseudonymize.errors import SubjectUnknown

_LABEL = "engine.events.quarantine"


def put_aside(offered: pl.DataFrame, misfits: pl.DataFrame, *, batch: IngestBatch, received_at: datetime) -> None:
    """Keep the rows of `offered` that `misfits` names (row, subject_id, reasons). The same row offered again is kept once."""
    if misfits.is_empty():
        return
    payloads = [_text(row) for row in offered[misfits.get_column("row").to_list()].iter_rows(named=True)]
    subjects = [None if text is None else SubjectId(UUID(hex=text)) for text in misfits.get_column("subject_id")]
    sealed = _seal(subjects, payloads)
    key = _key("fingerprint")
    QuarantinedEvent.objects.bulk_create(
        [
            QuarantinedEvent(
                id=identifier,
                batch=batch,
                subject_id=subject,
                reasons=reasons,
                payload=record,
                fingerprint=crypto.mac(key, payload),
                received_at=received_at,
            )
            for identifier, subject, reasons, record, payload in zip(
                uuid7_many(len(payloads)),
                subjects,
                misfits.get_column("reasons").to_list(),
                sealed,
                payloads,
                strict=True,
            )
        ],
        ignore_conflicts=True,
        batch_size=5_000,
    )


def read(identifiers: Sequence[UUID]) -> list[dict[str, Any]]:
    """What the rows said when they were offered, in the order asked for. Raises QuarantineUnknown, SubjectForgotten."""
    rows = QuarantinedEvent.objects.in_bulk(list(identifiers))
    if len(rows) != len(set(identifiers)):
        raise QuarantineUnknown
    return [_open(rows[identifier]) for identifier in identifiers]


def discard(identifiers: Sequence[UUID], *, reason: str, actor: Actor) -> int:
    """Give rows up for good, with a reason in the log; returns how many there were."""
    with transaction.atomic():
        deleted, _ = QuarantinedEvent.objects.filter(id__in=identifiers).delete()
        log.emit(
            "events.quarantine_discarded",
            actor=actor,
            object="event_quarantine",
            facts={"rows": deleted, "reason": reason},
        )
    return deleted


def _seal(subjects: Sequence[SubjectId | None], payloads: Sequence[bytes]) -> list[bytes]:
    """Under the subject's key where the vault knows them: shredded with the rest. Otherwise under the quarantine's own."""
    places: dict[SubjectId | None, list[int]] = {}
    for place, subject in enumerate(subjects):
        places.setdefault(subject, []).append(place)
    sealed: list[bytes] = [b""] * len(payloads)
    for subject, where in places.items():
        for place, record in zip(where, _seal_for(subject, [payloads[place] for place in where]), strict=True):
            sealed[place] = record
    return sealed


def _seal_for(subject: SubjectId | None, payloads: list[bytes]) -> list[bytes]:
    if subject is not None:
        try:
            return vault.seal_many([subject] * len(payloads), _LABEL, payloads)
        except SubjectUnknown:  # a number that is nobody's: the row waits under our own key
            pass
    key = _key("payload")
    return [crypto.seal(key, payload, [_LABEL.encode()]) for payload in payloads]


def _open(row: QuarantinedEvent) -> dict[str, Any]:
    record = bytes(row.payload)
    try:
        payload = crypto.unseal(_key("payload"), record, [_LABEL.encode()])
    except crypto.SealBroken:
        if row.subject_id is None:
            raise
        payload = vault.open_for(SubjectId(row.subject_id), _LABEL, record)
    fields: dict[str, Any] = json.loads(payload)
    return fields


def _text(row: dict[str, Any]) -> bytes:
    """The row as JSON; bytes as hexadecimal digits, instants in ISO 8601, fields that were not given left out."""
    given = {name: value for name, value in row.items() if value is not None}
    return json.dumps(given, default=_plain, sort_keys=True, ensure_ascii=False).encode()


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat() if isinstance(value, datetime) else str(value)


def _key(use: str) -> bytes:
    return crypto.derive(load_or_create("quarantine.key", crypto.random_key), _LABEL, use)
