"""Where a model version may go, decided without a database."""

import pytest

from governance.airegister.errors import LogsKeptTooShort, StageNotAllowed, SystemStopped
from governance.airegister.stages import (
    DECIDING,
    LOG_RETENTION_DAYS,
    WAYS,
    RiskClass,
    Stage,
    check_log_retention,
    check_move,
)

MOVES = [(before, after) for before in Stage for after in Stage]


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_a_version_moves_along_the_ways_only(before, after):
    if after in WAYS[before]:
        check_move(before, after, risk=RiskClass.MINIMAL, overseen=False, stopped=False)
    else:
        with pytest.raises(StageNotAllowed):
            check_move(before, after, risk=RiskClass.MINIMAL, overseen=True, stopped=False)


@pytest.mark.parametrize(("before", "after"), [move for move in MOVES if move[1] in WAYS[move[0]]])
def test_nothing_takes_effect_while_the_system_is_stopped(before, after):
    if after in DECIDING:
        with pytest.raises(SystemStopped):
            check_move(before, after, risk=RiskClass.MINIMAL, overseen=True, stopped=True)
    else:
        check_move(before, after, risk=RiskClass.MINIMAL, overseen=True, stopped=True)


def test_a_high_risk_system_has_somebody_who_oversees_it_before_it_decides():
    for after in DECIDING:
        with pytest.raises(StageNotAllowed, match="Art. 14"):
            check_move(Stage.SHADOW, after, risk=RiskClass.HIGH, overseen=False, stopped=False)
        check_move(Stage.SHADOW, after, risk=RiskClass.HIGH, overseen=True, stopped=False)


def test_logs_are_kept_for_six_months_at_least():
    check_log_retention(LOG_RETENTION_DAYS)
    for days in (LOG_RETENTION_DAYS - 1, 0, -1):
        with pytest.raises(LogsKeptTooShort):
            check_log_retention(days)
