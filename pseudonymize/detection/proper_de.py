"""Which German words are proper names: a small morphological tagger (HanTa, trained on newspapers) tells them from nouns.

It says nothing of whether a name is a person's, a place's or a firm's.
"""

from __future__ import annotations

from enum import Enum
from functools import cache, lru_cache
from typing import Any

_REMEMBERED = 50_000  # words
_KNOWN = -22.0  # logarithmic probability from which the tagger has seen a word
_SURE = 2.0  # by how much a name must be likelier than a noun, of a word that it has not seen


class Proper(Enum):
    """What a capitalised word is. UNSURE: a name or a noun that the tagger has never seen; OTHER: an adjective, a verb and so on."""

    NAME = "name"
    UNSURE = "unsure"
    NOUN = "noun"
    OTHER = "other"


@lru_cache(maxsize=_REMEMBERED)
def proper(word: str) -> Proper:
    """Whether a capitalised word is a proper name, a noun, or some other word."""
    name = noun = other = float("-inf")
    for tag, score in _tagger().tag_word(word):
        if tag == "NE":
            name = max(name, float(score))
        elif str(tag).startswith("NN"):
            noun = max(noun, float(score))
        elif tag != "FM" or float(score) > _KNOWN:  # an unknown word may always be of another language
            other = max(other, float(score))
    if max(name, noun, other) > _KNOWN:
        return Proper.NAME if name >= max(noun, other) else Proper.NOUN if noun > other else Proper.OTHER
    return Proper.NAME if name - noun > _SURE else Proper.UNSURE if name > noun - _SURE else Proper.NOUN


@lru_cache(maxsize=_REMEMBERED)
def is_verb(word: str) -> bool:
    """Whether a word in lower case is what somebody does."""
    tags = _tagger().tag_word(word)
    return bool(tags) and str(tags[0][0]).startswith("VV(FIN") and float(tags[0][1]) > _KNOWN


@cache
def _tagger() -> Any:
    from HanTa import HanoverTagger

    return HanoverTagger.HanoverTagger("morphmodel_ger.pgz")
