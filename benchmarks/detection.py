"""How fast detection without names is, beside Presidio without its language model.

The texts are made here: notes full of contact data and numbers, and notes with none. The first contest gives both the same
recognizers (ours are Presidio's, behind the prefilter; the last line says whether the findings are the same); the second all of ours.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any

from benchmarks._contest import Contest, Figure, Party
from pseudonymize.detection import find, presidio
from pseudonymize.detection.patterns import Budget
from pseudonymize.detection.prefilter import Prefilter

Found = tuple[str, int, int, float]
"""Kind, start, end, score."""

NEEDS = ("presidio_analyzer",)
TEXTS = 400
DENSE = (
    "please call {first} on {phone} or write to {first}@example.com, order {order} of 2026-0{month}-1{month}",
    "card {card} was charged twice, my address is {number} {street} Street, {city} {zip}",
    "my phone is {phone} and my SSN is 536-22-81{zip2}, {first} at {number} {street} Avenue",
    "transfer to GB82 WEST 1234 5698 7654 32 from 203.0.113.{month}, reach me at +1 212 555 01{zip2}",
)
PHONES = (
    "please call me on {phone} or on +44 20 7946 0{zip2}1",
    "my number is {phone}, order {order}",
    "tel {phone} fax {phone} zip {zip}",
)
FREE_WITH_NUMBERS = (
    "We got the {thing} in 3 days, size 42 fits. {how} quality!",
    "10% off on {colour} {thing}s this May, see you at 8 pm.",
    "I ordered 2 {thing}s for 19.99 and they are {how}; the {colour} one broke after 6 months...",
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
    engine.registry.add_recognizer(presidio.offline_email())
    return engine


def same_recognizers(prefilter: Prefilter, notes: list[str]) -> list[set[Found]]:
    """What Presidio's recognizers find, as we run them: Presidio's scores, without regard to the words around."""
    found: list[set[Found]] = [set() for _ in notes]
    for place, recognizers in prefilter.able(notes).items():
        budget = Budget(60.0)
        budget.start()
        found[place] = {
            (str(f.kind), f.start, f.end, f.score) for r in recognizers for f in r.find(notes[place], budget)
        }
    return found


def same_findings(theirs: Any, prefilter: Prefilter, notes: list[str]) -> Figure:
    """In how many texts both find exactly the same kinds, places and scores."""
    expected = [
        {(str(presidio.KINDS[r.entity_type]), r.start, r.end, r.score) for r in theirs.analyze(note, "en")}
        for note in notes
    ]
    same = sum(a == b for a, b in zip(expected, same_recognizers(prefilter, notes), strict=True))
    return Figure(
        "Detection without names: texts with findings identical to Presidio's",
        f"{same} of {len(notes)}",
        "all",
        same == len(notes),
    )


def contests() -> Iterable[Contest | Figure]:
    """See the package."""
    theirs = presidio_without_names()
    prefilter = Prefilter(presidio.recognizers("en", doubtful=True))
    title = "Detection without names in notes"
    for templates, kind, targets in (
        (DENSE, "full of personal data", (4, None)),
        (PHONES, "full of phone numbers", (4, None)),
        (FREE, "free of personal data", (75, 75)),
        (FREE_WITH_NUMBERS, "free of personal data, with numbers", (75, 75)),
    ):
        free = templates in (FREE, FREE_WITH_NUMBERS)
        notes, few = texts(templates, TEXTS * (50 if free else 1)), texts(templates, TEXTS // 2)
        peer = Party("Presidio, no NER", len(few), partial(_analyze, theirs, few))
        same = Party("Zgoda, Presidio's recognizers", len(notes), partial(same_recognizers, prefilter, notes))
        every = Party("Zgoda find", len(notes), partial(find, notes, names=False))
        for party in (same, every):
            party.work()  # tables load at the first use
        for party, target, which in ((same, targets[0], "the same recognizers"), (every, targets[1], "all of ours")):
            goal = {peer.name: float(target)} if target else {}
            yield Contest(f"{title} {kind}, {which}", [party, peer], goal, unit="texts")
    yield same_findings(
        theirs, prefilter, [*texts(DENSE, TEXTS // 2), *texts(PHONES, TEXTS // 4), *texts(FREE_WITH_NUMBERS, 50)]
    )


def _analyze(engine: Any, notes: list[str]) -> list[Any]:
    return [engine.analyze(note, "en") for note in notes]
