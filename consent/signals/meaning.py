"""What a signal means for the purposes of this service: per channel a yes, a no, or an opt-out. Pure; the ledger makes events of it.

The frameworks know purposes of their own; the bridge to ours is the channel on which a purpose uses a person. A yes needs every purpose
of the framework that the channel stands on: advertising that may not be personalised is no yes to advertising.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consent.signals.bits import Ids
from consent.signals.google import Command, ConsentMode
from consent.signals.gpp import Section, opt_outs
from consent.signals.sections import TcfCanada
from consent.signals.tcf import TCString
from governance.purposes.terms import Channel

TCF_PURPOSES: Final[Mapping[Channel, Ids]] = {
    Channel.ADS: Ids.of([1, 2, 3, 4]),
    Channel.PROFILING: Ids.of([1, 3, 5]),
    Channel.ANALYTICS: Ids.of([1, 7, 8, 9]),
}
"""TCF purposes behind a channel. 1 storing and reading on the device, 2 to 4 choosing ads and profiles for them, 5 profiles for content,
7 to 9 measurement and research."""
GOOGLE_TYPES: Final[Mapping[Channel, frozenset[str]]] = {
    Channel.ADS: frozenset({"ad_storage", "ad_user_data", "ad_personalization"}),
    Channel.PROFILING: frozenset({"personalization_storage"}),
    Channel.ANALYTICS: frozenset({"analytics_storage"}),
}
OPT_OUT_CHANNEL: Final = Channel.ADS
"""Sale, sharing and targeted advertising: what US laws let a person opt out of, and what Global Privacy Control is about."""


class Says(StrEnum):
    """What the person says about a channel through a signal."""

    YES = "yes"
    NO = "no"
    OPTED_OUT = "opted_out"
    """An explicit choice under an opt-out law: an objection."""
    PREFERS_OPT_OUT = "prefers_opt_out"
    """A preference of the browser (Global Privacy Control): binding where the law says so."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One channel and what is said about it, under the law of a jurisdiction."""

    channel: Channel
    says: Says
    jurisdiction: str
    source: str


def of_tcf(tc: TCString, *, vendor: int | None = None) -> list[Meaning]:
    """What a TC string says to us: as the vendor with that id, or else as the publisher, whose own segment then counts if it is there."""
    if vendor is not None:
        agreed = tc.purposes_consent if vendor in tc.vendors_consent and _disclosed(tc, vendor) else Ids()
        agreed -= Ids.of(purpose for purpose in agreed if tc.restriction(vendor, purpose) is not None)
    else:
        agreed = tc.publisher.consents if tc.publisher is not None else tc.purposes_consent
    return _by_purposes(agreed, "EU", "tcfeuv2")


def of_canada(section: TcfCanada) -> list[Meaning]:
    """What a TCF Canada section says: only express consent is a yes."""
    return _by_purposes(section.purposes_express, "CA", "tcfcav1")


def of_gpp(sections: Mapping[int, Section]) -> list[Meaning]:
    """What the sections of a GPP string say, all of them: a no in one jurisdiction is not undone by a yes in another."""
    meanings: list[Meaning] = []
    for section in sections.values():
        if isinstance(section, TCString):
            meanings += of_tcf(section)
        elif isinstance(section, TcfCanada):
            meanings += of_canada(section)
    for heard in opt_outs(sections):
        if heard.opted_out:
            meanings.append(Meaning(OPT_OUT_CHANNEL, Says.OPTED_OUT, heard.jurisdiction, heard.section))
        if heard.gpc:
            meanings.append(of_gpc(heard.jurisdiction, heard.section))
    return strictest(meanings)


def of_gpc(jurisdiction: str, source: str = "sec_gpc") -> Meaning:
    """What `Sec-GPC: 1` says from there."""
    return Meaning(OPT_OUT_CHANNEL, Says.PREFERS_OPT_OUT, jurisdiction, source)


def of_google(mode: ConsentMode, jurisdiction: str) -> list[Meaning]:
    """What a state of Consent Mode says. A default says nothing: nobody was asked."""
    if mode.command is Command.DEFAULT:
        return []
    meanings = []
    for channel, types in GOOGLE_TYPES.items():
        if types & mode.denied:
            meanings.append(Meaning(channel, Says.NO, jurisdiction, "google_consent_mode"))
        elif types <= mode.granted:
            meanings.append(Meaning(channel, Says.YES, jurisdiction, "google_consent_mode"))
    return meanings


def strictest(meanings: Iterable[Meaning]) -> list[Meaning]:
    """The meanings without a yes where the same signal also says no about that channel."""
    every = list(meanings)
    refused = {one.channel for one in every if one.says is not Says.YES}
    return [one for one in every if one.says is not Says.YES or one.channel not in refused]


def google_state(allowed: Mapping[Channel, bool]) -> dict[str, str]:
    """The state of Consent Mode that answers from our gate make; what was never asked stands as denied."""
    return {
        one: "granted" if allowed.get(channel, False) else "denied"
        for channel, types in GOOGLE_TYPES.items()
        for one in sorted(types)
    } | {"security_storage": "granted"}


def tcf_purposes(allowed: Mapping[Channel, bool]) -> Ids:
    """The TCF purposes that answers from our gate permit: those of the allowed channels, less what a refused channel alone stands on."""
    agreed = Ids()
    for channel, purposes in TCF_PURPOSES.items():
        if allowed.get(channel, False):
            agreed |= purposes
    return agreed


def _by_purposes(agreed: Ids, jurisdiction: str, source: str) -> list[Meaning]:
    return [
        Meaning(channel, Says.YES if not needed - agreed else Says.NO, jurisdiction, source)
        for channel, needed in TCF_PURPOSES.items()
    ]


def _disclosed(tc: TCString, vendor: int) -> bool:
    return tc.disclosed is None or vendor in tc.disclosed
