"""The phases of a breach and the steps between them, as data; the decisions, pure.

    DETECTED -> AWARE (the clock of Art. 33 starts) -> ASSESSED (no risk, risk, high risk) -> NOTIFIED (authority, in phases)
    -> INFORMED (people, Art. 34) or EXEMPT (Art. 34(3)) -> CLOSED

Without risk nobody is notified and the breach is closed with its documentation (Art. 33(5)). Risk can be assessed
again at any time.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from governance.incidents.errors import BreachIncomplete, DelayNeedsReasons, StepNotAllowed, TextNamesSomebody


class Phase(StrEnum):
    """Where a breach stands."""

    DETECTED = "detected"
    AWARE = "aware"
    ASSESSED = "assessed"
    NOTIFIED = "notified"
    INFORMED = "informed"
    EXEMPT = "exempt"
    CLOSED = "closed"


class Risk(StrEnum):
    """For the rights and freedoms of people."""

    UNKNOWN = ""
    NONE = "none"
    RISK = "risk"
    HIGH = "high"


class Step(StrEnum):
    """What can be done about a breach."""

    BECOME_AWARE = "become_aware"
    ASSESS = "assess"
    NOTIFY = "notify"
    INFORM = "inform"
    EXEMPT = "exempt"
    CLOSE = "close"


TRANSITIONS: dict[Step, dict[Phase, Phase]] = {
    Step.BECOME_AWARE: {Phase.DETECTED: Phase.AWARE},
    Step.ASSESS: {
        Phase.AWARE: Phase.ASSESSED,
        Phase.ASSESSED: Phase.ASSESSED,
        Phase.NOTIFIED: Phase.NOTIFIED,
        Phase.INFORMED: Phase.INFORMED,
        Phase.EXEMPT: Phase.NOTIFIED,
    },
    # Information may follow in phases (Art. 33(4)); a first notice need not wait for the assessment.
    Step.NOTIFY: {
        Phase.AWARE: Phase.NOTIFIED,
        Phase.ASSESSED: Phase.NOTIFIED,
        Phase.NOTIFIED: Phase.NOTIFIED,
        Phase.INFORMED: Phase.INFORMED,
        Phase.EXEMPT: Phase.EXEMPT,
    },
    Step.INFORM: {Phase.NOTIFIED: Phase.INFORMED, Phase.INFORMED: Phase.INFORMED, Phase.EXEMPT: Phase.INFORMED},
    Step.EXEMPT: {Phase.NOTIFIED: Phase.EXEMPT},
    Step.CLOSE: {
        Phase.ASSESSED: Phase.CLOSED,
        Phase.NOTIFIED: Phase.CLOSED,
        Phase.INFORMED: Phase.CLOSED,
        Phase.EXEMPT: Phase.CLOSED,
    },
}
PAIRS = frozenset((before, after) for steps in TRANSITIONS.values() for before, after in steps.items())
"""Every pair of phases that a step connects; the database holds the history to them."""

_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_LONG_NUMBER = re.compile(r"(?:\d[-.]?){9,20}")
_ID_OF_OURS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def allowed(phase: Phase, risk: Risk) -> tuple[Step, ...]:
    """The steps that lead on from here."""
    steps = (step for step, ways in TRANSITIONS.items() if phase in ways)
    return tuple(step for step in steps if not _missing(step, phase, risk))


def next_phase(step: Step, phase: Phase, risk: Risk) -> Phase:
    """Where a step leads. Raises StepNotAllowed, with the law's reason where there is one."""
    ways = TRANSITIONS[step]
    if phase not in ways:
        steps = list(allowed(phase, risk))
        raise StepNotAllowed(f"A breach that is {phase} takes: {', '.join(steps) or 'no step'}.", allowed=steps)
    if missing := _missing(step, phase, risk):
        raise StepNotAllowed(missing, allowed=list(allowed(phase, risk)))
    return ways[phase]


def check_notice(at: datetime, aware_at: datetime, now: datetime, *, due_at: datetime | None, reasons: str) -> None:
    """Whether a notice of that time may be recorded; `due_at` is None for a later phase, which has no deadline of its
    own.

    Raises BreachIncomplete for an impossible time, DelayNeedsReasons after the deadline without reasons (Art. 33(1)).
    """
    if not aware_at <= at <= now:
        raise BreachIncomplete("A notice is given after we became aware, and not in the future.")
    if due_at is not None and at > due_at and not reasons:
        raise DelayNeedsReasons("The deadline has passed: state the reasons for the delay.", due_at=due_at.isoformat())


def check_text(pointer: str, text: str, *, wanted: str = "") -> str:
    """The text, trimmed. Raises BreachIncomplete when it is empty but `wanted` says what it is for, TextNamesSomebody
    when it holds an e-mail address or a number as long as a telephone's."""
    text = text.strip()
    if wanted and not text:
        raise BreachIncomplete(wanted, errors=[{"pointer": pointer, "detail": wanted}])
    if _ADDRESS.search(text) or _LONG_NUMBER.search(_ID_OF_OURS.sub("", text)):
        detail = "Describe what happened without addresses or numbers of people."
        raise TextNamesSomebody(detail, errors=[{"pointer": pointer, "detail": detail}])
    return text


def _missing(step: Step, phase: Phase, risk: Risk) -> str:
    """Why a step that the table has is not open yet; empty when it is."""
    if step is Step.CLOSE and phase is Phase.ASSESSED and risk is not Risk.NONE:
        return "A breach with a risk is notified to the authority first (Art. 33(1))."
    if step is Step.CLOSE and risk is Risk.UNKNOWN:
        return "A breach is assessed before it is closed (Art. 33(5))."
    if step is Step.CLOSE and phase is Phase.NOTIFIED and risk is Risk.HIGH:
        return "At high risk the people are informed, or an exemption applies (Art. 34)."
    if step is Step.EXEMPT and risk is not Risk.HIGH:
        return "Only at high risk is there a duty to be exempt from (Art. 34(3))."
    return ""
