"""A decision explained in words that its subject can read (Art. 13(2)(f), 15(1)(h), 22; CJEU C-203/22): the procedure and principles
actually applied, which data were used and how, and how to contest.

The reasons are the terms of the sum that made the score, so a reason *is* the computation. Packages register the words for the features
of their models; a reason never rests on a special category of data. The person and the data protection officer see different depths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from audit import decisions
from audit.errors import SpecialCategoryReason, TemplatesMissing
from audit.explanations import proxies, readability, weighing, wording
from audit.explanations.wording import LANGUAGES, Text
from governance.kernel.errors import InvalidInput

_NEGLIGIBLE = 0.02
_NUMBER_OF_OTHERS = re.compile(r"\d")
# The beginning of what a notice's version is called: 3, 2026-05, v1.2; not what else a system says of it.
_VERSION = re.compile(r"([vV]?\d[\w.-]{0,20})(?:\s|$)")


class Tier(StrEnum):
    """How deep an explanation goes, and for whom."""

    PERSON = "person"
    DPO = "dpo"
    AUTHORITY = "authority"


class Direction(StrEnum):
    """Whether a reason spoke for the result or against it."""

    SUPPORTS = "supports"
    OPPOSES = "opposes"


@dataclass(frozen=True, slots=True)
class BinText:
    """More exact words for some bins of a feature: from ``first`` to ``last``, both included; for one direction, or for both when what
    they say is true of either."""

    first: int
    last: int
    text: Text
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class ReasonTemplate:
    """The words for one feature, in each language: its name, and a sentence for each direction.

    ``change`` is what the person could change, for features where that is in their hands; without it the feature is never part of a
    counterfactual. ``tier`` DPO keeps a feature from the person's page (it is counted there as withheld), AUTHORITY from the officer's
    words too: a trade secret that an authority or court weighs (CJEU C-203/22, 77); the officer sees that it counted, and how much.
    ``proxy_reviewed`` says why a feature that looks like a proxy for a special category may be used: who looked, and what they found.
    """

    label: Text
    supports: Text
    opposes: Text
    ranges: tuple[BinText, ...] = ()
    change: Text = field(default_factory=dict)
    tier: Tier = Tier.PERSON
    special_category: bool = False
    proxy_reviewed: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. ``contribution`` is how far it moved the score; 0 for a rule. A ``firm`` reason is clearly one of the three strongest;
    one that is not weighs about as much as others that are told with it."""

    feature: str
    direction: Direction
    contribution: float
    text: str
    firm: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision in words. ``withheld`` counts reasons that are for the data protection officer alone, ``unworded`` those that nobody
    has written words for."""

    decision_id: UUID
    language: str
    tier: Tier
    sentence: str
    reasons: tuple[Reason, ...]
    withheld: int
    not_used: tuple[str, ...]
    counterfactual: str | None
    correction: str
    chance: str | None
    basis: str
    rights: str
    attribution: str
    effect: str
    model_version: str
    policy_version: str
    notice_version: str
    score: float
    intercept: float
    unworded: int = 0

    @property
    def firm(self) -> tuple[Reason, ...]:
        """The reasons that are clearly the strongest."""
        return tuple(reason for reason in self.reasons if reason.firm)

    @property
    def alike(self) -> tuple[Reason, ...]:
        """Those after them that weigh about the same as one another, and as some that are not told."""
        return tuple(reason for reason in self.reasons if not reason.firm)

    @property
    def alike_lead(self) -> str:
        return wording.ALIKE[self.language]

    @property
    def about_reasons(self) -> tuple[str, ...]:
        """How the reasons were found, and that there are more of them than the reader sees."""
        withheld = (wording.WITHHELD[self.language],) if self.withheld else ()
        unworded = (wording.UNWORDED[self.language],) if self.unworded else ()
        return (self.attribution, *withheld, *unworded)


@dataclass(frozen=True, slots=True)
class _Words:
    templates: Mapping[str, ReasonTemplate]
    results: Mapping[str, Text]
    rules: Mapping[str, Text]
    not_used: Mapping[str, tuple[str, ...]]


_families: dict[str, _Words] = {}


def register_templates(
    model_family: str,
    templates: Mapping[str, ReasonTemplate],
    *,
    results: Mapping[str, Text] | None = None,
    rules: Mapping[str, Text] | None = None,
    not_used: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Give a family of models its words; from ``AppConfig.ready()``.

    ``results`` names the actions, ``rules`` says in words why a candidate lost (by the code in ``lost_because``), ``not_used`` lists
    what was not used. Raises ``SpecialCategoryReason`` for a special category or a known proxy of one, and ``InvalidInput`` for a missing
    language, a number about other people, or words that are too hard to read.
    """
    for feature, template in templates.items():
        texts = [template.supports, template.opposes, *(range_.text for range_ in template.ranges)]
        every = [template.label, *texts, *([template.change] if template.change else [])]
        for text in every:
            _check_words(feature, text)
        _check_lawful(feature, template, every)
        _check_readability(feature, texts)
        if template.change:
            _check_readability(feature, [template.change])
    for code, text in {**(results or {}), **(rules or {})}.items():
        _check_words(code, text)
    for code, text in (rules or {}).items():
        _check_readability(code, [text])
    unused = {language: tuple(items) for language, items in (not_used or wording.NOT_USED).items()}
    _families[model_family] = _Words(dict(templates), dict(results or {}), dict(rules or {}), unused)


