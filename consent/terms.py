"""The words of consent, free of Django: events, states, reasons. `fold.py` says how events make a state, `rules.py` what follows."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from governance.purposes.terms import Channel

__all__ = ["ANY", "MARKETING", "Channel", "EventType", "NoticeVersionId", "Reason", "State"]

NoticeVersionId = NewType("NoticeVersionId", UUID)

ANY: Final = "*"
"""In place of a purpose or a channel: all of them. Only what restricts may be said so broadly; consent is specific (Art. 4(11))."""
MARKETING: Final = "*marketing"
"""In place of a purpose: all direct marketing, whatever it rests on, over every channel. Said by an objection and by its lifting alone
(Art. 21(2) and (3)): whoever is not to be contacted for marketing stays a customer."""
WIDE: Final = frozenset({ANY, MARKETING})
"""What stands in place of a purpose and is none."""


class EventType(StrEnum):
    """What happened between a person and a purpose."""

    REQUESTED = "requested"
    CONFIRMATION_SENT = "confirmation_sent"
    GIVEN = "given"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    REAFFIRMED = "reaffirmed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"
    OBJECTED = "objected"
    OBJECTION_LIFTED = "objection_lifted"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction_lifted"
    SIGNAL_OPTOUT = "signal_optout"
    IMPORTED = "imported"


GRANTS: Final = frozenset({EventType.GIVEN, EventType.REAFFIRMED, EventType.IMPORTED, EventType.CONFIRMED})
"""Events that can make a state permit. They count only after every stop, both by when they happened and by when they arrived."""
OPENINGS: Final = frozenset({EventType.GIVEN, EventType.IMPORTED})
"""Grants that a confirmation can confirm."""
STOPS: Final = frozenset(
    {
        EventType.REFUSED,
        EventType.WITHDRAWN,
        EventType.EXPIRED,
        EventType.INVALIDATED,
        EventType.TERMINATED,
        EventType.SUPERSEDED,
    }
)
LIFTS: Final = frozenset({EventType.OBJECTION_LIFTED, EventType.RESTRICTION_LIFTED})
BROAD: Final = frozenset(
    {
        EventType.WITHDRAWN,
        EventType.OBJECTED,
        EventType.OBJECTION_LIFTED,
        EventType.RESTRICTED,
        EventType.RESTRICTION_LIFTED,
        EventType.SIGNAL_OPTOUT,
    }
)
"""Events that may be about ANY purpose or channel."""
ABOUT_MARKETING: Final = frozenset({EventType.OBJECTED, EventType.OBJECTION_LIFTED})
NOT_BY_IMPORT: Final = frozenset({EventType.GIVEN, EventType.REAFFIRMED, EventType.CONFIRMED}) | LIFTS
"""A file cannot consent: it records `imported`, which a purpose with double opt-in does not take for a consent."""


class State(StrEnum):
    """Where a person stands with a purpose on a channel. Only GIVEN permits. Names follow the consent statuses of W3C DPV."""

    NONE = "none"
    REQUESTED = "requested"
    PENDING_CONFIRMATION = "pending_confirmation"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"


class Reason(StrEnum):
    """Why the gate answered as it did: the first six permit and name the legal basis (Art. 6(1)(a) to (f)), the others refuse."""

    CONSENT_GIVEN = "consent_given"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTEREST = "legitimate_interest"

    ERASED = "erased"
    OBJECTED = "objected"
    RESTRICTED = "restricted"
    WITHDRAWN = "consent_withdrawn"
    REFUSED = "consent_refused"
    INVALIDATED = "consent_invalidated"
    TERMINATED = "consent_terminated"
    OPT_OUT_SIGNAL = "opt_out_signal"
    EXPIRED = "consent_expired"
    SUPERSEDED = "consent_superseded"
    CONFIRMATION_PENDING = "confirmation_pending"
    NOT_ANSWERED = "not_answered"
    NEVER_ASKED = "never_asked"

    @property
    def permits(self) -> bool:
        return self in _PERMITS


_PERMITS: Final = frozenset(list(Reason)[:6])


class TargetKind(StrEnum):
    """How another system hears of a change."""

    WEBHOOK = "webhook"
    CSV = "csv"
    BROKER = "broker"


class SubjectAs(StrEnum):
    """By what another system knows people. Anything but the opaque id is read from the vault at the moment of sending."""

    OPAQUE = "opaque"
    CUSTOMER_ID = "customer_id"
    EMAIL = "email"


class SignedWith(StrEnum):
    """How a system can tell that a message is ours: a secret shared with it alone, or our published key."""

    HMAC = "hmac-sha256"
    EDDSA = "eddsa"


class Delivery(StrEnum):
    """How far a change has come on its way to another system."""

    WAITING = "waiting"
    SENT = "sent"
    SETTLED = "settled"


class OptInStep(StrEnum):
    """How far people come on the way from a page to a consent that counts. Each step is counted, not who took it."""

    SERVED = "served"
    ANSWERED = "answered"
    SENT = "sent"
    GIVEN = "given"
    CONFIRMED = "confirmed"
