"""Receipts: what a person takes home of a consent event, signed, to be checked by anybody who has the public key.

The content follows ISO/IEC TS 27560:2023 with terms of the W3C Data Privacy Vocabulary; the drafts of that profile disagree in details,
so ours is named and versioned in `dct:conformsTo`. Nothing is stored: the same event makes the same receipt, byte for byte.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings

from consent import ledger, notices, signing
from consent.ledger import EventRecord
from consent.notices import Notice
from consent.terms import ANY, EventType
from governance.kernel.crypto import jws_verify
from governance.kernel.ids import opaque
from governance.purposes.register import newest_book

TYP: Final = "zgoda-consent-receipt+jws"
PROFILE: Final = "ISO/IEC TS 27560:2023; profile zgoda-consent-receipt/1"

_DPV_STATUS: Final[dict[EventType, str]] = {
    EventType.REQUESTED: "dpv:ConsentRequested",
    EventType.GIVEN: "dpv:ConsentGiven",
    EventType.CONFIRMED: "dpv:ConsentGiven",
    EventType.IMPORTED: "dpv:ConsentGiven",
    EventType.REAFFIRMED: "dpv:RenewedConsentGiven",
    EventType.REFUSED: "dpv:ConsentRefused",
    EventType.WITHDRAWN: "dpv:ConsentWithdrawn",
    EventType.EXPIRED: "dpv:ConsentExpired",
    EventType.INVALIDATED: "dpv:ConsentInvalidated",
    EventType.TERMINATED: "dpv:ConsentRevoked",
}


def issue(event_id: UUID) -> str:
    """The receipt of one event, as a compact JWS (EdDSA). Raises UnknownEvent."""
    event = ledger.event(event_id)
    notice = notices.version(event.notice_version_id) if event.notice_version_id else None
    return signing.sign(_content(event, notice), TYP)


def verify(receipt: str, public_key: bytes) -> dict[str, Any]:
    """The content of a receipt that the holder of this key signed (32 raw bytes of Ed25519). Raises SignatureInvalid.

    Needs the key and nothing else of this service: any JOSE library does the same.
    """
    return jws_verify(public_key, receipt, TYP)


def _content(event: EventRecord, notice: Notice | None) -> dict[str, Any]:
    return {
        "@context": {"dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/"},
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": PROFILE,
        "dct:identifier": opaque("rcp", event.event_id),
        "record_id": opaque("cev", event.event_id),
        "pii_principal_id": opaque("sub", event.subject),
        "event": {
            "event_type": event.event_type.value,
            "dpv:hasConsentStatus": _DPV_STATUS.get(event.event_type),
            "occurred_at": event.occurred_at.isoformat(),
            "received_at": event.received_at.isoformat(),
            "valid_until": event.valid_until.isoformat() if event.valid_until else None,
            "entity": event.actor.partition(":")[0],
            "method": event.method,
            "event_sha256": event.event_sha256,
        },
        "processing": _processing(event, notice),
        "parties": [
            {
                "party_type": "dpv:DataController",
                "party_name": notice.text.controller if notice else settings.ZGODA_CONTROLLER,
                "party_contact": notice.text.controller_contact if notice else settings.ZGODA_PUBLIC_URL,
                "data_protection_officer": notice.text.dpo_contact if notice else settings.ZGODA_DPO_CONTACT,
            }
        ],
        "log": {"origin": settings.ZGODA_ORIGIN, "entry_id": str(event.entry_id)},
    }


def _processing(event: EventRecord, notice: Notice | None) -> dict[str, Any]:
    purpose = None if event.purpose == ANY else newest_book().version(event.purpose, event.purpose_version)
    language = notice.language if notice else "en"
    return {
        "privacy_notice": None
        if notice is None
        else {
            "id": opaque("ntc", notice.id),
            "key": notice.key,
            "version": notice.version,
            "language": notice.language,
            "content_sha256": notice.content_sha256,
        },
        "purpose": {
            "key": event.purpose,
            "version": event.purpose_version,
            "title": purpose.title(language) if purpose else None,
            "dpv:hasPurpose": (purpose.dpv_iri or None) if purpose else None,
        },
        "channel": event.channel,
        "lawful_basis": purpose.legal_basis.article if purpose else None,
        "jurisdiction": event.jurisdiction,
        "pii_information": list(notice.text.data_categories) if notice else [],
        "recipient_third_parties": list(notice.text.recipients) if notice else [],
        "retention_period": notice.text.retention if notice else None,
        "withdrawal_method": notice.text.withdrawal if notice else settings.ZGODA_PUBLIC_URL,
        "rights": notice.text.rights if notice else None,
    }
