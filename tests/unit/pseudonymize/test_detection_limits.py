"""What detection takes at most: time on hostile texts, memory over many texts, and nothing from a parent's threads."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Iterator

import pytest
from phonenumbers import phonenumbermatcher

from pseudonymize.detection import Finding, Kind, engine, find
from tests.corpora import marketing
from tests.growth import TIMES, grows_linearly

SOAKED = int(os.environ.get("ZGODA_TEST_DETECTION_SOAK", "500"))
"""How many texts go through before memory is compared; raise it for a longer soak."""

pytestmark = pytest.mark.slow  # language models, processes, and texts made to take long

_SIZE = 100_000


def _distinct(piece: str, size: int) -> str:
    """The piece again and again, each time with another number: what comes again letter by letter is looked at once."""
    return "".join(f"{number}. {piece}" for number in range(size // (len(piece) + 6)))


@pytest.mark.parametrize(
    "piece",
    [
        "a.", "1", "@", "a@", "+", "-a", "(", "www.", "a-b@c.", "x.com", "\x00", " ", "ż", "\u200b", "1/2/", "(212) 555-0123 ", "12:34:",
        "1.2.", "I a ", "warm ",
    ],
    ids=lambda piece: piece.encode().hex(),
)  # fmt: skip
def test_texts_made_against_patterns_cost_no_more_than_their_length(piece: str) -> None:
    find(["Warm " * 500 + "1", "warm"])  # what loads at the first long and the first short text loads now
    assert grows_linearly(lambda size: find([piece * (size // len(piece)) + "!"]), _SIZE // TIMES)


def test_what_comes_again_is_looked_at_once_and_found_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    piece, times = "a@b.co or Mr. Smith ", 2_000
    (found,) = find([piece * times])
    for kind, start, end in ((Kind.EMAIL, 0, 6), (Kind.PERSON, 14, 19)):
        places = [(finding.start, finding.end) for finding in found if finding.kind is kind]
        assert places == [(start + n * len(piece), end + n * len(piece)) for n in range(times)]

    looked: list[str] = []
    examine = engine._examine
    monkeypatch.setattr(
        engine, "_examine", lambda text, able, budget: (looked.append(text), examine(text, able, budget))[1]
    )
    assert find(["x " + piece * times], names=False)
    assert len(looked) == len(set(looked)) < 10


@pytest.mark.parametrize("language", engine.LANGUAGES)
def test_a_text_that_takes_too_long_is_quarantined_and_its_neighbours_are_not(language: str) -> None:
    text = _distinct("1/2/3/4/5 ", 80_000) + " 44051401359 " + _distinct("12 Main ", 40_000)
    quarantined, clean, found = find([text, "nothing here", "44051401359"], language, seconds=0.01)
    assert quarantined == [Finding(Kind.QUARANTINED, 0, len(text), 1.0)]
    assert clean == []
    assert [finding.kind for finding in found] == [Kind.PL_PESEL]


@pytest.mark.parametrize(
    "piece", ["call (212) 555-0123 or 1/2/1/2, ", "ul. Długa 5, 00-950 Warszawa ", "a@b.co 4111 1111 1111 1111 "]
)
def test_work_grows_with_the_length_of_a_text_and_no_faster(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: characters that recognizers read, and how often the phone library is asked."""
    read: list[int] = []
    examine = engine._examine
    monkeypatch.setattr(
        engine,
        "_examine",
        lambda text, able, budget: (read.append(len(text) * len(able)), examine(text, able, budget))[1],
    )
    verify = phonenumbermatcher.PhoneNumberMatcher._parse_and_verify
    asked: list[str] = []
    monkeypatch.setattr(
        phonenumbermatcher.PhoneNumberMatcher,
        "_parse_and_verify",
        lambda self, text, at: (asked.append(text), verify(self, text, at))[1],
    )

    def work(characters: int) -> tuple[int, int]:
        read.clear()
        asked.clear()
        find([_distinct(piece, characters)], names=False, seconds=300)
        return sum(read), len(asked)

    once, tenfold = work(10_000), work(100_000)
    assert 0 < tenfold[0] <= 12 * once[0]  # windows overlap by a tenth
    assert tenfold[1] <= 12 * max(once[1], 10)  # most it is never asked about


@pytest.mark.parametrize("language", engine.LANGUAGES)
def test_names_of_a_long_text_have_a_time_too(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Slow:
        def find(self, texts: list[str]) -> Iterator[list[Finding]]:
            for text in texts:
                looked.append(len(text))
                ends = time.thread_time() + 0.02
                while time.thread_time() < ends:
                    pass
                yield [Finding(Kind.PERSON, 0, 1, 0.9)]

    detector = engine.detector_of(language)
    monkeypatch.setattr(detector, "_names", Slow())
    text = _distinct("word ", 100_000)
    quarantined, short = find([text, "also"], language, seconds=0.01)
    assert quarantined == [Finding(Kind.QUARANTINED, 0, len(text), 1.0)]
    assert short == [Finding(Kind.PERSON, 0, 1, 0.9)]
    assert len(looked) <= 1 + engine._AT_A_TIME  # and no more of it is looked at


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
