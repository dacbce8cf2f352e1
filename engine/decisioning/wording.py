"""The words of decisions about offers, English and Polish: every feature, every pair of features, every offer, every rule.

A reason says that a feature spoke for or against, not that it was high or low: that is what the model's sum shows, whatever the shape
of its curve. The model estimates a pause in shopping; nobody is told that they are "at risk".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from audit.explanations import reasons
from audit.explanations.reasons import ReasonTemplate
from engine.decisioning import arbitration
from engine.decisioning.errors import WordsMissing
from engine.decisioning.offers import CATALOGUE, Offer
from engine.features.definitions import SHOPPING, WINDOWS, Feature

FAMILY = "lapse"
"""The family of models that these words are for: those that estimate whether somebody stops shopping."""

_WINDOW_EN = {7: "in the last week", 28: "in the last four weeks", 84: "in the last twelve weeks"}
_WINDOW_PL = {7: "w ostatnim tygodniu", 28: "w ostatnich czterech tygodniach", 84: "w ostatnich dwunastu tygodniach"}

# What each feature is called: a noun phrase in the nominative, because it is the subject of every sentence below.
LABELS: Mapping[str, Mapping[str, str]] = {
    "recency_days": {"en": "the time since your last visit", "pl": "czas od Twojej ostatniej wizyty"},
    "visits": {"en": "the number of your visits so far", "pl": "dotychczasowa liczba Twoich wizyt"},
    "spend_cents": {"en": "what you have spent so far", "pl": "łączna kwota Twoich dotychczasowych zakupów"},
    "basket_cents": {"en": "what you spend per visit", "pl": "średnia kwota Twoich zakupów"},
    "lines_per_visit": {"en": "the number of products per visit", "pl": "liczba produktów na jedną wizytę"},
    "coupon_cents": {"en": "what coupons have saved you so far", "pl": "dotychczasowa oszczędność dzięki kuponom"},
    "discount_cents": {"en": "what discounts have saved you so far", "pl": "dotychczasowa oszczędność dzięki zniżkom"},
    "tenure_days": {"en": "the time since your first visit", "pl": "czas od Twojej pierwszej wizyty"},
    "gap_days": {"en": "the usual time between your visits", "pl": "zwykły odstęp między Twoimi wizytami"},
    "recency_to_gap": {
        "en": "the time since your last visit, compared with your usual rhythm",
        "pl": "czas od ostatniej wizyty na tle Twojego zwykłego rytmu",
    },
    "coupons_redeemed": {"en": "the number of coupons you have used", "pl": "liczba użytych przez Ciebie kuponów"},
    "campaigns_received": {"en": "the number of offers we have sent you", "pl": "liczba ofert, które od nas masz"},
    **{
        f"visits_{days}": {
            "en": f"the number of your visits {_WINDOW_EN[days]}",
            "pl": f"liczba Twoich wizyt {_WINDOW_PL[days]}",
        }
        for days in WINDOWS
    },
    **{
        f"spend_{days}_cents": {
            "en": f"what you spent {_WINDOW_EN[days]}",
            "pl": f"kwota Twoich zakupów {_WINDOW_PL[days]}",
        }
        for days in WINDOWS
    },
    **{
        f"coupon_{days}_cents": {
            "en": f"what coupons saved you {_WINDOW_EN[days]}",
            "pl": f"oszczędność dzięki kuponom {_WINDOW_PL[days]}",
        }
        for days in WINDOWS
    },
}

RULES: Mapping[str, Mapping[str, str]] = {
    arbitration.NO_RECENT_VISITS: {
        "en": "We make offers to people who visited in the last twelve weeks.",
        "pl": "Oferty dostają osoby, które były u nas w ostatnich dwunastu tygodniach.",
    },
    arbitration.HELD_OUT: {
        "en": "Chance picked you for the group that gets no offer, so that we can measure what offers do.",
        "pl": "Los przydzielił Cię do grupy bez oferty, dzięki której mierzymy, co dają oferty.",
    },
    arbitration.DRAWN_BY_CHANCE: {
        "en": "Chance picked the offer, so that we learn what helps.",
        "pl": "Ofertę wybrał los, abyśmy wiedzieli, co pomaga.",
    },
    arbitration.NOT_ELIGIBLE: {
        "en": "Some offers are for people who visit more often.",
        "pl": "Niektóre oferty są dla osób, które przychodzą częściej.",
    },
    arbitration.NOT_WORTH_IT: {
        "en": "An offer would cost us more than we expect it to change.",
        "pl": "Oferta kosztowałaby więcej, niż naszym zdaniem by zmieniła.",
    },
    arbitration.BUDGET_SPENT: {
        "en": "The budget of an offer went to other people.",
        "pl": "Budżet oferty przypadł innym osobom.",
    },
}


def templates(features: Sequence[Feature] = SHOPPING.features) -> dict[str, ReasonTemplate]:
    """The words for every term that a model over these features can have: each feature, and each pair."""
    single = {feature.name: _single(feature) for feature in features}
    pairs = {f"{one.name} & {other.name}": _pair(one, other) for one, other in combinations(features, 2)}
    return single | pairs


def register(offers: Iterable[Offer] = ()) -> None:
    """Give the family its words; the catalogue's offers are known everywhere, others once a process has registered them."""
    _results.update({offer.key: dict(offer.titles) for offer in (*CATALOGUE, *offers)})
    reasons.register_templates(FAMILY, templates(), results=_results, rules=RULES)


def require(terms: Sequence[str]) -> None:
    """Raises WordsMissing when a term has no words: what cannot be explained is not decided."""
    if missing := reasons.missing(FAMILY, terms):
        raise WordsMissing("Write words for every term of the model first.", terms=list(missing))


_results: dict[str, dict[str, str]] = {}


def _single(feature: Feature) -> ReasonTemplate:
    label = LABELS[feature.name]
    en, pl = _capital(label["en"]), _capital(label["pl"])
    change = {
        "en": f"This would have changed the result: another value of {label['en']}.",
        "pl": f"Wynik zmieniłaby inna wartość: {label['pl']}.",
    }
    return ReasonTemplate(
        label=label,
        supports={"en": f"{en} suggests a pause in your shopping.", "pl": f"{pl} wskazuje na przerwę w zakupach."},
        opposes={"en": f"{en} suggests that you keep shopping.", "pl": f"{pl} wskazuje, że robisz zakupy jak dotąd."},
        change=change if feature.changeable else {},
    )


def _pair(one: Feature, other: Feature) -> ReasonTemplate:
    first, second = LABELS[one.name], LABELS[other.name]
    label = {"en": f"{first['en']}, together with {second['en']}", "pl": f"{first['pl']} oraz {second['pl']}"}
    en = f"Taken together: {first['en']}; {second['en']}"
    pl = f"Razem: {first['pl']}; {second['pl']}"
    return ReasonTemplate(
        label=label,
        supports={
            "en": f"{en}. This suggests a pause in your shopping.",
            "pl": f"{pl}. Wskazuje to na przerwę w zakupach.",
        },
        opposes={
            "en": f"{en}. This suggests that you keep shopping.",
            "pl": f"{pl}. Wskazuje to, że robisz zakupy jak dotąd.",
        },
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
