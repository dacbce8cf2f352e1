"""States of messages and campaigns: at most once is in the table."""

import pytest

from engine.channels.campaigns import decide_prepare
from engine.channels.errors import CampaignInvalid, InvalidTransition
from engine.channels.states import CLAIMED_STATES, TRANSITIONS, CampaignState, DispatchState, decide_campaign


def reachable(start: DispatchState) -> set[DispatchState]:
    seen: set[DispatchState] = set()
    queue = [start]
    while queue:
        for after in TRANSITIONS[queue.pop()] - seen:
            seen.add(after)
            queue.append(after)
    return seen


@pytest.mark.parametrize(
    "state", [DispatchState.SENT, DispatchState.UNKNOWN, DispatchState.WITHHELD, DispatchState.FAILED]
)
def test_from_what_may_have_left_the_house_nothing_leads_back_to_a_claim(state: DispatchState) -> None:
    assert not reachable(state) & {DispatchState.PENDING, DispatchState.CLAIMED, DispatchState.HANDING_OVER}


def test_nothing_is_sent_that_was_not_claimed() -> None:
    assert all(before in CLAIMED_STATES for before, after in TRANSITIONS.items() if DispatchState.SENT in after)


def test_a_stopped_campaign_stays_stopped() -> None:
    for state in CampaignState:
        with pytest.raises(InvalidTransition):
            decide_campaign(CampaignState.STOPPED, state)


CHANNELS = ["email", "profiling"]


def test_a_campaign_needs_a_purpose_that_covers_its_channel() -> None:
    with pytest.raises(CampaignInvalid):
        decide_prepare("email", ["profiling"], frozenset(), {})
    with pytest.raises(CampaignInvalid):
        decide_prepare("sms", ["sms"], frozenset(), {})
    decide_prepare("email", CHANNELS, frozenset(), {})


@pytest.mark.parametrize(
    ("values", "fine"),
    [
        ({}, False),
        ({"*": {"offer": "x"}}, True),
        ({"*": {"offer": "x", "more": "y"}}, False),
        ({"a": {"offer": "x"}, "b": {"offer": "y"}}, True),
        ({"a": {"offer": "x"}, "b": {}}, False),
        ({"*": {"offer": "x"}, "a": {}}, True),
        ({"*": {}, "a": {"offer": "x"}}, True),
        ({"*": {"offer": {"en": "x", "pl": "y"}}}, True),
        ({"*": {"offer": {"pl": "y"}}}, False),
        ({"*": {"offer": {"en": "x", "xx": "y"}}}, False),
    ],
)
def test_every_action_has_a_value_for_every_slot(values: dict[str, dict[str, str]], fine: bool) -> None:
    if fine:
        decide_prepare("email", CHANNELS, frozenset({"offer"}), values)
    else:
        with pytest.raises(CampaignInvalid):
            decide_prepare("email", CHANNELS, frozenset({"offer"}), values)


@pytest.mark.parametrize(
    ("url", "fine"),
    [("https://example.com/x", True), ("javascript:x", False), ("//x", False), ('https://x" onx', False)],
)
def test_a_slot_that_is_an_address_holds_one(url: str, fine: bool) -> None:
    if fine:
        decide_prepare("email", CHANNELS, frozenset({"page_url"}), {"*": {"page_url": url}})
    else:
        with pytest.raises(CampaignInvalid):
            decide_prepare("email", CHANNELS, frozenset({"page_url"}), {"*": {"page_url": url}})
