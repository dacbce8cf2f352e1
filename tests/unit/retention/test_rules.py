"""Whether a rule makes sense for a place, decided without a database."""

from datetime import UTC, datetime

import pytest

from governance.kernel.ids import uuid7
from governance.retention import disposables, technical
from governance.retention.disposables import Action, Disposable, DisposableDefaults, DisposableRegisteredTwice
from governance.retention.errors import NotDisposable, PeriodTooShort, ReasonMissing
from governance.retention.rules import Rule, check


class Decisions(DisposableDefaults):
    key = "test.decisions"
    title = "Decisions"
    tables = frozenset({"decision"})
    action = Action.DELETE
    purpose = "marketing"
    per_subject = True
    minimum_days = 184
    minimum_ground = "AI Act Art. 26(6)."

    def candidates(self, before, held):
        return 0

    def dispose(self, before, limit, held):
        return 0


GOOD = {"period_days": 365, "action": Action.DELETE, "ground": "A year of evidence.", "purpose": ""}


def test_a_rule_that_fits_its_place_passes():
    check(Decisions(), **GOOD)
    check(Decisions(), **{**GOOD, "purpose": "marketing", "period_days": 184})


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"action": Action.ANONYMISE}, NotDisposable),
        ({"purpose": "analytics"}, NotDisposable),
        ({"period_days": 183}, PeriodTooShort),
        ({"ground": "  "}, ReasonMissing),
    ],
)
def test_a_rule_that_its_place_cannot_keep_is_refused(change, refusal):
    with pytest.raises(refusal):
        check(Decisions(), **{**GOOD, **change})


def test_age_is_counted_back_from_now():
    rule = Rule(uuid7(), "test.decisions", "", 30, Action.DELETE, "x")
    assert rule.before(datetime(2026, 3, 31, 12, tzinfo=UTC)) == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_key_belongs_to_one_place():
    class Other(Decisions):
        pass

    disposables.register(Decisions())
    try:
        disposables.register(Decisions())  # the same kind again, as after a reload
        with pytest.raises(DisposableRegisteredTwice):
            disposables.register(Other())
        assert isinstance(disposables.get("test.decisions"), Disposable)
    finally:
        disposables.unregister("test.decisions")
    with pytest.raises(NotDisposable):
        disposables.get("test.decisions")


def test_every_shipped_rule_fits_its_place():
    places = {place.key: place for place in technical.PLACES}
    assert {default.source for default in technical.RULES} == set(places)
    for default in technical.RULES:
        place = places[default.source]
        check(place, period_days=default.period_days, action=place.action, ground=default.ground, purpose=place.purpose)
