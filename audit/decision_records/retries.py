"""Recording a batch once, however often a caller sends it: an answer that got lost is given again (Idempotency-Key)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from audit import models
from audit.errors import RetryDiffers
from governance.kernel import crypto
from governance.kernel.actors import Actor

_LOCK_CLASS = 0x5A67_6011


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for what: ``key`` finds the request again, ``mac`` tells whether it is the same one. Neither says anything to whoever
    does not know the caller's key."""

    key: bytes
    mac: bytes


def asked(actor: Actor, key: str, body: object) -> Asked:
    """The marks of a request with the caller's ``key`` for retries. ``body`` is JSON."""
    whole = f"{actor}\0{key}".encode()
    secret = hashlib.sha256(b"zgoda retry secret\0" + whole).digest()
    return Asked(
        hashlib.sha256(b"zgoda retry\0" + whole).digest(), crypto.mac(secret, json.dumps(body, sort_keys=True).encode())
    )


def recorded(request: Asked) -> models.DecisionBatch | None:
    """The batch that this request recorded before; None for a new one, whose twin waits until the caller's transaction ends.

    Raises ``RetryDiffers`` when the key was used for something else.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, int.from_bytes(request.key[:4], "big", signed=True)]
        )
    known = models.DecisionBatch.objects.filter(request_key=request.key).first()
    if known is not None and bytes(known.request_mac or b"") != request.mac:
        raise RetryDiffers
    return known


def decisions_of(batch: models.DecisionBatch) -> list[UUID | None]:
    """The ids of a batch by place; None where the person was erased since."""
    kept = dict(batch.decisions.values_list("position", "id"))
    return [kept.get(place) for place in range(batch.count)]
