"""What was typed into a public form, kept sealed until a job or a confirmation takes it up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from governance.kernel import clock, crypto
from governance.kernel.canonical import canonical_json
from governance.kernel.ids import uuid7
from governance.privacy_center.keyring import working_key
from governance.privacy_center.links import ERRAND_LIFETIME, LinkInvalid
from governance.privacy_center.models import Errand, ErrandKind


def keep(kind: ErrandKind, payload: dict[str, Any], language: str, *, lifetime: timedelta = ERRAND_LIFETIME) -> UUID:
    """Seal ``payload`` and keep it; returns its id."""
    errand_id, now = uuid7(), clock.now()
    Errand.objects.create(
        id=errand_id,
        kind=kind.value,
        language=language,
        ciphertext=crypto.seal(working_key("errands"), canonical_json(payload), [kind.value.encode(), errand_id.bytes]),
        created_at=now,
        expires_at=now + lifetime,
    )
    return errand_id


def read(errand_id: UUID, kind: ErrandKind, *, lock: bool = False) -> tuple[dict[str, Any], str]:
    """The payload and the language. Raises :class:`LinkInvalid` when it is done, expired, or of another kind."""
    rows = Errand.objects.select_for_update() if lock else Errand.objects.all()
    errand = rows.filter(pk=errand_id, kind=kind.value, expires_at__gt=clock.now()).first()
    if errand is None:
        raise LinkInvalid
    plain = crypto.unseal(working_key("errands"), bytes(errand.ciphertext), [kind.value.encode(), errand_id.bytes])
    payload: dict[str, Any] = json.loads(plain)
    return payload, errand.language


def done(errand_id: UUID) -> None:
    """Delete it: what it held is recorded where it belongs, or never will be."""
    Errand.objects.filter(pk=errand_id).delete()


def forget_expired() -> int:
    """Delete what nobody confirmed; returns how many."""
    deleted, _ = Errand.objects.filter(expires_at__lte=clock.now()).delete()
    return deleted
