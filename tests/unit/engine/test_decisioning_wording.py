"""Every term that a model can have is said in words, in both languages."""

from __future__ import annotations

from audit.explanations import reasons
from engine.decisioning import arbitration, wording
from engine.decisioning.offers import CATALOGUE
from engine.features.definitions import SHOPPING


def test_every_feature_and_every_pair_has_words() -> None:
    names = SHOPPING.names
    pairs = [f"{one} & {other}" for place, one in enumerate(names) for other in names[place + 1 :]]
    wording.register()

    assert reasons.missing(wording.FAMILY, [*names, *pairs]) == ()
    assert set(wording.LABELS) == set(names)


def test_every_way_to_lose_has_words_but_being_outbid() -> None:
    assert {*wording.RULES, arbitration.BETTER_OFFER} == set(arbitration.LOST)


def test_only_what_a_person_can_change_is_offered_as_a_change() -> None:
    templates = wording.templates()

    assert {name for name in SHOPPING.names if not templates[name].change} == {"tenure_days", "campaigns_received"}
    assert all(not template.change for name, template in templates.items() if "&" in name)


def test_words_speak_to_the_person_and_name_no_feature_and_no_number_of_cents() -> None:
    for name, template in wording.templates().items():
        for text in (template.supports, template.opposes, template.label, template.change or {"en": "", "pl": ""}):
            assert "_" not in text["en"] + text["pl"], name
            assert "cents" not in text["en"], name
            assert text["en"] != text["pl"] or not text["en"], name


def test_offers_of_the_catalogue_have_titles_that_follow_the_words_before_them() -> None:
    for offer in CATALOGUE:
        assert offer.titles["en"][0].islower() or offer.titles["en"][0].isdigit()
        assert offer.titles["pl"] != offer.titles["en"]
