"""Experiments in the database: arms that never change, exposures noted once, results refused while the ratio is wrong."""

import pytest

from engine.experiments import register
from engine.experiments.errors import ExperimentDefined, ExperimentInvalid, ExperimentUnknown, SampleRatioMismatch
from engine.experiments.models import Exposure
from governance.kernel import invariants
from tests.integration.consent.arrange import STAFF, people

pytestmark = pytest.mark.django_db
HALVES = {"control": 1.0, "coupon": 1.0}


def test_an_experiment_is_defined_once_and_its_arms_stay() -> None:
    register.define("winter", arms=HALVES, holdout=0.1, actor=STAFF)
    register.define("winter", arms=HALVES, holdout=0.1, actor=STAFF)
    for changed in ({"control": 1.0, "coupon": 2.0}, {"control": 1.0}):
        with pytest.raises(ExperimentDefined):
            register.define("winter", arms=changed, holdout=0.1, actor=STAFF)
    with pytest.raises(ExperimentUnknown):
        register.assign("summer", people(1))


def test_exposing_again_notes_nothing_and_the_arms_are_the_assigned_ones() -> None:
    register.define("winter", arms=HALVES, holdout=0.2, actor=STAFF)
    everybody = people(2_000)
    arms = dict(zip(everybody, register.assign("winter", everybody), strict=True))
    assert register.expose("winter", everybody) == 2_000
    assert register.expose("winter", everybody[:500]) == 0
    assert dict(Exposure.objects.values_list("subject_id", "arm")) == arms
    assert set(arms.values()) == {"control", "coupon", "holdout"}
    register.check_ratio("winter").require()
    assert invariants.registered()["experiments.exposed_as_assigned"]().violations == ()


def test_a_leak_in_one_arm_stops_the_results() -> None:
    register.define("winter", arms=HALVES, actor=STAFF)
    everybody = people(4_000)
    arms = register.assign("winter", everybody)
    lost = [one for one, arm in zip(everybody, arms, strict=True) if arm == "coupon"][:500]  # 25 % of the arm
    register.expose("winter", [one for one in everybody if one not in set(lost)])
    with pytest.raises(SampleRatioMismatch) as refused:
        register.check_ratio("winter").require()
    assert refused.value.fields["p_value"] < 0.01


def test_without_exposures_there_is_no_ratio_to_check() -> None:
    register.define("winter", arms=HALVES, actor=STAFF)
    with pytest.raises(ExperimentInvalid):
        register.check_ratio("winter")


def test_a_changed_arm_is_found_by_the_invariant() -> None:
    register.define("winter", arms=HALVES, actor=STAFF)
    register.expose("winter", people(10))
    row = Exposure.objects.earliest("pk")
    Exposure.objects.filter(pk=row.pk).update(arm="coupon" if row.arm == "control" else "control")
    assert invariants.registered()["experiments.exposed_as_assigned"]().violations == (str(row.pk),)
