"""The states of a message and the ways between them. Pure; the database's trigger has the same table (a test compares them)."""

from enum import StrEnum
from typing import Final

from engine.channels.errors import InvalidTransition


class DispatchState(StrEnum):
    """Where one person's message of a campaign is."""

    PENDING = "pending"
    CLAIMED = "claimed"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    WITHHELD = "withheld"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CampaignState(StrEnum):
    """A campaign as a whole."""

    PREPARED = "prepared"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


TRANSITIONS: Final[dict[DispatchState, frozenset[DispatchState]]] = {
    DispatchState.PENDING: frozenset({DispatchState.CLAIMED, DispatchState.WITHHELD}),
    # Back to pending: the claim ran out before the hand-over began. The gate is asked again.
    DispatchState.CLAIMED: frozenset({DispatchState.HANDING_OVER, DispatchState.PENDING, DispatchState.WITHHELD}),
    # Back to pending: the mail server said no for now, or its turn never came; in both cases nothing left the house.
    DispatchState.HANDING_OVER: frozenset(
        {DispatchState.SENT, DispatchState.FAILED, DispatchState.UNKNOWN, DispatchState.PENDING}
    ),
    # A slow worker's late answer. Never back to pending: that is what at-most-once means.
    DispatchState.UNKNOWN: frozenset({DispatchState.SENT, DispatchState.FAILED}),
    DispatchState.SENT: frozenset(),
    DispatchState.WITHHELD: frozenset(),
    DispatchState.FAILED: frozenset(),
}
# In these states a claim was made, so a verdict that allowed it is cited.
CLAIMED_STATES: Final = frozenset(
    {DispatchState.CLAIMED, DispatchState.HANDING_OVER, DispatchState.SENT, DispatchState.FAILED, DispatchState.UNKNOWN}
)
OPEN_STATES: Final = frozenset({DispatchState.PENDING, DispatchState.CLAIMED, DispatchState.HANDING_OVER})

_CAMPAIGN: Final[dict[CampaignState, frozenset[CampaignState]]] = {
    CampaignState.PREPARED: frozenset({CampaignState.RUNNING, CampaignState.STOPPED}),
    CampaignState.RUNNING: frozenset({CampaignState.FINISHED, CampaignState.STOPPED}),
    # A journey brings people one by one: a campaign that has nothing left to send runs again when somebody arrives.
    CampaignState.FINISHED: frozenset({CampaignState.RUNNING, CampaignState.STOPPED}),
    CampaignState.STOPPED: frozenset(),
}


def decide_campaign(before: CampaignState, after: CampaignState) -> None:
    """Raise InvalidTransition unless a campaign may go from `before` to `after`."""
    if after not in _CAMPAIGN[before]:
        raise InvalidTransition(f"A campaign that is {before} cannot become {after}.", state=before.value)
