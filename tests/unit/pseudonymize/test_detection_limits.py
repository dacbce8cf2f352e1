"""What detection takes at most: time on hostile texts, memory over many texts, and nothing from a parent's threads."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time

import pytest

from pseudonymize.detection import Finding, Kind, engine, find
from tests.corpora import marketing

SOAKED = int(os.environ.get("ZGODA_TEST_DETECTION_SOAK", "500"))
"""How many texts go through before memory is compared; raise it for a longer soak."""

pytestmark = pytest.mark.slow  # language models, processes, and texts made to take long

_SIZE = 100_000


@pytest.mark.parametrize(
    "hostile",
    [
        "a." * (_SIZE // 2) + "!", "1" * _SIZE, "@" * _SIZE, "a@" * (_SIZE // 2), "+" * _SIZE, "-a" * (_SIZE // 2), "(" * _SIZE,
        "www." * (_SIZE // 4), "a-b@c." * (_SIZE // 6), "x.com" * (_SIZE // 5), "\x00" * _SIZE, " " * _SIZE, "ż" * _SIZE,
        "\u200b" * _SIZE,
    ],
    ids=lambda text: text[:6].encode().hex(),
)  # fmt: skip
def test_texts_made_against_patterns_take_less_than_a_second(hostile: str) -> None:
    find(["Warm " * 500 + "1"])  # what loads at the first long text loads now
    started = time.process_time()
    find([hostile])
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("language", engine.LANGUAGES)
def test_a_text_that_takes_too_long_is_quarantined_and_its_neighbours_are_not(language: str) -> None:
    text = "1/2/" * 20_000 + " 44051401359 " + "12 Main " * 5_000
    quarantined, clean, found = find([text, "nothing here", "44051401359"], language, seconds=0.01)
    assert quarantined == [Finding(Kind.QUARANTINED, 0, len(text), 1.0)]
    assert clean == []
    assert [finding.kind for finding in found] == [Kind.PL_PESEL]


@pytest.mark.parametrize("language", engine.LANGUAGES)
def test_memory_does_not_grow_with_texts_that_are_all_different(language: str) -> None:
    def soak(start: int, count: int) -> None:
        for first in range(start, start + count, 250):
            base = marketing.texts(language, "evaluation", 250, seed=first)
            find([f"{text.text} nr{first + place}x word{first + place}y" for place, text in enumerate(base)], language)

    soak(0, 500)  # caches of word forms and models fill
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    soak(1_000, SOAKED)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 40_000 + SOAKED  # a kibibyte a text would be a leak; allocators keep some


def _in_child(answers: multiprocessing.Queue[list[str]]) -> None:
    answers.put([str(finding.kind) for finding in find(["44051401359 and Katherine Johnson"])[0]])


def test_a_process_forked_while_a_thread_is_finding_finds() -> None:
    find(["Warm"])
    detector = engine.detector_of("en")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with detector._busy:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(answers,))
    try:
        child.start()
        assert answers.get(timeout=60) == ["PL_PESEL", "PERSON"]
    finally:
        done.set()
        thread.join()
        child.join(10)
