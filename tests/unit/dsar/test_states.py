"""The table of transitions: what it lets through, and that it has no dead ends but the last."""

import pytest

from dsar.errors import InvalidTransition
from dsar.states import ANSWERED, FINAL, REVOCABLE, TRANSITIONS, Status, decide


def _reachable(start: Status) -> set[Status]:
    seen: set[Status] = set()
    waiting = [start]
    while waiting:
        status = waiting.pop()
        if status not in seen:
            seen.add(status)
            waiting.extend(TRANSITIONS[status])
    return seen


def test_every_status_is_in_the_table_and_reachable() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert _reachable(Status.RECEIVED) == set(Status)


def test_every_request_can_end_purged() -> None:
    assert all(Status.PURGED in _reachable(status) for status in Status)


def test_nothing_leads_out_of_purged() -> None:
    assert TRANSITIONS[Status.PURGED] == frozenset()


def test_every_pair_the_table_does_not_name_is_refused() -> None:
    for current in Status:
        for wanted in Status:
            if wanted in TRANSITIONS[current]:
                assert decide(current, wanted) is wanted
            else:
                with pytest.raises(InvalidTransition):
                    decide(current, wanted)


def test_nothing_is_destroyed_without_plan_approval_and_identity() -> None:
    """Take away any of the three, and EXECUTING cannot be reached any more."""
    for guard in (Status.VERIFIED, Status.PLANNED, Status.APPROVED):
        table = {status: following - {guard} for status, following in TRANSITIONS.items()}
        seen: set[Status] = set()
        waiting = [Status.RECEIVED]
        while waiting:
            status = waiting.pop()
            if status not in seen:
                seen.add(status)
                waiting.extend(table[status])
        assert Status.EXECUTING not in seen


def test_an_erasure_completes_only_through_the_search() -> None:
    from_execution = {status for status in _reachable(Status.EXECUTING) if Status.COMPLETED in TRANSITIONS[status]}
    assert Status.EXECUTING not in from_execution
    assert Status.BLOCKED not in from_execution
    assert Status.VERIFYING in from_execution


def test_a_request_can_be_revoked_only_before_execution() -> None:
    after = _reachable(Status.EXECUTING) - {Status.PLANNED, Status.APPROVED, Status.COOLING_OFF, Status.ASSESSING}
    assert not REVOCABLE & after


def test_final_statuses_count_as_answered() -> None:
    assert FINAL < ANSWERED
