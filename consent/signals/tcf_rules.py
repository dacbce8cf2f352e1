"""Which TC strings the framework accepts (TCF 2.3), what one permits to whom, and how a registered platform makes one.

Source: IAB Europe TCF policies, version 5, and the technical specifications of IAB Tech Lab. Rules that came with a version of the
policies apply to strings of that version and later; the disclosed-vendors segment is required of every string made since 1 March 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from consent.signals import tcf
from consent.signals.bits import Ids
from consent.signals.errors import SignalInvalid
from consent.signals.tcf import PublisherTC, RestrictionType, TCString
from consent.signals.vendors import VendorList

POLICY: Final = 5
PURPOSES: Final = range(1, 12)
SPECIAL_FEATURES: Final = range(1, 3)
SPECIAL_PURPOSES: Final = range(1, 4)
"""Security, delivery, and since TCF 2.2 saving the choices themselves. Nobody is asked about them, and no bit of a string is theirs."""
CONSENT_ONLY: Final = frozenset({1, 3, 4, 5, 6})
"""Purposes for which no legitimate interest can be claimed: the first always, 3 to 6 since policies version 4 (TCF 2.2)."""
DISCLOSURE_SINCE: Final = datetime(2026, 3, 1, tzinfo=UTC)

_KNOWN: Final = Ids.of(PURPOSES)
_NO_INTEREST: Final = Ids.of(CONSENT_ONLY)


class Basis(StrEnum):
    """On what a vendor may rest a purpose."""

    CONSENT = "consent"
    LEGITIMATE_INTEREST = "legitimate_interest"


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a string breaks: the field, and the rule in words."""

    field: str
    rule: str


@dataclass(frozen=True, slots=True)
class Platform:
    """The registered consent management platform that signs for strings: its id and version in the CMP list."""

    cmp_id: int
    cmp_version: int
    publisher_country: str


def faults(tc: TCString, *, now: datetime, vendor_list: VendorList | None = None) -> list[Fault]:
    """Every rule that the string breaks; none, if a vendor may rely on it. Pure."""
    return [*_general(tc, now), *_purposes(tc), *_segments(tc), *_restrictions(tc), *_against_list(tc, vendor_list)]


def refuse(tc: TCString, *, now: datetime, vendor_list: VendorList | None = None) -> None:
    """Raises SignalInvalid with every rule that the string breaks."""
    found = faults(tc, now=now, vendor_list=vendor_list)
    if found:
        raise SignalInvalid(errors=[{"pointer": f"/{one.field}", "detail": one.rule} for one in found])


def basis(tc: TCString, vendor: int, purpose: int, vendor_list: VendorList) -> Basis | None:
    """On what this vendor may process for this purpose under the string; None: it may not.

    The publisher's restriction comes first, then what the vendor declares, then what the person said; and a vendor that was not
    disclosed to the person has no basis at all.
    """
    who = vendor_list.vendors.get(vendor)
    if who is None or who.deleted or (tc.disclosed is not None and vendor not in tc.disclosed):
        return None
    wanted = _declared(purpose, who.purposes, who.legitimate_interests)
    said = tc.restriction(vendor, purpose)
    if said is RestrictionType.NOT_ALLOWED or (wanted is None and purpose not in who.flexible):
        return None
    if said in (RestrictionType.REQUIRE_CONSENT, RestrictionType.REQUIRE_LEGITIMATE_INTEREST):
        required = Basis.CONSENT if said is RestrictionType.REQUIRE_CONSENT else Basis.LEGITIMATE_INTEREST
        if required is not wanted and purpose not in who.flexible:
            return None
        wanted = required
    if wanted is Basis.CONSENT:
        return wanted if purpose in tc.purposes_consent and vendor in tc.vendors_consent else None
    if purpose in CONSENT_ONLY:
        return None
    established = purpose in tc.purposes_legitimate_interest and vendor in tc.vendors_legitimate_interest
    return wanted if established else None


def may_for_special(tc: TCString, vendor: int, special_purpose: int, vendor_list: VendorList) -> bool:
    """Whether this vendor may process for a special purpose: it declares it, and the person was told of the vendor.

    Such a purpose rests on a legitimate interest that nobody can refuse, so that only the disclosed-vendors segment tells whether the
    vendor was there at all (the reason why TCF 2.3 makes it mandatory). In strings from before, a bit of the vendor says it.
    """
    who = vendor_list.vendors.get(vendor)
    if (
        who is None
        or who.deleted
        or special_purpose not in who.special_purposes
        or special_purpose not in SPECIAL_PURPOSES
    ):
        return False
    if tc.disclosed is not None:
        return vendor in tc.disclosed
    if tc.policy_version >= POLICY or tc.created >= DISCLOSURE_SINCE:
        return False
    return vendor in tc.vendors_consent or vendor in tc.vendors_legitimate_interest


