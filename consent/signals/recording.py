"""Signals in the ledger: what came, sealed as evidence beside what it was taken to mean, and the state that we tell outside systems.

A no counts whatever else is wrong with the signal. A yes counts only from a signal that keeps the rules of its framework, with the
notice that the person saw, and from the day that the signal itself names: an old string does not undo a withdrawal that came after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from consent import gate, ledger
from consent.drafts import ConsentDraft
from consent.models import NoticeVersion
from consent.signals import google as consent_mode
from consent.signals import gpc, gpp, meaning, tcf, tcf_rules, vendors
from consent.signals.bits import Ids
from consent.signals.errors import NotRegistered, SignalMalformed
from consent.signals.meaning import Meaning, Says
from consent.signals.tcf import TCString
from consent.signals.tcf_rules import Fault, Platform
from consent.signals.vendors import VendorList
from consent.terms import ANY, EventType, NoticeVersionId, State
from governance import purposes
from governance.kernel.actors import Actor
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId
from governance.purposes.terms import Channel, LegalBasis, PurposeVersion

_HELD: Final = frozenset({State.GIVEN, State.PENDING_CONFIRMATION})


class Kind(StrEnum):
    """The signals that are understood; the value is also the method of the events."""

    TCF = "tcf"
    GPP = "gpp"
    GPC = "gpc"
    GOOGLE = "google_consent_mode"


METHODS: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as read: what it says per channel, which rules it breaks, the day it names itself (TCF only), and how it came."""

    kind: Kind
    meanings: tuple[Meaning, ...]
    faults: tuple[Fault, ...]
    raw: JSON
    made_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one meaning: the event that it made for a purpose, or None with the reason why there is none."""

    meaning: Meaning
    purpose: str
    event_id: UUID | None
    duplicate: bool
    why_not: str = ""


def read(kind: Kind, value: JSON, jurisdiction: str = "EU") -> Signal:
    """Read a signal and say what it means; nothing is recorded. `value` is a string for TCF and GPP, the value of the header for GPC,
    and `{"command": …, "state": {…}}` for Google. Raises SignalMalformed."""
    at = now()
    if kind is Kind.GOOGLE:
        mode = _mode(value)
        return Signal(kind, tuple(meaning.of_google(mode, jurisdiction)), (), value)
    if not isinstance(value, str):
        raise SignalMalformed("A string is expected.")
    if kind is Kind.GPC:
        said = (meaning.of_gpc(jurisdiction),) if gpc.says_opt_out(value) else ()
        return Signal(kind, said, (), value)
    if kind is Kind.TCF:
        tc = tcf.decode(value)
        return Signal(kind, tuple(meaning.of_tcf(tc, vendor=_own_vendor())), _faults(tc, at), value, tc.updated)
    sections = gpp.decode(value)
    strings = [section for section in sections.values() if isinstance(section, TCString)]
    broken = tuple(fault for tc in strings for fault in _faults(tc, at))
    made_on = strings[0].updated if strings else None
    return Signal(kind, tuple(meaning.of_gpp(sections)), broken, value, made_on)


def record(
    subject: SubjectId,
    signal: Signal,
    *,
    actor: Actor,
    key: str,
    occurred_at: datetime | None = None,
    notice: NoticeVersionId | None = None,
    presentation: str | None = None,
) -> list[Outcome]:
    """Make events of everything that the signal means for the purposes in force, in one transaction. The same key again is the same.

    Raises what `ledger.record` raises.
    """
    at = now()
    covered = _covered(notice)
    held: dict[tuple[str, str], State] = {(one.purpose, one.channel): one.status for one in ledger.current(subject)}
    outcomes: list[Outcome] = []
    drafts: list[tuple[int, ConsentDraft]] = []
    for said in signal.meanings:
        for purpose, event_type, why_not in _events(said, signal, covered, held):
            if event_type is not None:
                draft = ConsentDraft(
                    subject=subject,
                    purpose=purpose,
                    channel=said.channel,
                    event_type=event_type,
                    occurred_at=_occurred_at(event_type, signal, occurred_at, at),
                    method=signal.kind.value,
                    idempotency_key=f"signal:{digest([key, said.channel, purpose, said.jurisdiction, said.says])}",
                    notice_version_id=notice if event_type is EventType.GIVEN else None,
                    presentation=presentation if event_type is EventType.GIVEN else None,
                    jurisdiction=said.jurisdiction,
                    evidence=_evidence(said, signal),
                )
                drafts.append((len(outcomes), draft))
            outcomes.append(Outcome(said, purpose, None, False, why_not))
    recorded = ledger.record([draft for _, draft in drafts], actor=actor)
    for (place, _), event in zip(drafts, recorded, strict=True):
        before = outcomes[place]
        outcomes[place] = Outcome(before.meaning, before.purpose, event.event_id, event.duplicate)
    return outcomes


def allowed_by_channel(subject: SubjectId) -> dict[Channel, bool]:
    """For each channel that outside frameworks know: whether the gate permits every purpose of ours that uses it on consent."""
    answers: dict[Channel, bool] = {}
    for purpose in purposes.all_current():
        if purpose.legal_basis is LegalBasis.CONSENT:
            for channel in meaning.TCF_PURPOSES.keys() & set(purpose.channels):
                answers[channel] = answers.get(channel, True) and gate.check(subject, purpose.key, channel).allowed
    return answers


def google_state(subject: SubjectId) -> dict[str, str]:
    """What a tag may be told with `gtag("consent", "update", …)`."""
    return meaning.google_state(allowed_by_channel(subject))


def tc_string(subject: SubjectId, language: str) -> str:
    """A TC string of the person's answers, as the configured platform vouches for it. Raises NotRegistered, SignalInvalid."""
    platform, listed = _platform()
    agreed = meaning.tcf_purposes(allowed_by_channel(subject))
    return tcf_rules.emit(
        platform=platform,
        vendor_list=listed,
        consents=agreed,
        legitimate_interests=Ids(),
        special_features=Ids(),
        vendors=listed.active,
        language=language,
        at=now(),
        publisher=tcf.PublisherTC(consents=agreed),
    )


