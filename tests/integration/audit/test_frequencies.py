"""How often a reason decides, and that a shift of it is noticed, once, and an ordinary day is not."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from audit import decisions, sources
from audit.explanations import frequencies
from audit.explanations.frequencies import Frequencies, Period, Shift
from audit.models import Anomaly, Entry
from governance.incidents.models import PersonalDataBreach
from governance.kernel import clock
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.deciding import FEATURES, batch


def decided(count: int, weights: tuple[float, ...], *, seed: int, days_ago: float = 0, **changes: object) -> None:
    """Decisions whose features weigh on average so much, made so long ago."""
    chance = np.random.default_rng(seed)
    contributions = (chance.normal(0, 1, (count, len(FEATURES))) * np.array(weights)).astype(np.float32)
    scores = (contributions.astype(np.float64).sum(axis=1) - 0.25).astype(np.float32)
    made = batch(count, contributions=contributions, scores=scores, **changes)
    with pytest.MonkeyPatch.context() as patch:
        then = clock.now() - timedelta(days=days_ago)
        patch.setattr(clock, "now", lambda: then)
        decisions.record(made)


@pytest.mark.django_db
def test_reasons_and_actions_are_counted_by_model_action_effect_and_period() -> None:
    decided(300, (5.0, 2.0, 1.0, 0.001), seed=1)
    decided(50, (0.001, 2.0, 1.0, 5.0), seed=2, days_ago=10, effect="similarly_significant")
    decided(20, (1.0, 1.0, 1.0, 1.0), seed=3, model_version="other@1", chosen=["voucher"] * 20)

    now = clock.now()
    recent = frequencies.count(Period("lapse@3", since=now - timedelta(days=5), until=now))
    assert recent.decisions == 300
    assert recent.actions == {"coupon_10": 200, "none": 100}
    assert recent.share("weeks_since_visit") > 0.95
    assert recent.share("margin_class") < 0.05
    assert sum(recent.reasons.values()) == 900
    assert frequencies.count(Period("lapse@3")).decisions == 350
    assert frequencies.count(Period(effect="similarly_significant")).reasons["margin_class"] > 45
    assert frequencies.count(Period(action="voucher")).decisions == 20
    assert frequencies.count(Period("lapse@3"), most=10).decisions == 10
    assert frequencies.count(Period("nothing@1")) == Frequencies(0, {}, {})


@pytest.mark.django_db
def test_a_shift_of_the_reasons_is_raised_once_and_a_like_day_is_not() -> None:
    for days in (3, 9, 20):
        decided(200, (5.0, 2.0, 1.0, 0.01), seed=days, days_ago=days)
        decided(200, (5.0, 2.0, 1.0, 0.01), seed=days, days_ago=days, model_version="calm@1")
    decided(400, (0.01, 2.0, 1.0, 5.0), seed=4)
    decided(400, (5.0, 2.0, 1.0, 0.01), seed=5, model_version="calm@1")

    (found,) = frequencies.watch()
    assert found.index > frequencies.SHIFTED
    assert found.reason in {"weeks_since_visit", "margin_class"}
    assert frequencies.watch() == []
    assert Anomaly.objects.get().actor == "model:lapse@3"
    entry = Entry.objects.get(action="audit.anomaly_found")
    assert '"model":"lapse:3"' in entry.header
    assert PersonalDataBreach.objects.get().title == "The reasons of a model have shifted"


@pytest.mark.django_db
def test_an_erased_person_is_in_no_count() -> None:
    alice = SubjectId(uuid7())
    decisions.record(batch(3, subjects=[alice, SubjectId(uuid7()), SubjectId(uuid7())]))
    sources.DecisionRecords().erase(alice)
    assert frequencies.count(Period("lapse@3")).decisions == 2


def test_too_few_decisions_say_nothing_and_equal_ones_have_not_shifted() -> None:
    some = Frequencies(1000, {"a": 900, "b": 600}, {})
    assert frequencies.shift(some, Frequencies(50, {"b": 50}, {})) is None
    assert frequencies.shift(some, some) == Shift(0.0, "a", 0.9, 0.9)
    moved = frequencies.shift(some, Frequencies(1000, {"a": 100, "b": 900, "c": 500}, {}))
    assert moved is not None
    assert moved.reason == "a"
    assert moved.index > frequencies.SHIFTED