def missing(model_family: str, feature_names: Sequence[str]) -> tuple[str, ...]:
    """The features of a model for which nobody has written words: check before the model decides about anybody."""
    words = _families.get(model_family)
    return tuple(name for name in feature_names if words is None or name not in words.templates)


def explain(decision_id: UUID, language: str = "en", *, tier: Tier = Tier.PERSON) -> Explanation:
    """Explain a decision. Raises ``UnknownDecision``, ``TemplatesMissing`` when there are no words for the person."""
    return explain_decision(decisions.get(decision_id), language, tier=tier)


def explain_decision(decision: decisions.Decision, language: str = "en", *, tier: Tier = Tier.PERSON) -> Explanation:
    """As ``explain``, for a decision that was read already. Pure."""
    if language not in LANGUAGES:
        language = "en"
    words = _families.get(decision.model_family)
    if words is None:
        if tier is Tier.PERSON:
            raise TemplatesMissing(f"Nobody has written reasons for the models {decision.model_family}.")
        words = _Words({}, {}, {}, wording.NOT_USED)
    reasons, withheld, unworded = _reasons(decision, words, language, tier)
    return Explanation(
        decision_id=decision.id,
        language=language,
        tier=tier,
        sentence=_sentence(decision, words, language, reasons, tier),
        reasons=reasons,
        withheld=withheld,
        not_used=words.not_used.get(language, ()),
        counterfactual=_counterfactual(decision, words, language, tier),
        correction=wording.CORRECTION[language],
        chance=None if decision.random_draw is None else wording.CHANCE[language],
        basis=_basis(decision, language),
        rights=wording.RIGHTS[language],
        attribution=_attribution(decision, language, tier),
        effect=decision.effect,
        model_version=decision.model_version,
        policy_version=decision.policy_version,
        notice_version=decision.notice_version,
        score=decision.score,
        intercept=decision.intercept,
        unworded=unworded,
    )


def _reasons(
    decision: decisions.Decision, words: _Words, language: str, tier: Tier
) -> tuple[tuple[Reason, ...], int, int]:
    """Rules first, for they decided before any model; then the terms that moved the score most. With how many are withheld from this
    reader, and how many lack words."""
    rules = []
    if decision.chosen == "none":
        codes = dict.fromkeys(one.lost_because for one in decision.alternatives)
        rules = [
            Reason(code, Direction.OPPOSES, 0.0, words.rules[code][language]) for code in codes if code in words.rules
        ]
    terms = sorted(decision.terms, key=lambda term: -abs(term.contribution))
    largest = abs(terms[0].contribution) if terms else 0.0
    weighty = [term for term in terms if abs(term.contribution) > _NEGLIGIBLE * largest]
    if tier is Tier.AUTHORITY:
        return (*rules, *(_reason(term, words, language) for term in terms)), 0, 0
    if tier is Tier.DPO:
        secret = {name for name, template in words.templates.items() if template.tier is Tier.AUTHORITY}
        listed = [_reason(term, words, language, secret=term.feature in secret) for term in terms]
        return (*rules, *listed), sum(term.feature in secret for term in terms), 0
    worded = [term for term in weighty if term.feature in words.templates]
    open_ = [term for term in worded if words.templates[term.feature].tier is tier]
    firm, told = weighing.weighed([abs(term.contribution) for term in open_])
    listed = [_reason(term, words, language, firm=place < firm) for place, term in enumerate(open_[:told])]
    return (*rules, *listed), len(worded) - len(open_), len(weighty) - len(worded)


