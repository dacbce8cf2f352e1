"""What follows from where a person stands: the precedence of the gate, each rule once, for one person and for a set.

A rule says its condition twice, as a predicate over a `Standing` and as SQL over the columns of the same names. A property test
holds the two against each other. The first rule that holds refuses; when none does, the legal basis permits.

Which bases a rule concerns:
- erasure and restriction (Art. 18(2)) stop every basis;
- an objection (Art. 21) stops consent, legitimate interest and public task, and direct marketing on any basis (Art. 21(2) and (3));
  one to all MARKETING stops every purpose that is direct marketing, and no other;
- a refusal, a withdrawal or an opt-out signal is the person's no: it stops consent, and counts as an objection to a legitimate
  interest or a public task; a contract or a legal obligation does not hang on it;
- everything else is about whether there is a consent, and concerns that basis alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from consent.terms import Reason, State
from governance.purposes.terms import LegalBasis, PurposeVersion


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one person stands with one purpose and channel: a row of `consent_state`, or what stands in its place."""

    erased: bool = False
    status: State = State.NONE
    event_id: UUID | None = None
    notice_version_id: UUID | None = None
    purpose_version: int | None = None
    valid_until: datetime | None = None
    objection_event_id: UUID | None = None
    restriction_event_id: UUID | None = None
    signal_event_id: UUID | None = None
    marketing_event_id: UUID | None = None
    """The objection to all direct marketing, where one holds."""


Concerns = Callable[[PurposeVersion], bool]
Holds = Callable[[Standing, datetime, int], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """`holds(standing, at, oldest purpose version whose consents carry over)`; `sql` knows %(at)s and %(oldest)s."""

    reason: Reason
    concerns: Concerns
    holds: Holds
    sql: str
    deciding: str = "event_id"
    """The column with the event that the verdict cites."""


def _every_basis(purpose: PurposeVersion) -> bool:
    return True


def _hears_the_person(purpose: PurposeVersion) -> bool:
    return purpose.legal_basis in (LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTEREST, LegalBasis.PUBLIC_TASK)


def _hears_objections(purpose: PurposeVersion) -> bool:
    return purpose.direct_marketing or _hears_the_person(purpose)


def _is_direct_marketing(purpose: PurposeVersion) -> bool:
    return purpose.direct_marketing


def _is_consent(purpose: PurposeVersion) -> bool:
    return purpose.legal_basis is LegalBasis.CONSENT


def _status(state: State) -> tuple[Holds, str]:
    return (lambda standing, at, oldest: standing.status is state), f"status = '{state}'"


def _expired(standing: Standing, at: datetime, oldest: int) -> bool:
    ran_out = standing.status is State.GIVEN and standing.valid_until is not None and standing.valid_until <= at
    return ran_out or standing.status is State.EXPIRED


def _superseded(standing: Standing, at: datetime, oldest: int) -> bool:
    outdated = standing.status is State.GIVEN and (standing.purpose_version or 0) < oldest
    return outdated or standing.status is State.SUPERSEDED


RULES: Final = (
    Rule(Reason.ERASED, _every_basis, lambda standing, at, oldest: standing.erased, "erased"),
    Rule(
        Reason.OBJECTED,
        _hears_objections,
        lambda standing, at, oldest: standing.objection_event_id is not None,
        "objection_event_id IS NOT NULL",
        "objection_event_id",
    ),
    Rule(
        Reason.OBJECTED,
        _is_direct_marketing,
        lambda standing, at, oldest: standing.marketing_event_id is not None,
        "marketing_event_id IS NOT NULL",
        "marketing_event_id",
    ),
    Rule(
        Reason.RESTRICTED,
        _every_basis,
        lambda standing, at, oldest: standing.restriction_event_id is not None,
        "restriction_event_id IS NOT NULL",
        "restriction_event_id",
    ),
    Rule(Reason.WITHDRAWN, _hears_the_person, *_status(State.WITHDRAWN)),
    Rule(Reason.REFUSED, _hears_the_person, *_status(State.REFUSED)),
    Rule(Reason.INVALIDATED, _is_consent, *_status(State.INVALIDATED)),
    Rule(Reason.TERMINATED, _is_consent, *_status(State.TERMINATED)),
    Rule(
        Reason.OPT_OUT_SIGNAL,
        _hears_the_person,
        lambda standing, at, oldest: standing.signal_event_id is not None,
        "signal_event_id IS NOT NULL",
        "signal_event_id",
    ),
    Rule(Reason.EXPIRED, _is_consent, _expired, "(status = 'expired' OR (status = 'given' AND valid_until <= %(at)s))"),
    Rule(
        Reason.SUPERSEDED,
        _is_consent,
        _superseded,
        "(status = 'superseded' OR (status = 'given' AND coalesce(purpose_version, 0) < %(oldest)s))",
    ),
    Rule(Reason.CONFIRMATION_PENDING, _is_consent, *_status(State.PENDING_CONFIRMATION)),
    Rule(Reason.NOT_ANSWERED, _is_consent, *_status(State.REQUESTED)),
    Rule(Reason.NEVER_ASKED, _is_consent, *_status(State.NONE)),
)

_CODES: Final = tuple(Reason)


def permitting(purpose: PurposeVersion) -> Reason:
    """The reason that permits when no rule refuses: the purpose's legal basis."""
    return Reason.CONSENT_GIVEN if purpose.legal_basis is LegalBasis.CONSENT else Reason(purpose.legal_basis.value)


def decide(purpose: PurposeVersion, standing: Standing, at: datetime, oldest: int) -> tuple[Reason, UUID | None]:
    """The answer for one person, and the event it rests on."""
    for rule in RULES:
        if rule.concerns(purpose) and rule.holds(standing, at, oldest):
            event: UUID | None = getattr(standing, rule.deciding)
            return rule.reason, event
    return permitting(purpose), standing.event_id if _is_consent(purpose) else None


def sql(purpose: PurposeVersion) -> tuple[str, str]:
    """The same for a set: an expression for the reason's number (`reason_of`) and one for the event it rests on."""
    concerning = [rule for rule in RULES if rule.concerns(purpose)]
    reasons = " ".join(f"WHEN {rule.sql} THEN {_CODES.index(rule.reason)}" for rule in concerning)
    events = " ".join(f"WHEN {rule.sql} THEN {rule.deciding}" for rule in concerning)
    permitted = "event_id" if _is_consent(purpose) else "NULL"
    return (
        f"CASE {reasons} ELSE {_CODES.index(permitting(purpose))} END",
        f"CASE {events} ELSE {permitted} END",
    )


def reason_of(code: int) -> Reason:
    """The reason behind a number of the SQL expression."""
    return _CODES[code]
