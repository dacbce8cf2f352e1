"""Random walks over the table of transitions keep the promises that the table is there for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsar.errors import InvalidTransition
from dsar.states import TRANSITIONS, Status, decide


@st.composite
def walks(draw: st.DrawFn) -> list[Status]:
    """The statuses of a request to which anything is tried at any time; refused moves leave it where it is."""
    path = [Status.RECEIVED]
    for wanted in draw(st.lists(st.sampled_from(list(Status)), max_size=60)):
        try:
            path.append(decide(path[-1], wanted))
        except InvalidTransition:
            following = sorted(TRANSITIONS[path[-1]])
            if following and draw(st.booleans()):
                path.append(draw(st.sampled_from(following)))
    return path


@given(walks())
def test_nothing_is_executed_before_identity_plan_and_approval(path: list[Status]) -> None:
    for place, status in enumerate(path):
        if status is Status.EXECUTING:
            assert {Status.VERIFIED, Status.PLANNED, Status.APPROVED} <= set(path[:place])


@given(walks())
def test_a_new_plan_needs_a_new_approval(path: list[Status]) -> None:
    for place, status in enumerate(path):
        if status is Status.EXECUTING:
            before = path[:place]
            planned = len(before) - before[::-1].index(Status.PLANNED)
            approved = len(before) - before[::-1].index(Status.APPROVED)
            assert approved > planned


@given(walks())
def test_what_was_executed_is_searched_before_it_is_complete(path: list[Status]) -> None:
    for place, status in enumerate(path):
        if status is Status.COMPLETED and Status.EXECUTING in path[:place]:
            last_run = max(index for index, one in enumerate(path[:place]) if one is Status.EXECUTING)
            assert Status.VERIFYING in path[last_run:place] or Status.ASSESSING in path[last_run:place]


@given(walks())
def test_nothing_is_revoked_while_or_after_it_is_destroyed(path: list[Status]) -> None:
    for place, status in enumerate(path):
        if status is Status.REVOKED:
            assert path[place - 1] not in {Status.EXECUTING, Status.VERIFYING, Status.BLOCKED, Status.COMPLETED}


@given(walks())
def test_a_purged_request_never_moves_again(path: list[Status]) -> None:
    if Status.PURGED in path:
        assert path[-1] is Status.PURGED
