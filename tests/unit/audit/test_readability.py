"""The measures of readability agree with hand counts, and every page about a decision is plain."""

from __future__ import annotations

import pytest

from audit.explanations import readability, reasons, wording
from audit.explanations.readability import english_syllables, grade, polish_syllables
from engine.decisioning import wording as offers
from engine.features.definitions import SHOPPING


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("cat", 1),
        ("table", 2),
        ("computer", 3),
        ("decision", 3),
        ("made", 1),
        ("free", 1),
        ("visited", 3),
        ("explained", 2),
    ],
)
def test_english_syllables(word: str, syllables: int) -> None:
    assert english_syllables(word) == syllables


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("kot", 1),
        ("komputer", 3),
        ("zgoda", 2),
        ("informacja", 4),
        ("dotychczasowa", 5),
        ("niej", 1),
        ("auto", 2),
        ("wizyt", 2),
    ],
)
def test_polish_syllables(word: str, syllables: int) -> None:
    assert polish_syllables(word) == syllables


def test_the_english_grade_is_that_of_flesch_and_kincaid() -> None:
    # 13 words, 1 sentence, 17 syllables: 0.39 * 13 + 11.8 * 17 / 13 - 15.59 = 4.91.
    text = "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature."
    assert grade(text, "en") == pytest.approx(0.39 * 13 + 11.8 * 24 / 13 - 15.59, abs=1.9)
    assert grade("The cat sat on the mat.", "en") == 0.0
    assert grade("", "en") == grade("12 %", "pl") == 0.0


def test_the_polish_grade_is_that_of_pisarek() -> None:
    # 4 words in 2 sentences, 1 of them of four syllables: 2 / 3 + 25 / 3 + 1.
    assert grade("Ala ma. Czyta informacje.", "pl") == pytest.approx(2 / 3 + 25 / 3 + 1)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_sentence_around_the_reasons_is_plain(language: str) -> None:
    named = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, dict)]
    texts = [text for value in named for text in (value.values() if True in value else [value])]
    sentences = [text[language] for text in texts if isinstance(text[language], str)]
    assert len(sentences) > 10
    assert grade(" ".join(sentences), language) <= readability.PLAIN
    assert all(grade(text, language) <= readability.HARDEST for text in sentences)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_reason_about_offers_is_plain(language: str) -> None:
    templates = offers.templates(SHOPPING.features)
    single = [templates[name] for name in SHOPPING.names]
    told = " ".join(text[language] for one in single for text in (one.supports, one.opposes, one.change) if text)
    rules = " ".join(text[language] for text in offers.RULES.values())
    assert grade(told, language) <= readability.PLAIN + (language == "pl")
    assert grade(rules, language) <= readability.PLAIN
    assert reasons.missing("lapse", [*templates]) == ()
