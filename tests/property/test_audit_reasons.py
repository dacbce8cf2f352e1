"""Whatever a decision says of itself, its subject reads sentences that somebody wrote in their language, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.decisions import EXACT, Alternative, Attribution, Change, Decision, Term
from audit.explanations import reasons, wording
from audit.explanations.reasons import BinText, Direction, Tier
from engine.decisioning import offers
from engine.decisioning import wording as of_offers
from engine.features.definitions import SHOPPING
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.deciding import two

SECRET = "spend_84_cents"
_WORDS = of_offers.templates()
TEMPLATES = {
    **_WORDS,
    SECRET: replace(_WORDS[SECRET], tier=Tier.AUTHORITY),
    "visits": replace(
        _WORDS["visits"],
        ranges=(BinText(0, 3, two("You have come seldom.", "Rzadko u nas bywasz."), Direction.SUPPORTS),),
    ),
}
RESULTS = {offer.key: dict(offer.titles) for offer in offers.CATALOGUE}
# What another system may have sent: nobody wrote words for it, and some of it must never be a reason.
STRANGE = ("religion_score", "homePostcode", "user_race", "ciąża", "kościół_wizyty", "new_feature", "f17")
_features = st.sampled_from([*SHOPPING.names, "visits & recency_days", *STRANGE])
EXAMPLES = int(os.environ.get("ZGODA_REASON_EXAMPLES", "60"))
_terms = st.lists(
    st.builds(Term, _features, st.integers(0, 64), st.floats(-4, 4, width=32)),
    max_size=9,
    unique_by=lambda term: term.feature,
)
_actions = st.sampled_from(["none", *RESULTS, "mystery_offer", "health_box_17"])
_changes = st.none() | st.lists(st.builds(Change, _features, st.integers(0, 64)), max_size=2).map(tuple)
_lost = st.lists(
    st.builds(Alternative, _actions, st.floats(-9, 9), st.sampled_from([*of_offers.RULES, "odd_rule"])), max_size=4
)
_notices = st.sampled_from(["", "3", "v2.1", "4 (offers_by_mail, en)", "health survey 2026", "2026-05"])
_attributions = st.sampled_from([Attribution("tree_shap", "100 pregnant customers"), EXACT])


@pytest.fixture(autouse=True, scope="module")
def words() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reasons, "_families", {})
        reasons.register_templates("lapse", TEMPLATES, results=RESULTS, rules=of_offers.RULES)
        yield


@st.composite
def _decisions(draw: st.DrawFn) -> Decision:
    return Decision(
        id=uuid7(),
        batch_id=uuid7(),
        entry_id=uuid7(),
        subject=SubjectId(uuid7()),
        decided_at=datetime(2026, 11, 22, tzinfo=UTC),
        kind="offer",
        object="decision_run:x",
        purpose="offers",
        model_family="lapse",
        model_version="lapse-1",
        policy_version="offers:1",
        notice_version=draw(_notices),
        effect="marketing",
        verdict_id=None,
        consent_event_id=draw(st.none() | st.just(uuid7())),
        chosen=draw(_actions),
        score=draw(st.floats(-5, 5)),
        intercept=-0.5,
        terms=tuple(draw(_terms)),
        alternatives=tuple(draw(_lost)),
        random_draw=draw(st.none() | st.floats(0, 1)),
        counterfactual=draw(_changes),
        sealed_input=b"",
        attribution=draw(_attributions),
        solely_automated=draw(st.booleans()),
    )


def _written(language: str) -> set[str]:
    """Every sentence that a person may read in this language, results and numbers of notices filled in."""
    templates = [one for one in TEMPLATES.values() if one.tier is Tier.PERSON]
    texts = [text for one in templates for text in (one.supports, one.opposes, one.change) if text]
    texts += [range_.text for one in templates for range_ in one.ranges]
    named = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, dict)]
    around = [text[language] for value in named for text in (value.values() if True in value else [value])]
    fixed = [text for text in around if isinstance(text, str) and "{" not in text]
    results = [
        text[language].format(result=title[language]) for text in wording.CHOSEN.values() for title in RESULTS.values()
    ]
    notices = [wording.NOTICE[language].format(notice=number) for number in ("3", "v2.1", "4", "2026-05")]
    rules = [text[language] for text in of_offers.RULES.values()]
    return {*(text[language] for text in texts), *fixed, *results, *notices, *rules}


WRITTEN = {language: sorted(_written(language), key=len, reverse=True) for language in wording.LANGUAGES}


def _unwritten(text: str, language: str) -> str:
    """What is left of a text when every sentence that somebody wrote is taken out."""
    for sentence in WRITTEN[language]:
        text = text.replace(sentence, " ").replace(sentence[:1].lower() + sentence[1:], " ")
    for opening in (wording.MAIN_REASON[language], wording.BOTH_CHANGES[language]):
        text = text.replace(opening.partition(" {")[0], " ")
    return text.strip()


@given(_decisions(), st.sampled_from(wording.LANGUAGES))
@settings(max_examples=EXAMPLES)
def test_the_person_reads_only_what_somebody_wrote_in_their_language(decision: Decision, language: str) -> None:
    told = reasons.explain_decision(decision, language)
    reasons_told = [reason.text for reason in told.reasons]
    for text in (told.sentence, told.basis, told.counterfactual, told.chance, *told.about_reasons, *reasons_told):
        assert _unwritten(text or "", language) == ""
    features = {reason.feature for reason in told.reasons}
    assert not features & {*STRANGE, SECRET}
    weighty = any(abs(term.contribution) > 0 for term in decision.terms)
    assert told.reasons or told.withheld or told.unworded or not weighty, "nothing is passed over in silence"


@given(_decisions())
@settings(max_examples=EXAMPLES // 4)
def test_both_languages_tell_the_same_reasons(decision: Decision) -> None:
    english, polish = (reasons.explain_decision(decision, language) for language in wording.LANGUAGES)
    told = [[(one.feature, one.direction, one.contribution) for one in told.reasons] for told in (english, polish)]
    assert told[0] == told[1]
    assert (english.withheld, english.unworded) == (polish.withheld, polish.unworded)


def test_no_sentence_stands_in_both_languages() -> None:
    assert not set(WRITTEN["en"]) & set(WRITTEN["pl"])