def emit(
    *,
    platform: Platform,
    vendor_list: VendorList,
    consents: Ids,
    legitimate_interests: Ids,
    special_features: Ids,
    vendors: Ids,
    language: str,
    at: datetime,
    publisher: PublisherTC | None = None,
) -> str:
    """A TC string that this platform vouches for. `vendors` were disclosed to the person, who answered for all of them alike.

    Raises SignalInvalid rather than write a string that breaks the rules.
    """
    disclosed = vendors & vendor_list.active
    interested = Ids.of(one for one in disclosed if vendor_list.vendors[one].legitimate_interests)
    day = tcf.day(at)
    tc = TCString(
        created=day,
        updated=day,
        cmp_id=platform.cmp_id,
        cmp_version=platform.cmp_version,
        consent_screen=1,
        language=language.upper(),
        vendor_list_version=vendor_list.version,
        policy_version=POLICY,
        service_specific=True,
        special_features=special_features,
        purposes_consent=consents,
        purposes_legitimate_interest=legitimate_interests - _NO_INTEREST,
        publisher_country=platform.publisher_country,
        vendors_consent=disclosed if consents else Ids(),
        vendors_legitimate_interest=interested if legitimate_interests - _NO_INTEREST else Ids(),
        disclosed=disclosed,
        publisher=publisher,
    )
    refuse(tc, now=at, vendor_list=vendor_list)
    return tcf.encode(tc)


def _general(tc: TCString, now: datetime) -> Iterator[Fault]:
    if tc.cmp_id < 2:
        yield Fault("cmp_id", "Only a registered platform makes TC strings.")
    if tc.vendor_list_version == 0:
        yield Fault("vendor_list_version", "A version of the vendor list is named.")
    if tc.updated < tc.created:
        yield Fault("updated", "Not before it was created.")
    if tcf.day(tc.created) > tcf.day(now):
        yield Fault("created", "In the future.")
    if tc.policy_version >= 4:
        if not tc.service_specific:
            yield Fault("service_specific", "Global scope has ended: always 1.")
        if tc.created != tc.updated:
            yield Fault("updated", "The same as created.")
        if tc.created != tcf.day(tc.created):
            yield Fault("created", "A whole day in UTC.")
    if tc.created >= DISCLOSURE_SINCE and tc.policy_version < POLICY:
        yield Fault("policy_version", f"At least {POLICY} for strings made since 1 March 2026.")


def _purposes(tc: TCString) -> Iterator[Fault]:
    if tc.purposes_consent - _KNOWN or tc.purposes_legitimate_interest - _KNOWN:
        yield Fault("purposes", "There are eleven purposes; the other bits are zero.")
    if tc.special_features - Ids.of(SPECIAL_FEATURES):
        yield Fault("special_features", "There are two special features; the other bits are zero.")
    forbidden = _NO_INTEREST if tc.policy_version >= 4 else Ids.of([1])
    for purpose in tc.purposes_legitimate_interest & forbidden:
        yield Fault("purposes_legitimate_interest", f"Purpose {purpose} rests on consent alone.")


def _segments(tc: TCString) -> Iterator[Fault]:
    if tc.disclosed is None:
        if tc.policy_version >= POLICY or tc.created >= DISCLOSURE_SINCE:
            yield Fault("disclosed", "The disclosed-vendors segment is missing (mandatory since TCF 2.3).")
    else:
        if tc.vendors_consent - tc.disclosed:
            yield Fault("vendors_consent", "A vendor has consent that was not disclosed.")
        if tc.vendors_legitimate_interest - tc.disclosed:
            yield Fault("vendors_legitimate_interest", "A vendor claims an interest that was not disclosed.")
    if tc.allowed is not None and tc.service_specific and tc.policy_version >= 4:
        yield Fault("allowed", "Out-of-band legal bases have ended.")
    if tc.publisher is not None:
        publisher = tc.publisher
        if publisher.consents - _KNOWN or publisher.legitimate_interests - _KNOWN:
            yield Fault("publisher", "There are eleven purposes; the other bits are zero.")


def _restrictions(tc: TCString) -> Iterator[Fault]:
    if tc.restrictions and not tc.service_specific:
        yield Fault("restrictions", "Only service-specific strings restrict.")
    said: dict[int, Ids] = {}
    for one in tc.restrictions:
        if one.purpose not in PURPOSES:
            yield Fault("restrictions", f"There is no purpose {one.purpose}.")
        if one.kind is RestrictionType.UNDEFINED:
            yield Fault("restrictions", "There are three types: 0, 1 and 2.")
        if one.kind is RestrictionType.REQUIRE_LEGITIMATE_INTEREST and one.purpose in CONSENT_ONLY:
            yield Fault("restrictions", f"Purpose {one.purpose} rests on consent alone.")
        if one.vendors & said.get(one.purpose, Ids()):
            yield Fault("restrictions", f"Two different things are said about purpose {one.purpose} of a vendor.")
        said[one.purpose] = said.get(one.purpose, Ids()) | one.vendors


def _against_list(tc: TCString, vendor_list: VendorList | None) -> Iterator[Fault]:
    if vendor_list is None:
        return
    if tc.vendor_list_version > vendor_list.version:
        yield Fault("vendor_list_version", "Newer than the vendor list that we have.")
    elif tc.vendor_list_version == vendor_list.version:
        listed = Ids.of(vendor_list.vendors)
        if (tc.vendors_consent | tc.vendors_legitimate_interest | (tc.disclosed or Ids())) - listed:
            yield Fault("vendors", "A vendor is not on that list.")


def _declared(purpose: int, by_consent: frozenset[int], by_interest: frozenset[int]) -> Basis | None:
    if purpose in by_consent:
        return Basis.CONSENT
    return Basis.LEGITIMATE_INTEREST if purpose in by_interest else None