def _reason(term: decisions.Term, words: _Words, language: str, *, secret: bool = False, firm: bool = True) -> Reason:
    direction = Direction.SUPPORTS if term.contribution >= 0 else Direction.OPPOSES
    if secret:
        return Reason("", direction, term.contribution, wording.TRADE_SECRET[language])
    template = words.templates.get(term.feature)
    if template is None:
        return Reason(term.feature, direction, term.contribution, f"{term.feature}, {term.bin}")
    text = template.supports if direction is Direction.SUPPORTS else template.opposes
    for range_ in template.ranges:
        if range_.first <= term.bin <= range_.last and range_.direction in {None, direction}:
            text = range_.text
    return Reason(term.feature, direction, term.contribution, text[language], firm)


def _sentence(decision: decisions.Decision, words: _Words, language: str, reasons: Sequence[Reason], tier: Tier) -> str:
    alone, named = decision.solely_automated, words.results.get(decision.chosen)
    if decision.chosen == "none":
        first = wording.NOTHING_CHOSEN[alone][language]
    elif named is None and tier is Tier.PERSON:
        # The name of an action is a code of ours, in no language.
        first = wording.CHOSEN_WITHOUT_A_NAME[alone][language]
    else:
        first = wording.CHOSEN[alone][language].format(result=named[language] if named else decision.chosen)
    if not reasons:
        return first
    main = reasons[0].text
    return f"{first} {wording.MAIN_REASON[language].format(reason=main[:1].lower() + main[1:])}"


def _basis(decision: decisions.Decision, language: str) -> str:
    """On which ground; with the version of the notice where it has one that a person can compare."""
    ground = wording.OTHER_BASIS if decision.consent_event_id is None else wording.CONSENT
    number = _VERSION.match(decision.notice_version)
    return (
        ground[language]
        if number is None
        else f"{ground[language]} {wording.NOTICE[language].format(notice=number[1])}"
    )


def _counterfactual(decision: decisions.Decision, words: _Words, language: str, tier: Tier) -> str | None:
    """The nearest change that would have changed the result, when it is one that the person can make; None when nobody looked for one."""
    if decision.counterfactual is None:
        return None
    templates = [words.templates.get(change.feature) for change in decision.counterfactual]
    told = [
        template.change[language]
        for template in templates
        if template is not None and template.change and (tier is not Tier.PERSON or template.tier is tier)
    ]
    if len(told) < len(decision.counterfactual) or not told:
        return wording.NO_CHANGE[language]
    return told[0] if len(told) == 1 else wording.BOTH_CHANGES[language].format(first=told[0], second=told[1])


def _attribution(decision: decisions.Decision, language: str, tier: Tier) -> str:
    if decision.attribution == decisions.EXACT:
        return wording.EXACT_REASONS[language]
    if tier is Tier.PERSON:
        # Method and background are named by another system, in its own words.
        return wording.ESTIMATED_AFTERWARDS[language]
    method, background = decision.attribution.method, decision.attribution.background
    return wording.ESTIMATED_REASONS[language].format(method=method, background=background)


def _check_lawful(feature: str, template: ReasonTemplate, texts: Sequence[Text]) -> None:
    if template.special_category or proxies.special(feature):
        raise SpecialCategoryReason(f"The feature {feature} points to a special category of data.")
    if template.proxy_reviewed:
        return
    if proxy := proxies.known(feature):
        raise SpecialCategoryReason(f"The feature {feature} is a known proxy for {proxy.stands_for}.")
    if proxy := next(filter(None, (proxies.known(text[language]) for text in texts for language in LANGUAGES)), None):
        raise SpecialCategoryReason(f"The words for {feature} name a known proxy for {proxy.stands_for}.")


def _check_words(name: str, text: Text) -> None:
    for language in LANGUAGES:
        if not text.get(language):
            raise InvalidInput(f"There are no words for {name} in the language {language}.")
        if proxies.special(text[language]):
            raise SpecialCategoryReason(f"The words for {name} point to a special category of data.")
        if any(len(sentence.split()) > wording.LONGEST_SENTENCE for sentence in re.split(r"[.;:!?]", text[language])):
            raise InvalidInput(f"The words for {name} have a sentence of more than {wording.LONGEST_SENTENCE} words.")
        if _NUMBER_OF_OTHERS.search(text[language]) and any(one in text[language].lower() for one in wording.OTHERS):
            raise InvalidInput(f"The words for {name} tell a number about other people.")


def _check_readability(name: str, texts: Sequence[Text]) -> None:
    for language in LANGUAGES:
        if readability.grade(" ".join(text[language] for text in texts), language) > readability.HARDEST:
            raise InvalidInput(f"The words for {name} are too hard to read in the language {language}.")
