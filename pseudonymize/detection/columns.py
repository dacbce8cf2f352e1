"""What a column holds, guessed from a sample of its values and from its name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pseudonymize.detection import gazetteer, names_pl
from pseudonymize.detection.engine import find
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import as_written

SAMPLE = 1_000
MOST_SHARE = 0.5  # of the sampled values: from here on the column is of that kind
NOTED_SHARE = 0.02  # of the sampled values: personal data here and there
COVER = 0.8  # of a value's letters and digits: from here on the value is that thing, and does not just mention it
_WORDS_OF_TEXT = 4.0  # mean number of words from which a column is free text
_UNSURE = frozenset({Kind.PERSON, Kind.LOCATION, Kind.NRP, Kind.ADDRESS})  # a single word says little about these
_CODE = as_written(r"[\w\-]*\d[\w\-]*")

# What a column's name says, where values alone are ambiguous (a surname, a town, nine digits).
_NAMES: Sequence[tuple[Any, Kind]] = tuple(
    (as_written(rf"(?i)(?:^|[^a-z])(?:{words})(?:$|[^a-z])"), kind)
    for words, kind in (
        ("e-?mail|mail", Kind.EMAIL),
        ("phone|mobile|tel|telefon|telephone|kom[oó]rka", Kind.PHONE),
        ("pesel", Kind.PL_PESEL),
        ("nip", Kind.PL_NIP),
        ("regon", Kind.PL_REGON),
        ("ssn|social[ _]?security(?:[ _]?number)?", Kind.US_SSN),
        ("iban|account[ _]?(?:no|number)|konto", Kind.IBAN),
        ("card[ _]?(?:no|number)|pan", Kind.CREDIT_CARD),
        ("ip|ip[ _]?address", Kind.IP_ADDRESS),
        ("(?:first|last|full|given|family|sur|middle)[ _]?name|surname|name|imi[eę]|nazwisko|customer", Kind.PERSON),
        ("address|street|adres|ulica|addr", Kind.ADDRESS),
        ("post[ _]?code|zip|zip[ _]?code|postal[ _]?code|kod[ _]?pocztowy", Kind.ADDRESS),
        ("city|town|country|place|miasto|kraj", Kind.LOCATION),
        ("birth|born|dob|birth[ _]?date|date[ _]?of[ _]?birth|data[ _]?urodzenia", Kind.DATE_TIME),
    )
)


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to hold.

    ``kind``: of most values, or None. ``share``: of the sampled values that are of that kind. ``free_text``: the values are
    sentences; then ``kind`` is None and ``mentions`` counts. ``mentions``: share of sampled values in which each kind was found,
    whole or in part. ``by_name``: the kind that the column's name says. ``sampled``: how many distinct values were looked at.
    """

    kind: Kind | None
    share: float
    free_text: bool
    mentions: Mapping[Kind, float]
    by_name: Kind | None
    sampled: int

    @property
    def personal(self) -> bool:
        """Whether the column needs a transform, as far as the sample shows."""
        return self.kind is not None or any(share >= NOTED_SHARE for share in self.mentions.values())


def classify_column(values: Any, *, name: str = "", language: str = "en", sample: int = SAMPLE) -> ColumnGuess:
    """Guess a column's kind. ``values``: an Arrow column or a sequence; numbers and dates count as their text, nulls not.

    At most ``sample`` distinct values are looked at, the same ones each time. A guess is no proof: a kind that is rarer than
    one value in ``sample`` goes unseen. Raises LanguageNotSupported.
    """
    chosen = _sample(values, sample)
    by_name = next((kind for pattern, kind in _NAMES if pattern.search(name)), None)
    if not chosen:
        return ColumnGuess(by_name, 0.0, False, {}, by_name, 0)
    whole: Counter[Kind] = Counter()
    mentioned: Counter[Kind] = Counter()
    for value, findings in zip(chosen, find(chosen, language), strict=True):
        mentioned.update({finding.kind for finding in findings})
        for kind in {finding.kind for finding in findings}:
            covered = sum(_size(value[f.start : f.end]) for f in findings if f.kind is kind)
            whole[kind] += covered >= COVER * _size(value)
    persons = sum(map(_is_name, chosen))
    whole[Kind.PERSON] = max(whole[Kind.PERSON], persons)
    mentions = {kind: count / len(chosen) for kind, count in mentioned.items()}
    likeliest, count = max(whole.items(), key=lambda item: (item[1], item[0] is by_name))
    share = count / len(chosen)
    free_text = share < MOST_SHARE and sum(len(value.split()) for value in chosen) / len(chosen) >= _WORDS_OF_TEXT
    named = by_name if by_name is not None and not free_text and _may_be(by_name, chosen) else None
    if share >= MOST_SHARE and not (likeliest in _UNSURE and named is not None and named in _UNSURE):
        return ColumnGuess(likeliest, share, False, mentions, by_name, len(chosen))
    # The name decides only what the values leave open: a number called e-mail is none.
    share = whole[named] / len(chosen) if named else 0.0
    return ColumnGuess(named, share, free_text, mentions, by_name, len(chosen))


def _sample(values: Any, size: int) -> list[str]:
    listed = values.unique().to_pylist() if hasattr(values, "unique") and hasattr(values, "to_pylist") else values
    texts = list(dict.fromkeys(text for value in listed if value is not None and (text := str(value).strip())))
    return texts if len(texts) <= size else random.Random(0).sample(texts, size)  # noqa: S311  a sample, not a secret


def _size(text: str) -> int:
    return sum(map(str.isalnum, text))


def _is_name(value: str) -> bool:
    """Whether the value is a given name, a surname, or both, and nothing else."""
    words = [word for word in value.replace(",", " ").split() if len(word.strip(".")) > 1]
    return 1 <= len(words) <= 4 and all(
        word.title() in gazetteer.given_names(gazetteer.LATIN_LOCALES)
        or word.title() in gazetteer.surnames(gazetteer.LATIN_LOCALES)
        or names_pl.is_name(word.title())
        for word in words
    )


def _may_be(kind: Kind, values: Sequence[str]) -> bool:
    """Whether the values can be of a kind that only the column's name says: names have letters, numbers have digits."""
    coded = sum(1 for value in values if _CODE.fullmatch(value)) / len(values)
    if kind is Kind.EMAIL:
        return any("@" in value for value in values)
    if kind in {Kind.PERSON, Kind.LOCATION}:
        return coded < MOST_SHARE
    if kind is Kind.ADDRESS:
        return True
    return any(any(map(str.isdigit, value)) for value in values)
