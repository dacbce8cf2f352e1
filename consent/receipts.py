"""Receipts: what a person takes home of a consent event, signed, to be checked by anybody who has the public key.

A receipt carries the record of the event (ISO/IEC TS 27560:2023 as DPV JSON-LD, `records.py`) inside a compact JWS. Nothing is stored:
the same event makes the same receipt, byte for byte. `verify_receipt.py` checks one without this service; `take_over` brings one that
another controller signed into our ledger, as an import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from consent import ledger, notices, records, signing
from consent.drafts import ConsentDraft
from consent.errors import ReceiptNotUsable
from consent.ledger import Recorded
from consent.terms import EventType
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.canonical import sha256_hex
from governance.kernel.crypto import SignatureInvalid, jws_verify
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, opaque

TYP: Final = "zgoda-consent-receipt+jws"
PROFILE: Final = f"{records.PROFILES}receipt-eu-gdpr"
FORMAT: Final = "zgoda-consent-receipt/3"
_SCHEMA: Final = Path(__file__).parent / "schemas" / "receipt.schema.json"
_CARRIES_OVER: Final = frozenset({"dpv:ConsentGiven", "dpv:RenewedConsentGiven"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a receipt says, for people: read from its verified content."""

    event: str
    purpose: str
    purpose_title: str
    channel: str
    occurred_at: datetime
    valid_until: datetime | None
    notice: str
    controller: str
    log_entry: str


def issue(event_id: UUID) -> str:
    """The receipt of one event, as a compact JWS. Raises UnknownEvent."""
    event = ledger.event(event_id)
    notice = notices.version(event.notice_version_id) if event.notice_version_id else None
    identifier = opaque("rcp", event.event_id)
    content = {
        "@context": records.CONTEXT,
        "@id": f"zgoda:receipt/{identifier}",
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": identifier,
        "dct:conformsTo": [PROFILE, FORMAT],
        "dct:created": event.received_at.isoformat(),
        "dct:publisher": settings.ZGODA_PUBLIC_URL,
        "dpv:hasRecipient": "dpv:DataSubject",
        "dpv:hasRecordOfActivity": records.of(event, notice),
    }
    return signing.sign(content, TYP)


def verify(receipt: str, public_key: bytes) -> dict[str, Any]:
    """The content of a receipt that the holder of this key signed (32 raw bytes of Ed25519). Raises SignatureInvalid.

    Needs the key and nothing else of this service: any JOSE library does the same, and so does `verify_receipt.py`.
    """
    return jws_verify(public_key, receipt, TYP)


def summary(content: Mapping[str, Any]) -> Summary:
    """The content of a verified receipt in plain fields. Raises SignatureInvalid for a document of another shape."""
    try:
        record = content["dpv:hasRecordOfActivity"]
        status, process, notice = record["dpv:hasConsentStatus"], record["dpv:hasProcess"][0], record["dpv:hasNotice"]
        valid = status["dct:valid"]
        return Summary(
            event=status["zgoda:event"],
            purpose=process["dpv:hasPurpose"]["dct:identifier"],
            purpose_title=process["dpv:hasPurpose"]["skos:prefLabel"],
            channel=process["zgoda:channel"],
            occurred_at=datetime.fromisoformat(status["dct:date"]),
            valid_until=None if valid == "until withdrawn" else datetime.fromisoformat(valid),
            notice=f"{notice['zgoda:key']} {notice['dct:hasVersion']} ({notice['dct:language']})" if notice else "",
            controller=record["dpv:hasEntity"][0]["dpv:hasName"],
            log_entry=record["zgoda:log"]["zgoda:entry"],
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SignatureInvalid("The signed document is no receipt of this form.") from error


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema that every receipt keeps: published, so that whoever receives one can check its form as well as its signature."""
    loaded: dict[str, Any] = json.loads(_SCHEMA.read_text("utf-8"))
    return loaded


def take_over(receipt: str, public_key: bytes, *, subject: SubjectId, actor: Actor, purpose: str = "") -> Recorded:
    """Bring a consent into the ledger that another controller recorded and signed: an `imported` event with the receipt as its evidence.

    `purpose` is ours where it has another name there. A purpose with double opt-in does not take it for a consent. Raises
    SignatureInvalid, ReceiptNotUsable when it tells of no consent, and what `ledger.record` raises.
    """
    content = verify(receipt, public_key)
    said = summary(content)
    if content["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]["@type"] not in _CARRIES_OVER:
        raise ReceiptNotUsable("The receipt tells of no consent that was given.", event=said.event)
    digest = sha256_hex(receipt.encode())
    evidence: dict[str, JSON] = {"receipt": receipt, "public_key": public_key.hex(), "vouched_by": str(actor)}
    return ledger.record(
        ConsentDraft(
            subject=subject,
            purpose=purpose or said.purpose,
            channel=said.channel,
            event_type=EventType.IMPORTED,
            occurred_at=said.occurred_at,
            valid_until=said.valid_until,
            method="receipt",
            idempotency_key=f"receipt:{digest}",
            source_sha256=digest,
            evidence=evidence,
        ),
        actor=Actor(ActorKind.IMPORT, f"receipt/{actor.kind.value}"),
    )[0]
