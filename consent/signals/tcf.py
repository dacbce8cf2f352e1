"""TC strings of the IAB Transparency and Consent Framework, version 2 up to 2.3: read and written bit by bit.

Source: IAB Tech Lab, "Consent string and vendor list formats v2" (a core segment, then disclosed vendors, allowed vendors and
publisher TC in any order, joined by dots). `tcf_rules` says which strings the framework accepts; this module says what they contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from consent.signals.bits import NONE, Ids, Reader, Writer
from consent.signals.errors import SignalInvalid, SignalMalformed

VERSION: Final = 2
PURPOSE_BITS: Final = 24
FEATURE_BITS: Final = 12
_PADDED_TO: Final = 24  # the reference implementation fills whole groups of four characters
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECISECOND: Final = timedelta(milliseconds=100)
_DISCLOSED, _ALLOWED, _PUBLISHER = 1, 2, 3


class RestrictionType(IntEnum):
    """What a publisher says about a purpose of some vendors."""

    NOT_ALLOWED = 0
    REQUIRE_CONSENT = 1
    REQUIRE_LEGITIMATE_INTEREST = 2
    UNDEFINED = 3


@dataclass(frozen=True, slots=True)
class Restriction:
    """A publisher restriction: these vendors, this purpose."""

    purpose: int
    kind: RestrictionType
    vendors: Ids


@dataclass(frozen=True, slots=True)
class PublisherTC:
    """What the person agreed to for the publisher itself; custom purposes are numbered from 1 to `custom_purposes`."""

    consents: Ids = NONE
    legitimate_interests: Ids = NONE
    custom_purposes: int = 0
    custom_consents: Ids = NONE
    custom_legitimate_interests: Ids = NONE


@dataclass(frozen=True, slots=True)
class TCString:
    """A TC string, field by field. Instants have a precision of a tenth of a second; None stands for a segment that is not there."""

    created: datetime
    updated: datetime
    cmp_id: int
    cmp_version: int
    consent_screen: int
    language: str
    vendor_list_version: int
    policy_version: int
    service_specific: bool
    non_standard_texts: bool = False
    special_features: Ids = NONE
    purposes_consent: Ids = NONE
    purposes_legitimate_interest: Ids = NONE
    purpose_one_treatment: bool = False
    publisher_country: str = "AA"
    vendors_consent: Ids = NONE
    vendors_legitimate_interest: Ids = NONE
    restrictions: tuple[Restriction, ...] = ()
    disclosed: Ids | None = None
    allowed: Ids | None = None
    publisher: PublisherTC | None = None

    def restriction(self, vendor: int, purpose: int) -> RestrictionType | None:
        """What the publisher says about this purpose of this vendor; the strictest when it says more than one thing."""
        said = [one.kind for one in self.restrictions if one.purpose == purpose and vendor in one.vendors]
        return min(said, default=None)


def decode(text: str) -> TCString:
    """Read a TC string. Raises SignalMalformed; time and memory are bounded by the length of the text."""
    core, *others = text.split(".")
    if len(others) > 3:
        raise SignalMalformed("A TC string has at most four segments.")
    disclosed = allowed = publisher = None
    seen: set[int] = set()
    for segment in others:
        reader = Reader(segment)
        kind = reader.integer(3)
        if kind in seen:
            raise SignalMalformed("A segment is there twice.")
        seen.add(kind)
        if kind == _DISCLOSED:
            disclosed = reader.vendors()
        elif kind == _ALLOWED:
            allowed = reader.vendors()
        elif kind == _PUBLISHER:
            publisher = _publisher(reader)
        else:
            raise SignalMalformed("There is no such kind of segment.")
        reader.finish()
    return _core(Reader(core), disclosed, allowed, publisher)


def encode(tc: TCString) -> str:
    """Write a TC string: core, disclosed vendors, allowed vendors, publisher TC. Raises SignalInvalid for what does not fit.

    Writes what it is given. `tcf_rules.emit` is the way to a string that may be passed on.
    """
    segments = [_written_core(tc).text(_PADDED_TO)]
    for kind, vendors in ((_DISCLOSED, tc.disclosed), (_ALLOWED, tc.allowed)):
        if vendors is not None:
            segments.append(Writer().integer(kind, 3).vendors(vendors).text(_PADDED_TO))
    if tc.publisher is not None:
        segments.append(_written_publisher(tc.publisher).text(_PADDED_TO))
    return ".".join(segments)


def day(at: datetime) -> datetime:
    """The start of its day in UTC: the precision that TC strings have since 2.2."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _core(reader: Reader, disclosed: Ids | None, allowed: Ids | None, publisher: PublisherTC | None) -> TCString:
    if reader.integer(6) != VERSION:
        raise SignalMalformed("Only version 2 of TC strings is read; version 1 ended in 2020.")
    tc = TCString(
        created=_EPOCH + reader.integer(36) * _DECISECOND,
        updated=_EPOCH + reader.integer(36) * _DECISECOND,
        cmp_id=reader.integer(12),
        cmp_version=reader.integer(12),
        consent_screen=reader.integer(6),
        language=reader.letters(2),
        vendor_list_version=reader.integer(12),
        policy_version=reader.integer(6),
        service_specific=reader.flag(),
        non_standard_texts=reader.flag(),
        special_features=reader.field(FEATURE_BITS),
        purposes_consent=reader.field(PURPOSE_BITS),
        purposes_legitimate_interest=reader.field(PURPOSE_BITS),
        purpose_one_treatment=reader.flag(),
        publisher_country=reader.letters(2),
        vendors_consent=reader.vendors(),
        vendors_legitimate_interest=reader.vendors(),
        restrictions=tuple(_restriction(reader) for _ in range(reader.integer(12))),
        disclosed=disclosed,
        allowed=allowed,
        publisher=publisher,
    )
    reader.finish()
    return tc


