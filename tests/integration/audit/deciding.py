"""A batch of decisions as the engine would record it, and the words for its features."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from audit.decisions import Alternative, DecisionBatch
from audit.explanations import reasons
from audit.explanations.reasons import BinText, ReasonTemplate, Tier
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId, uuid7, uuid7_many

FEATURES = ("weeks_since_visit", "spend_last_month", "coupons_used", "margin_class")


def batch(count: int, *, subjects: list[SubjectId] | None = None, seed: int = 1, **changes) -> DecisionBatch:
    """Decisions that add up, every third a non-offer."""
    rng = np.random.default_rng(seed)
    contributions = rng.normal(0, 1, (count, len(FEATURES))).astype(np.float32)
    intercept = -0.25
    values = {
        "kind": "offer",
        "object": "campaign:autumn",
        "purpose": "personal_offers",
        "model_version": "lapse@3",
        "policy_version": "policy-7",
        "notice_version": "4",
        "feature_names": FEATURES,
        "subjects": subjects or [SubjectId(one) for one in uuid7_many(count)],
        "verdict_ids": [uuid7() for _ in range(count)],
        "consent_event_ids": [uuid7() if number % 2 else None for number in range(count)],
        "scores": (contributions.astype(np.float64).sum(axis=1) + intercept).astype(np.float32),
        "contributions": contributions,
        "intercept": intercept,
        "bins": rng.integers(0, 32, (count, len(FEATURES))).astype(np.uint16),
        "chosen": ["none" if number % 3 == 2 else "coupon_10" for number in range(count)],
        "alternatives": [[Alternative("coupon_5", 0.5, "lower_value")] * (number % 3) for number in range(count)],
        "sealed_inputs": [b"Z\x01\x01" + bytes([number % 256]) * 40 for number in range(count)],
        "random_draw": [None if number % 2 else number / count for number in range(count)],
        "actor": SYSTEM,
    }
    return DecisionBatch(**{**values, **changes})


def two(english: str, polish: str) -> dict[str, str]:
    return {"en": english, "pl": polish}


TEMPLATES = {
    "weeks_since_visit": ReasonTemplate(
        label=two("Time since your last visit", "Czas od ostatniej wizyty"),
        supports=two("You have not visited us for some time.", "Od jakiegoś czasu u nas nie byłaś lub nie byłeś."),
        opposes=two("You visited us a short time ago.", "Niedawno u nas byłaś lub byłeś."),
        ranges=(BinText(0, 0, two("You visited us this week.", "W tym tygodniu u nas byłaś lub byłeś.")),),
        change=two(
            "Had you visited us last week, you would not have got this.",
            "Po wizycie w zeszłym tygodniu wynik byłby inny.",
        ),
    ),
    "spend_last_month": ReasonTemplate(
        label=two("What you spent last month", "Twoje wydatki w ostatnim miesiącu"),
        supports=two("You spent less than usual.", "Twoje wydatki były mniejsze niż zwykle."),
        opposes=two("You spent as much as usual.", "Twoje wydatki były takie jak zwykle."),
    ),
    "coupons_used": ReasonTemplate(
        label=two("Coupons that you used", "Wykorzystane kupony"),
        supports=two("You often use coupons.", "Często używasz kuponów."),
        opposes=two("You seldom use coupons.", "Rzadko używasz kuponów."),
        change=two("Had you used more coupons, this would differ.", "Z większą liczbą kuponów byłoby inaczej."),
    ),
    "margin_class": ReasonTemplate(
        label=two("What we earn on what you buy", "Nasza marża na Twoich zakupach"),
        supports=two("We earn well on what you buy.", "Dobrze zarabiamy na Twoich zakupach."),
        opposes=two("We earn little on what you buy.", "Mało zarabiamy na Twoich zakupach."),
        tier=Tier.DPO,
    ),
}


def register_words() -> None:
    reasons.register_templates(
        "lapse",
        TEMPLATES,
        results={"coupon_10": two("a coupon of 10 %", "kupon na 10%")},
        rules={"lower_value": two("Other offers were worth less to you.", "Inne oferty były dla Ciebie mniej warte.")},
    )


NOBODY = UUID(int=0)
