"""How fast detection without names is, beside Presidio without its language model.

The texts are made here: notes full of contact data and numbers, and notes with none. The first contest gives both the same
recognizers (ours are Presidio's, behind the prefilter and hints; a unit test compares the findings); the second all of ours.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable
from typing import Any

from benchmarks._contest import Contest, Party
from pseudonymize.detection import find, presidio
from pseudonymize.detection.patterns import Budget
from pseudonymize.detection.prefilter import holds

NEEDS = ("presidio_analyzer",)
TEXTS = 400
DENSE = (
    "please call {first} on {phone} or write to {first}@example.com, order {order} of 2026-0{month}-1{month}",
    "card {card} was charged twice, my address is {number} {street} Street, {city} {zip}",
    "my phone is {phone} and my SSN is 536-22-81{zip2}, {first} at {number} {street} Avenue",
    "transfer to GB82 WEST 1234 5698 7654 32 from 203.0.113.{month}, reach me at +1 212 555 01{zip2}",
)
FREE = (
    "The {colour} {thing} is {how} and I would buy it again.",
    "thank you for the quick delivery, the {thing} fits well and the {colour} is {how}",
    "We had hoped for a {how} {thing} but the {colour} one was nice too.",
)


def texts(templates: tuple[str, ...], count: int) -> list[str]:
    chance = random.Random(7)
    return [
        chance.choice(templates).format(
            first=chance.choice(["anna", "peter", "maria", "john"]),
            phone=f"(212) {chance.randint(200, 999)}-{chance.randint(0, 9999):04d}",
            order=chance.randint(10_000, 99_999),
            month=chance.randint(1, 9),
            card=chance.choice(["4111 1111 1111 1111", "5555555555554444", "378282246310005"]),
            number=chance.randint(1, 9_999),
            street=chance.choice(["Main", "Oak", "Church", "Mill"]),
            city=chance.choice(["Springfield", "Dover", "Salem"]),
            zip=f"{chance.randint(10_000, 99_999)}",
            zip2=f"{chance.randint(10, 99)}",
            colour=chance.choice(["red", "green", "blue", "black"]),
            thing=chance.choice(["coat", "lamp", "chair", "table"]),
            how=chance.choice(["great", "fine", "lovely", "superb"]),
        )
        + " " * (number % 7)  # no two the same: repeats would be worked once
        + chance.choice("abcdefgh")
        for number in range(count)
    ]


def presidio_without_names() -> Any:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    warnings.simplefilter("ignore")
    engine = AnalyzerEngine(nlp_engine=NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}]))
    engine.registry.remove_recognizer("EmailRecognizer")  # it would ask the network for the suffix list
    engine.registry.add_recognizer(presidio._offline_email())
    return engine


def same_recognizers(notes: list[str]) -> int:
    """Presidio's recognizers, as we run them."""
    able = [(int(recognizer.needs), recognizer) for recognizer in presidio.recognizers("en")]
    found = 0
    for note in notes:
        held = holds(note)
        if held:
            budget = Budget(60.0)
            budget.start()
            found += sum(len(list(r.find(note, budget))) for needs, r in able if needs & held)
    return found


def contests() -> Iterable[Contest]:
    """See the package."""
    theirs = presidio_without_names()
    dense, few, free = texts(DENSE, TEXTS), texts(DENSE, TEXTS // 2), texts(FREE, TEXTS * 50)
    peer = Party("Presidio, no NER", len(few), lambda: [theirs.analyze(note, "en") for note in few])
    calm = free[:TEXTS]
    calm_peer = Party("Presidio, no NER", len(calm), lambda: [theirs.analyze(note, "en") for note in calm])
    same = Party("Zgoda, Presidio's recognizers", len(dense), lambda: same_recognizers(dense))
    every = Party("Zgoda find", len(dense), lambda: find(dense, names=False))
    calm_every = Party("Zgoda find", len(free), lambda: find(free, names=False))
    for party in (same, every):
        party.work()  # tables load at the first use
    title = "Detection without names in notes"
    yield Contest(f"{title} full of personal data, the same recognizers", [same, peer], {peer.name: 4}, unit="texts")
    yield Contest(f"{title} full of personal data, all of ours", [every, peer], {}, unit="texts")
    yield Contest(
        f"{title} free of personal data, all of ours", [calm_every, calm_peer], {calm_peer.name: 75}, unit="texts"
    )