def _restriction(reader: Reader) -> Restriction:
    return Restriction(reader.integer(6), RestrictionType(reader.integer(2)), reader.ranges())


def _publisher(reader: Reader) -> PublisherTC:
    consents, interests = reader.field(PURPOSE_BITS), reader.field(PURPOSE_BITS)
    custom = reader.integer(6)
    return PublisherTC(consents, interests, custom, reader.field(custom), reader.field(custom))


def _written_core(tc: TCString) -> Writer:
    writer = (
        Writer()
        .integer(VERSION, 6)
        .integer(_deciseconds(tc.created), 36)
        .integer(_deciseconds(tc.updated), 36)
        .integer(tc.cmp_id, 12)
        .integer(tc.cmp_version, 12)
        .integer(tc.consent_screen, 6)
        .letters(_pair(tc.language))
        .integer(tc.vendor_list_version, 12)
        .integer(tc.policy_version, 6)
        .flag(tc.service_specific)
        .flag(tc.non_standard_texts)
        .field(tc.special_features, FEATURE_BITS)
        .field(tc.purposes_consent, PURPOSE_BITS)
        .field(tc.purposes_legitimate_interest, PURPOSE_BITS)
        .flag(tc.purpose_one_treatment)
        .letters(_pair(tc.publisher_country))
        .vendors(tc.vendors_consent)
        .vendors(tc.vendors_legitimate_interest)
        .integer(len(tc.restrictions), 12)
    )
    for one in tc.restrictions:
        writer.integer(one.purpose, 6).integer(one.kind, 2).ranges(one.vendors)
    return writer


def _written_publisher(publisher: PublisherTC) -> Writer:
    return (
        Writer()
        .integer(_PUBLISHER, 3)
        .field(publisher.consents, PURPOSE_BITS)
        .field(publisher.legitimate_interests, PURPOSE_BITS)
        .integer(publisher.custom_purposes, 6)
        .field(publisher.custom_consents, publisher.custom_purposes)
        .field(publisher.custom_legitimate_interests, publisher.custom_purposes)
    )


def _deciseconds(at: datetime) -> int:
    return (at - _EPOCH) // _DECISECOND


def _pair(letters: str) -> str:
    if len(letters) != 2:
        raise SignalInvalid("A language or a country has two letters.")
    return letters
