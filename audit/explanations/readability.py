"""How hard a text is to read, as years of school: Flesch-Kincaid for English, Pisarek for Polish. Pure.

Flesch-Kincaid grade (Kincaid et al. 1975): 0.39 words a sentence + 11.8 syllables a word - 15.59. Pisarek's linear index (1969):
a third of the words a sentence, a third of the percentage of words with four or more syllables, and one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

PLAIN: Final = 9.0
"""What a whole explanation may have: the end of compulsory school."""
HARDEST: Final = 14.0
"""What one sentence may have; a single long word weighs more in it than in a page."""

_SENTENCES: Final = re.compile(r"[.!?;:]+(?:\s|$)")
_WORDS: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENGLISH_VOWELS: Final = re.compile(r"[aeiouy]+")
_POLISH_VOWELS: Final = re.compile(r"i?[aąeęoóuy]|i")
_HARD_SYLLABLES: Final = 4


@lru_cache(maxsize=4096)
def grade(text: str, language: str) -> float:
    """The years of school that a text asks for; 0 for one without words."""
    sentences = [words for part in _SENTENCES.split(text) if (words := _WORDS.findall(part))]
    words = [word.lower() for sentence in sentences for word in sentence]
    if not words:
        return 0.0
    length = len(words) / len(sentences)
    if language == "pl":
        hard = sum(polish_syllables(word) >= _HARD_SYLLABLES for word in words)
        return length / 3 + 100 * hard / len(words) / 3 + 1
    return max(0.0, 0.39 * length + 11.8 * _mean(english_syllables(word) for word in words) - 15.59)


def english_syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    groups = len(_ENGLISH_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee"))
    silent = silent or (word.endswith(("es", "ed")) and word[-3:-2] not in "td")
    return max(1, groups - silent)


def polish_syllables(word: str) -> int:
    """Vowels, where i before another vowel only softens; au and eu are one."""
    return max(1, len(_POLISH_VOWELS.findall(word)) - word.count("au") - word.count("eu"))


def _mean(values: Iterable[int]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
