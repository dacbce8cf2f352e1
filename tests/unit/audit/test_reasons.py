"""A decision in words: the reasons are the terms of its score, in both languages, and never rest on a special category."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from audit.decisions import Alternative, Attribution, Change, Decision, Term
from audit.errors import SpecialCategoryReason, TemplatesMissing
from audit.explanations import proxies, reasons, wording
from audit.explanations.reasons import BinText, Direction, ReasonTemplate, Tier
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
    def told(*changes: Change, language: str = "en") -> str | None:
        return reasons.explain_decision(a_decision(counterfactual=changes), language).counterfactual

    visit, coupons = Change("weeks_since_visit", 1), Change("coupons_used", 4)
    assert "last week" in told(visit)
    assert told() == told(Change("spend_last_month", 1)) == wording.NO_CHANGE["en"]
    assert told(visit, Change("spend_last_month", 1)) == wording.NO_CHANGE["en"], "half of two changes changes nothing"
    assert told(visit, coupons, language="pl").startswith("Potrzebne są obie zmiany razem.")
    assert reasons.explain_decision(a_decision(counterfactual=None)).counterfactual is None, "nobody searched"


def test_reasons_that_weigh_as_much_as_the_third_are_told_with_it_and_only_what_outweighs_them_is_firm():
    weights = {"weeks_since_visit": 2.0, "spend_last_month": 1.2, "coupons_used": -0.5, "visits": 0.45, "baskets": 0.19}
    template = TEMPLATES["coupons_used"]
    reasons.register_templates("lapse", TEMPLATES | {"visits": template, "baskets": template})
    told = reasons.explain_decision(a_decision(terms=tuple(Term(name, 1, weight) for name, weight in weights.items())))
    assert [reason.feature for reason in told.firm] == ["weeks_since_visit", "spend_last_month"]
    assert [reason.feature for reason in told.alike] == ["coupons_used", "visits"]
    assert told.alike_lead == wording.ALIKE["en"]


def test_with_three_reasons_or_fewer_all_are_firm():
    told = reasons.explain_decision(a_decision())
    assert not told.alike


def test_a_trade_secret_is_named_to_an_authority_alone():
    secret = {**TEMPLATES, "margin_class": replace(TEMPLATES["margin_class"], tier=Tier.AUTHORITY)}
    reasons.register_templates("lapse", secret)
    officer = reasons.explain_decision(a_decision(), tier=Tier.DPO)
    authority = reasons.explain_decision(a_decision(), tier=Tier.AUTHORITY)
    assert officer.withheld == 1
    assert "margin_class" not in {reason.feature for reason in officer.reasons}
    assert all("earn" not in reason.text for reason in officer.reasons)
    assert officer.intercept + sum(one.contribution for one in officer.reasons) == pytest.approx(officer.score)
    assert "margin_class" in {reason.feature for reason in authority.reasons}
    assert authority.withheld == 0


def test_reasons_of_a_model_that_is_not_additive_say_how_they_were_found():
    assert "nothing else" in reasons.explain_decision(a_decision()).attribution
    estimated = a_decision(attribution=Attribution("tree_shap", "the path-dependent background of the trees"))
    for language in ("en", "pl"):
        officers = reasons.explain_decision(estimated, language, tier=Tier.DPO)
        assert "tree_shap" in officers.attribution
        assert "path-dependent" in officers.attribution
        persons = reasons.explain_decision(estimated, language)
        assert persons.attribution == wording.ESTIMATED_AFTERWARDS[language], (
            "no code of another system, in no language"
        )


@pytest.mark.parametrize(
    "feature", ["postcode", "home_zip", "kod_pocztowy", "Baby-Products", "pharmacy_spend_28", "last_name"]
)
def test_a_known_proxy_is_refused_until_somebody_has_looked(feature: str):
    with pytest.raises(SpecialCategoryReason, match="proxy"):
        reasons.register_templates("lapse", {feature: TEMPLATES["coupons_used"]})
    looked = replace(TEMPLATES["coupons_used"], proxy_reviewed="Reviewed by the officer: first digit only.")
    reasons.register_templates("lapse", {feature: looked})


@pytest.mark.parametrize("feature", ["visits_28", "zipper_purchases", "recency_days", "lekcje", "talent", "trace_id"])
def test_a_word_inside_another_is_no_proxy(feature: str):
    assert proxies.known(feature) is None
    assert not proxies.special(feature)


@pytest.mark.parametrize(
    "feature",
    [
        "user_race", "race", "userRace", "ciąża", "ciaza_tydzien", "niepełnosprawność", "niepelnosprawnosc", "związek_zawodowy",
        "zwiazku zawodowego", "sex-life", "HIV", "mentalHealth", "Wyznanie", "trade_union_fee",
    ],
)  # fmt: skip
def test_a_special_category_is_known_by_any_spelling_of_its_name(feature: str):
    assert proxies.special(feature)
    with pytest.raises(SpecialCategoryReason):
        reasons.register_templates("lapse", {feature: replace(TEMPLATES["coupons_used"], proxy_reviewed="looked at")})


def test_words_that_name_a_proxy_are_refused_whatever_the_feature_is_called():
    named = replace(TEMPLATES["coupons_used"], supports=two("You buy nappies.", "Kupujesz pieluchy."))
    with pytest.raises(SpecialCategoryReason, match="pregnancy"):
        reasons.register_templates("lapse", {"segment_7": named})


def test_a_result_or_a_reason_that_nobody_named_is_no_code_and_no_secret():
    strange = a_decision(chosen="box_17", terms=(*a_decision().terms, Term("religion_score", 1, 3.0)))
    told = reasons.explain_decision(strange, "pl")
    assert told.sentence.startswith("Komputer dokonał dla Ciebie wyboru.")
    assert (told.withheld, told.unworded) == (1, 1)
    assert wording.UNWORDED["pl"] in told.about_reasons
    assert "box_17" in reasons.explain_decision(strange, tier=Tier.DPO).sentence


def test_words_for_a_range_may_be_those_of_one_direction():
    only = BinText(0, 5, two("You use none.", "Nie używasz żadnych."), Direction.OPPOSES)
    reasons.register_templates(
        "lapse", TEMPLATES | {"coupons_used": replace(TEMPLATES["coupons_used"], ranges=(only,))}
    )
    texts = [
        reasons.explain_decision(a_decision(terms=(Term("coupons_used", 1, sign),))).reasons[0].text
        for sign in (1.0, -1.0)
    ]
    assert texts == ["You often use coupons.", "You use none."]


def test_a_change_of_what_is_withheld_is_withheld_too():
    secret = replace(TEMPLATES["coupons_used"], tier=Tier.DPO)
    reasons.register_templates("lapse", TEMPLATES | {"coupons_used": secret})
    decision = a_decision(counterfactual=(Change("coupons_used", 4),))
    assert reasons.explain_decision(decision).counterfactual == wording.NO_CHANGE["en"]
    assert "coupons" in (reasons.explain_decision(decision, tier=Tier.DPO).counterfactual or "")


def test_a_decision_that_a_person_took_part_in_is_not_told_as_a_computers():
    told = reasons.explain_decision(a_decision(solely_automated=False))
    assert told.sentence.startswith("A computer and a person chose")


@pytest.mark.parametrize(
    ("notice", "said"), [("4", True), ("4 (offers, en)", True), ("", False), ("health survey", False)]
)
def test_the_notice_is_named_by_its_number_or_not_at_all(notice: str, said: bool):
    basis = reasons.explain_decision(a_decision(notice_version=notice)).basis
    assert basis.endswith("The notice was version 4.") is said
    assert "offers" not in basis
    assert "survey" not in basis


def test_an_unnamed_proxy_is_found_by_what_it_tells():
    chance = np.random.default_rng(1)
    origin = chance.integers(0, 3, 4000)
    features = {
        "shop": np.where(chance.random(4000) < 0.7, origin, chance.integers(0, 3, 4000)),
        "visits": chance.integers(0, 12, 4000),
        "constant": np.zeros(4000),
    }
    assert list(proxies.suspects(features, origin)) == ["shop"]
    assert proxies.association(origin, origin) == pytest.approx(1.0, abs=0.01)
    assert proxies.association(features["visits"], origin) < 0.05


def test_a_number_about_other_people_is_refused():
    worse = replace(
        TEMPLATES["coupons_used"], supports=two("Other customers use 12 coupons.", "Inni klienci używają 12 kuponów.")
    )
    with pytest.raises(InvalidInput, match="other people"):
        reasons.register_templates("lapse", {"coupons_used": worse})


def test_words_that_are_too_hard_are_refused():
    hard = two(
        "Multidimensional organisational heterogeneity necessitates.",
        "Wielowymiarowa niejednorodność organizacyjna uniemożliwiająca podsumowanie.",
    )
    with pytest.raises(InvalidInput, match="too hard"):
        reasons.register_templates(
            "lapse", {"coupons_used": replace(TEMPLATES["coupons_used"], supports=hard, opposes=hard)}
        )


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
