"""The consent record of ISO/IEC TS 27560:2023, in terms of the W3C Data Privacy Vocabulary (JSON-LD), made of one event of the ledger.

The structure follows the final report "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" (W3C DPVCG, August 2024)
and its profiles `record-eu-gdpr` and `receipt-eu-gdpr`; `schemas/receipt.schema.json` pins what we write. The terms are those of DPV 2.3,
with its extensions for the GDPR, EU laws and locations. What the vocabulary has no term for (the channel, the digest of the event, its
place in our log) stands under our own namespace, `zgoda:`.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from consent.ledger import EventRecord
from consent.notices import Notice
from consent.terms import WIDE, EventType
from governance.kernel.actors import ActorKind
from governance.kernel.errors import JSON
from governance.kernel.ids import opaque
from governance.purposes.register import newest_book
from governance.purposes.terms import LegalBasis, PurposeVersion

DPV: Final = "https://w3id.org/dpv#"
PROFILES: Final = "https://w3id.org/dpv/schema/dpv-27560#"
RECORD_PROFILE: Final = f"{PROFILES}record-eu-gdpr"
NAMESPACE: Final = "urn:zgoda:consent:1#"
CONTEXT: Final[dict[str, JSON]] = {
    "dpv": DPV,
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "legal-eu": "https://w3id.org/dpv/legal/eu#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "zgoda": NAMESPACE,
    **{
        name: {"@id": name, "@type": "@id"}
        for name in (
            "dpv:hasApplicableLaw", "dpv:hasDataController", "dpv:hasJurisdiction", "dpv:hasLegalBasis", "dpv:hasLocation",
            "dpv:hasProcessing", "dpv:hasRecipient", "dpv:hasRight", "dpv:isImplementedByEntity", "dct:publisher", "dct:source",
        )
    },
    **{name: {"@id": name, "@type": "xsd:dateTime"} for name in ("dct:created", "dct:date")},
}  # fmt: skip
"""All prefixes a record uses, inside it, and which values are names of things: a reader needs no other document to know what is meant."""

STATUSES: Final[dict[EventType, str]] = {
    EventType.REQUESTED: "dpv:ConsentRequested",
    EventType.CONFIRMATION_SENT: "dpv:ConsentRequestDeferred",
    EventType.GIVEN: "dpv:ConsentGiven",
    EventType.CONFIRMED: "dpv:ConsentGiven",
    EventType.IMPORTED: "dpv:ConsentGiven",
    EventType.REAFFIRMED: "dpv:RenewedConsentGiven",
    EventType.REFUSED: "dpv:ConsentRefused",
    EventType.WITHDRAWN: "dpv:ConsentWithdrawn",
    EventType.EXPIRED: "dpv:ConsentExpired",
    EventType.INVALIDATED: "dpv:ConsentInvalidated",
    EventType.TERMINATED: "dpv:ConsentRevoked",
    EventType.SUPERSEDED: "dpv:ConsentExpired",
    EventType.OBJECTED: "dpv:ConsentRefused",
    EventType.SIGNAL_OPTOUT: "dpv:ConsentRefused",
    EventType.RESTRICTED: "dpv:ConsentUnknown",
    EventType.OBJECTION_LIFTED: "dpv:ConsentUnknown",
    EventType.RESTRICTION_LIFTED: "dpv:ConsentUnknown",
}
"""The consent status that an event of ours stands for; `dpv:ConsentUnknown` where the event says nothing about a consent."""

_BASES: Final[dict[LegalBasis, str]] = {
    LegalBasis.CONSENT: "eu-gdpr:A6-1-a",
    LegalBasis.CONTRACT: "eu-gdpr:A6-1-b",
    LegalBasis.LEGAL_OBLIGATION: "eu-gdpr:A6-1-c",
    LegalBasis.VITAL_INTEREST: "eu-gdpr:A6-1-d",
    LegalBasis.PUBLIC_TASK: "eu-gdpr:A6-1-e",
    LegalBasis.LEGITIMATE_INTEREST: "eu-gdpr:A6-1-f",
}
_RIGHTS: Final = [f"eu-gdpr:A{number}" for number in ("7-3", "13", "15", "16", "17", "18", "20", "21", "77")]
_ENTITIES: Final[dict[str, str]] = {
    ActorKind.SUBJECT.value: "dpv:DataSubject",
    ActorKind.GUARDIAN.value: "dpv:GuardianOfDataSubject",
    ActorKind.AGENT.value: "dpv:Representative",
}
_CONTROLLER: Final = "zgoda:controller"


def of(event: EventRecord, notice: Notice | None) -> dict[str, Any]:
    """The record of one event, without its context: the receipt around it has that."""
    purpose = None if event.purpose in WIDE else newest_book().version(event.purpose, event.purpose_version)
    identifier = opaque("cev", event.event_id)
    return {
        "@id": f"zgoda:record/{identifier}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": identifier,
        "dct:conformsTo": RECORD_PROFILE,
        "dct:created": event.received_at.isoformat(),
        "dct:language": notice.language if notice else "en",
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": opaque("sub", event.subject)},
        "dpv:hasDataController": _CONTROLLER,
        "dpv:hasJurisdiction": f"loc:{event.jurisdiction}",
        "dpv:hasApplicableLaw": "legal-eu:law-GDPR",
        "dpv:hasLegalBasis": _BASES[purpose.legal_basis] if purpose else "eu-gdpr:A6-1-a",
        "dpv:hasNotice": _notice(notice),
        "dpv:hasProcess": [_process(event, notice, purpose)],
        "dpv:hasConsentStatus": _status(event),
        "dpv:hasRight": _RIGHTS,
        "dpv:hasEntity": [_controller(notice)],
        "zgoda:event_sha256": event.event_sha256,
        "zgoda:log": {"zgoda:origin": settings.ZGODA_ORIGIN, "zgoda:entry": str(event.entry_id)},
    }


def _process(event: EventRecord, notice: Notice | None, purpose: PurposeVersion | None) -> dict[str, Any]:
    language = notice.language if notice else "en"
    text = notice.text if notice else None
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": ["dpv:Purpose", *([purpose.dpv_iri] if purpose and purpose.dpv_iri else [])],
            "dct:identifier": event.purpose,
            "dct:hasVersion": event.purpose_version,
            "skos:prefLabel": purpose.title(language) if purpose else "*",
        },
        "dpv:hasPersonalData": [_named("dpv:PersonalData", one) for one in (text.data_categories if text else ())],
        "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Use"],
        "dpv:hasDataController": _CONTROLLER,
        "dpv:hasRecipient": [_named("dpv:Recipient", one) for one in (text.recipients if text else ())],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": f"loc:{settings.ZGODA_CONTROLLER_COUNTRY}"},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {
                    "@type": "dpv:UntilEventDuration",
                    "rdf:value": text.retention if text else "until the consent is withdrawn",
                },
            },
        ],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dct:description": (text.withdrawal if text else "") or f"{settings.ZGODA_PUBLIC_URL}/{language}/choices/",
            "dct:source": f"{settings.ZGODA_PUBLIC_URL}/{language}/choices/",
        },
        "zgoda:channel": event.channel,
    }


def _status(event: EventRecord) -> dict[str, Any]:
    who = event.actor.partition(":")[0]
    return {
        "@type": STATUSES[event.event_type],
        "dct:date": event.occurred_at.isoformat(),
        "dct:valid": event.valid_until.isoformat() if event.valid_until else "until withdrawn",
        "dpv:isImplementedByEntity": _ENTITIES.get(who, "dpv:DataController"),
        "dpv:hasLegalBasis": "dpv:ExpressedConsent",
        "zgoda:event": event.event_type.value,
        "zgoda:method": event.method,
    }


def _notice(notice: Notice | None) -> dict[str, Any] | None:
    if notice is None:
        return None
    return {
        "@type": "dpv:ConsentNotice",
        "dct:identifier": opaque("ntc", notice.id),
        "dct:title": notice.text.title,
        "dct:hasVersion": notice.version,
        "dct:language": notice.language,
        "dct:date": notice.published_at.isoformat(),
        "dct:source": f"{settings.ZGODA_PUBLIC_URL}/{notice.language}/notices/{notice.id}/",
        "zgoda:key": notice.key,
        "zgoda:content_sha256": notice.content_sha256,
    }


def _controller(notice: Notice | None) -> dict[str, Any]:
    return {
        "@id": _CONTROLLER,
        "@type": "dpv:DataController",
        "dct:identifier": settings.ZGODA_PUBLIC_URL,
        "dpv:hasName": notice.text.controller if notice else settings.ZGODA_CONTROLLER,
        "dpv:hasAddress": notice.text.controller_contact if notice else settings.ZGODA_PUBLIC_URL,
        "dpv:hasContact": notice.text.dpo_contact if notice else settings.ZGODA_DPO_CONTACT,
    }


def _named(kind: str, words: str) -> dict[str, str]:
    return {"@type": kind, "skos:prefLabel": words}
