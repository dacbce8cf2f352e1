"""A decision in words: the reasons are the terms of its score, in both languages, and never rest on a special category."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit import reasons
from audit.decisions import Alternative, Decision, Term
from audit.errors import SpecialCategoryReason, TemplatesMissing
from audit.reasons import Direction, ReasonTemplate, Tier
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.deciding import FEATURES, TEMPLATES, register_words, two


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reasons, "_families", {})
    register_words()


def a_decision(**changes) -> Decision:
    values = {
        "id": uuid7(),
        "batch_id": uuid7(),
        "entry_id": uuid7(),
        "subject": SubjectId(uuid7()),
        "decided_at": datetime(2026, 11, 21, tzinfo=UTC),
        "kind": "offer",
        "object": "campaign:autumn",
        "purpose": "personal_offers",
        "model_family": "lapse",
        "model_version": "lapse@3",
        "policy_version": "policy-7",
        "notice_version": "4",
        "effect": "marketing",
        "verdict_id": uuid7(),
        "consent_event_id": uuid7(),
        "chosen": "coupon_10",
        "score": 1.35,
        "intercept": -0.25,
        "terms": (
            Term("weeks_since_visit", 6, 1.0),
            Term("spend_last_month", 3, -0.4),
            Term("coupons_used", 1, 0.001),
            Term("margin_class", 2, 0.999),
        ),
        "alternatives": (),
        "random_draw": None,
        "counterfactual": None,
        "sealed_input": b"",
    }
    return Decision(**{**values, **changes})


def test_the_person_reads_the_weightiest_reasons_first_and_none_that_is_not_theirs_to_see():
    told = reasons.explain_decision(a_decision())
    assert told.sentence == (
        "A computer chose “a coupon of 10 %” for you. What counted most: you have not visited us for some time."
    )
    assert [reason.feature for reason in told.reasons] == ["weeks_since_visit", "spend_last_month"]
    assert [reason.direction for reason in told.reasons] == [Direction.SUPPORTS, Direction.OPPOSES]
    assert told.withheld == 1
    assert "agreed" in told.basis
    assert "version 4" in told.basis
    assert told.rights
    assert told.chance is None


def test_polish_speaks_polish():
    told = reasons.explain_decision(a_decision(), "pl")
    assert told.sentence.startswith("Komputer wybrał dla Ciebie: „kupon na 10%”.")
    assert told.reasons[1].text == "Twoje wydatki były takie jak zwykle."
    assert "Zgodę możesz wycofać" in told.basis
    assert reasons.explain_decision(a_decision(), "fr").language == "en"


def test_the_officer_sees_every_term_and_they_sum_to_the_score():
    decision = a_decision()
    told = reasons.explain_decision(decision, tier=Tier.DPO)
    assert {reason.feature for reason in told.reasons} == set(FEATURES)
    assert told.intercept + sum(reason.contribution for reason in told.reasons) == pytest.approx(decision.score)
    assert told.withheld == 0


def test_a_non_offer_names_the_rule_before_the_model():
    lost = (Alternative("coupon_5", 0.5, "lower_value"), Alternative("coupon_1", 0.5, "unworded"))
    told = reasons.explain_decision(a_decision(chosen="none", alternatives=lost))
    assert told.sentence.startswith("A computer chose nothing for you this time.")
    assert told.reasons[0].text == "Other offers were worth less to you."


def test_chance_is_said_and_a_range_has_its_own_words():
    told = reasons.explain_decision(a_decision(random_draw=0.25, terms=(Term("weeks_since_visit", 0, 0.5),)))
    assert "Chance" in told.chance
    assert told.reasons[0].text == "You visited us this week."


def test_a_counterfactual_is_only_what_the_person_can_change():
    assert "last week" in reasons.explain_decision(a_decision(counterfactual=("weeks_since_visit", 1))).counterfactual
    assert reasons.explain_decision(a_decision(counterfactual=("spend_last_month", 1))).counterfactual is None
    assert reasons.explain_decision(a_decision()).counterfactual is None


def test_without_consent_the_basis_speaks_of_the_notice_and_of_objecting():
    assert "object" in reasons.explain_decision(a_decision(consent_event_id=None)).basis


def test_without_words_the_person_gets_no_raw_names_and_the_officer_gets_the_numbers():
    stranger = a_decision(model_family="unheard")
    with pytest.raises(TemplatesMissing):
        reasons.explain_decision(stranger)
    assert len(reasons.explain_decision(stranger, tier=Tier.DPO).reasons) == 4
    assert reasons.missing("lapse", [*FEATURES, "new_one"]) == ("new_one",)
    assert reasons.missing("unheard", ["a"]) == ("a",)


@pytest.mark.parametrize(
    "templates",
    [
        {"religion_score": TEMPLATES["coupons_used"]},
        {"diet": replace(TEMPLATES["coupons_used"], special_category=True)},
        {"diet": replace(TEMPLATES["coupons_used"], supports=two("You buy for your health.", "Kupujesz."))},
        {"diet": replace(TEMPLATES["coupons_used"], opposes=two("You buy little.", "Masz inne wyznanie."))},
    ],
)
def test_a_special_category_is_never_a_reason(templates: dict[str, ReasonTemplate]):
    with pytest.raises(SpecialCategoryReason):
        reasons.register_templates("other", templates)


def test_words_are_short_and_there_in_both_languages():
    good = TEMPLATES["coupons_used"]
    for bad in (replace(good, label={"en": "Coupons"}), replace(good, supports=two("so " * 26 + ".", "Tak."))):
        with pytest.raises(InvalidInput):
            reasons.register_templates("other", {"coupons_used": bad})
