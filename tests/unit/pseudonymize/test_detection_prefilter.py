"""The prefilter loses nothing: Hyperscan, its plain stand-in and Presidio itself find the same in made-up and random texts."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from pseudonymize.detection import engine, presidio
from pseudonymize.detection.folding import fold
from pseudonymize.detection.patterns import Budget, Recognizer
from pseudonymize.detection.prefilter import HyperScanner, PlainScanner, Prefilter
from tests.corpora import marketing

TEXTS = int(os.environ.get("ZGODA_TEST_DETECTION_TEXTS", "300"))
"""How many random texts; raise it for a longer look."""

PRESIDIO_TEXTS = [
    "card 4111 1111 1111 1111 or 378282246310005, not 4111111111111112",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq and 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "born 1987-03-09, 3/9/1987, 09.03.1987, 9-MAR-1987, MAR-1987, 03/1987, 2026-01-01T10:00:00Z",
    "alice@example.com, a.b+c@mail.example.co.uk, nobody@nowhere.invalidtld, @handle",
    "GB82 WEST 1234 5698 7654 32 / DE89370400440532013000 / de89 3704 0044 0532 0130 00",
    "203.0.113.7, 2001:db8::1, ::1, fe80::1ff:fe23:4567:890a, 999.1.1.1, ::ffff:192.0.2.1",
    "00:1a:2b:3c:4d:5e, 00-1A-2B-3C-4D-5E, 001a.2b3c.4d5e, ab:cd:ef:ab:cd:ef",
    "id 123e4567-e89b-12d3-a456-426614174000 and abcdefab-abcd-abcd-abcd-abcdefabcdef",
    "(212) 555-0123, +48 600 100 200, 030 1234567, 01 23 45 67 89, 020 7946 0958, 1-800-555-0199 ext. 7, 67952, 1684 and 16 9 9",
    "https://example.org/a?b=c, www.example.com, example.io/path, 'https://example.net', no.such.thingy",
    "536-22-8145, 536228145, 536 22 8145, 912-70-1234, 000-12-3456",
    "license A1234567, H12345678, 123456789, C1234567, 12345678, passport A12345678, DEA BB1388568",
    "NHS 401 023 2137, 4010232137, ABA 021000021, 900700000",
    "order 42, 10 % off, 3.14, 2026, 1,234.56, A1, 7 pm",
    "+1 650 253 0000 +44 117 496 0123 +33 1 09 75 83 51 +91 74104 10123 +55 11 96123-4567 +972 50 234 5678",
    "plain words only",
]
_ALPHABETS = (
    "0123456789 -./()+",
    "0123456789abcdefABCDEF:-. ",
    "aA1 bB2.@-_+/xX\u00a0\u2011",
    "abc123@example.com www.org/ ,;\n",
    "ąęłŻ٣४५ ①１２３＋（）ſKßı\u0301\U0001f600\u202f",
)
_PIECES = (
    "4111 1111 1111 1111", "(212) 555-0123", "+48 600 100 200", "020 7946 0958", "a@b.co", "x@y.example.com",
    "www.example.com", "203.0.113.7", "2001:db8::1", "536-22-8145", "2026-01-31", "3/9/1987", "9-MAR-1987",
    "GB82WEST12345698765432", "A1234567", "123456789", "00:1a:2b:3c:4d:5e", "021000021", "call", "ſsn", "K1234567",
    "٠١٢٣٤٥٦٧٨٩", "１２３-４５-６７８９", "8 876 555 1234", "876-555-1234", '\u202f', '\n', "ż", "ext. 7", ", ", " x ", "'",
)  # fmt: skip


def random_texts(count: int) -> list[str]:
    chance = random.Random(11)
    texts = []
    for number in range(count):
        if number % 2:
            texts.append("".join(chance.choices(chance.choice(_ALPHABETS), k=chance.randint(1, 60))))
        else:
            texts.append(chance.choice(["", " "]).join(chance.choices(_PIECES, k=chance.randint(1, 7))))
    return texts


@pytest.fixture(scope="module")
def theirs() -> list[Any]:
    return [
        presidio.offline_email() if type(r).__name__ == "EmailRecognizer" else r
        for r in presidio.default_registry().recognizers
        if type(r).__name__ != "SpacyRecognizer"
    ]


def presidios(text: str, recognizers: list[Any]) -> set[tuple[str, int, int, float]]:
    """What Presidio's recognizers find, largest of those that lie in each other."""
    from presidio_analyzer import EntityRecognizer

    raw = [result for recognizer in recognizers for result in recognizer.analyze(text, recognizer.supported_entities)]
    return {
        (str(presidio.KINDS[r.entity_type]), r.start, r.end, r.score) for r in EntityRecognizer.remove_duplicates(raw)
    }


def found(recognizers: tuple[Recognizer, ...], text: str) -> set[tuple[str, int, int, float]]:
    budget = Budget(60.0)
    budget.start()
    return {(str(f.kind), f.start, f.end, f.score) for r in recognizers for f in r.find(text, budget)}


@pytest.mark.slow  # Presidio itself takes milliseconds a text
def test_every_scanner_finds_what_presidio_finds(theirs: list[Any]) -> None:
    texts = [*PRESIDIO_TEXTS, *(t.text for t in marketing.texts("pl", "identifiers", 60)), *random_texts(TEXTS)]
    ours = presidio.recognizers("en", doubtful=True)
    filters = [Prefilter(ours, scanner).able(texts) for scanner in (HyperScanner, PlainScanner)]
    for place, text in enumerate(texts):
        expected = presidios(text, theirs)
        for able in filters:
            assert found(able.get(place, ()), text) == expected, text


@pytest.mark.slow  # every recognizer over every text
@pytest.mark.parametrize("language", engine.LANGUAGES)
def test_scanners_find_in_every_language_what_all_recognizers_find_without_them(language: str) -> None:
    texts = [t.text for part in ("identifiers", "negatives") for t in marketing.texts(language, part, 60)]
    texts += [*PRESIDIO_TEXTS, *random_texts(TEXTS // 4), "x" * 390 + " 44051401359 " + "y" * 90]
    recognizers = tuple(engine.recognizers_of(language))
    filters = [Prefilter(recognizers, scanner).able(texts) for scanner in (HyperScanner, PlainScanner)]
    for place, text in enumerate(texts):
        expected = {finding for finding in found(recognizers, text) if finding[3] >= engine.LEAST_SCORE}
        for able in filters:
            kept = {finding for finding in found(able.get(place, ()), text) if finding[3] >= engine.LEAST_SCORE}
            assert kept == expected, text


def test_folding_keeps_the_place_of_every_character() -> None:
    text = "Zażółć ٣ ４२ – \u202f－ ＋ ſ K \U0001f600\ud800 Ж \u0301_"
    folded = fold(text)
    assert len(folded) == len(text)
    assert folded.decode() == "Zaxxxx 3 42 -  - + s K !! X x_"


@pytest.mark.slow  # two scanners are made
def test_a_text_without_a_hint_reaches_no_recognizer_and_neighbours_lend_it_none() -> None:
    texts = ["order", "44051", "401359 is", "", "nothing. Here", "pesel 44051401359"]
    for scanner in (HyperScanner, PlainScanner):
        assert set(Prefilter(engine.recognizers_of("pl"), scanner).able(texts)) - {1, 2} == {5}