def gpp_string(subject: SubjectId, language: str) -> str:
    """The same in a GPP string. Raises NotRegistered, SignalInvalid."""
    return gpp.encode({gpp.TCF_EU: tcf.decode(tc_string(subject, language))})


def _events(
    said: Meaning, signal: Signal, covered: frozenset[str], held: Mapping[tuple[str, str], State]
) -> Sequence[tuple[str, EventType | None, str]]:
    """For one meaning: (purpose, event or None, why there is none)."""
    if said.says is Says.OPTED_OUT:
        return [(ANY, EventType.OBJECTED, "")]
    if said.says is Says.PREFERS_OPT_OUT:
        return [(ANY, EventType.SIGNAL_OPTOUT, "")]
    asked = [one for one in purposes.all_current() if _asks(one, said.channel)]
    if said.says is Says.NO:
        return [
            (one.key, EventType.WITHDRAWN if held.get((one.key, said.channel)) in _HELD else EventType.REFUSED, "")
            for one in asked
        ]
    if signal.faults:
        return [
            (one.key, None, "The signal breaks rules of its framework: it cannot carry a consent.") for one in asked
        ]
    return [
        (one.key, EventType.GIVEN, "")
        if one.key in covered
        else (one.key, None, "No notice was named that covers the purpose: a consent is informed (Art. 4(11)).")
        for one in asked
    ]


def _asks(purpose: PurposeVersion, channel: Channel) -> bool:
    return purpose.legal_basis is LegalBasis.CONSENT and channel in purpose.channels


def _occurred_at(event_type: EventType, signal: Signal, given: datetime | None, at: datetime) -> datetime:
    if event_type is not EventType.GIVEN or signal.made_on is None:
        return given or at
    if given is not None and tcf.day(given) == tcf.day(signal.made_on):
        return given
    return signal.made_on


def _evidence(said: Meaning, signal: Signal) -> dict[str, JSON]:
    return {
        "signal": signal.kind.value,
        "value": signal.raw,
        "sha256": digest(signal.raw),
        "source": said.source,
        "channel": said.channel.value,
        "says": said.says.value,
        "faults": [f"{fault.field}: {fault.rule}" for fault in signal.faults],
    }


def _covered(notice: NoticeVersionId | None) -> frozenset[str]:
    row = NoticeVersion.objects.filter(id=notice).only("purposes").first() if notice is not None else None
    return frozenset(row.purposes) if row is not None else frozenset()


def _faults(tc: TCString, at: datetime) -> tuple[Fault, ...]:
    return tuple(tcf_rules.faults(tc, now=at, vendor_list=_vendor_list()))


def _mode(value: JSON) -> consent_mode.ConsentMode:
    said: Any = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    if not isinstance(said, Mapping) or not isinstance(said.get("state"), Mapping):
        raise SignalMalformed("Send the command and the state.")
    return consent_mode.read(str(said.get("command")), said["state"])


def _own_vendor() -> int | None:
    return settings.ZGODA_TCF_VENDOR_ID or None


def _vendor_list() -> VendorList | None:
    return vendors.load(Path(settings.ZGODA_TCF_VENDOR_LIST)) if settings.ZGODA_TCF_VENDOR_LIST else None


def _platform() -> tuple[Platform, VendorList]:
    listed = _vendor_list()
    if not settings.ZGODA_TCF_CMP_ID or listed is None:
        raise NotRegistered("Set ZGODA_TCF_CMP_ID and ZGODA_TCF_VENDOR_LIST.")
    country = settings.ZGODA_CONTROLLER_COUNTRY
    return Platform(settings.ZGODA_TCF_CMP_ID, settings.ZGODA_TCF_CMP_VERSION, country), listed
