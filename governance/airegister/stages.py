"""The stages of a model version and the ways between them, as data; the decision, pure."""

from __future__ import annotations

from enum import StrEnum

from governance.airegister.errors import LogsKeptTooShort, StageNotAllowed, SystemStopped

LOG_RETENTION_DAYS = 184
"""Six months, whichever six they are: from 1 March to 1 September it is 184 days."""


class Stage(StrEnum):
    """How much a version decides: nothing, nothing but watched, a part, everything, nothing any more."""

    REGISTERED = "registered"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"


class Role(StrEnum):
    """What we are to the system (AI Act Art. 3(3), (4))."""

    PROVIDER = "provider"
    DEPLOYER = "deployer"


class RiskClass(StrEnum):
    """Of the system, by the AI Act."""

    MINIMAL = "minimal"
    TRANSPARENCY = "transparency"
    """Art. 50: people are told."""
    HIGH = "high"
    """Art. 6, Annex III."""


WAYS: dict[Stage, frozenset[Stage]] = {
    Stage.REGISTERED: frozenset({Stage.SHADOW, Stage.CANARY, Stage.LIVE, Stage.RETIRED}),
    Stage.SHADOW: frozenset({Stage.CANARY, Stage.LIVE, Stage.RETIRED}),
    Stage.CANARY: frozenset({Stage.SHADOW, Stage.LIVE, Stage.RETIRED}),
    Stage.LIVE: frozenset({Stage.RETIRED}),
    # Back to a version that served before: a roll-back.
    Stage.RETIRED: frozenset({Stage.LIVE}),
}
DECIDING = frozenset({Stage.CANARY, Stage.LIVE})
"""Stages in which a version's output has effect."""


def check_move(before: Stage, after: Stage, *, risk: RiskClass, overseen: bool, stopped: bool) -> None:
    """Raises StageNotAllowed, or SystemStopped for a stage with effect while the system is stopped."""
    if after not in WAYS[before]:
        raise StageNotAllowed(f"From {before} a version goes to: {', '.join(sorted(WAYS[before]))}.")
    if after in DECIDING and stopped:
        raise SystemStopped("Resume the system before a version of it has effect.")
    if after in DECIDING and risk is RiskClass.HIGH and not overseen:
        raise StageNotAllowed("A high-risk system needs a person who oversees it (AI Act Art. 14, 26(2)).")


def check_log_retention(days: int) -> None:
    """Raises LogsKeptTooShort below six months (AI Act Art. 19(1), 26(6))."""
    if days < LOG_RETENTION_DAYS:
        detail = f"At least {LOG_RETENTION_DAYS} days."
        raise LogsKeptTooShort(detail, errors=[{"pointer": "/log_retention_days", "detail": detail}])
